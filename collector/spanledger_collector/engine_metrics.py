"""What inference engines tell of themselves in ``/metrics``, and what it is called here.

A vLLM, SGLang, Text Generation Inference or llama.cpp server names the same things differently,
and anew from version to version. Each name that is kept stands for one measure of one engine;
whoever hands a metric on (receiver, loader, scraper) looks it up here. Names with ``:`` or ``_``
and with or without ``_total`` are the same: an OpenTelemetry Collector may write either.

Sources: vLLM ``vllm/v1/metrics/loggers.py`` (0.8 to 0.11) and its page "Production Metrics",
SGLang ``srt/metrics/collector.py`` (0.4, 0.5), the reference of metrics of Text Generation
Inference 3, llama.cpp ``tools/server``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Measure: TypeAlias = Literal[
    "requests_running",
    "requests_waiting",
    "kv_cache_used",
    "prefix_queried_tokens",
    "prefix_hit_tokens",
    "preemptions",
    "prompt_tokens",
    "output_tokens",
    "drafted_tokens",
    "accepted_tokens",
    "flops_per_gpu",
    "read_bytes_per_gpu",
    "written_bytes_per_gpu",
]
#: Those that only ever grow; the others are levels.
TOTALS: Final[frozenset[str]] = frozenset((
    "prefix_queried_tokens", "prefix_hit_tokens", "preemptions", "prompt_tokens", "output_tokens",
    "drafted_tokens", "accepted_tokens",
    "flops_per_gpu", "read_bytes_per_gpu", "written_bytes_per_gpu",
))  # fmt: skip
#: Engine -> name without ``_total``, ``:`` written as ``_`` -> what it measures.
_NAMES: Final[Mapping[str, Mapping[str, Measure]]] = {
    "vllm": {
        "vllm_num_requests_running": "requests_running",
        "vllm_num_requests_waiting": "requests_waiting",
        "vllm_kv_cache_usage_perc": "kv_cache_used",
        "vllm_gpu_cache_usage_perc": "kv_cache_used",
        "vllm_prefix_cache_queries": "prefix_queried_tokens",
        "vllm_gpu_prefix_cache_queries": "prefix_queried_tokens",
        "vllm_prefix_cache_hits": "prefix_hit_tokens",
        "vllm_gpu_prefix_cache_hits": "prefix_hit_tokens",
        "vllm_num_preemptions": "preemptions",
        "vllm_prompt_tokens": "prompt_tokens",
        "vllm_generation_tokens": "output_tokens",
        "vllm_spec_decode_num_draft_tokens": "drafted_tokens",
        "vllm_spec_decode_num_accepted_tokens": "accepted_tokens",
        # With --enable-mfu-metrics: its own reckoning of what a GPU did, not a measurement.
        "vllm_estimated_flops_per_gpu": "flops_per_gpu",
        "vllm_estimated_read_bytes_per_gpu": "read_bytes_per_gpu",
        "vllm_estimated_write_bytes_per_gpu": "written_bytes_per_gpu",
    },
    "sglang": {
        "sglang_num_running_reqs": "requests_running",
        "sglang_num_queue_reqs": "requests_waiting",
        "sglang_token_usage": "kv_cache_used",
        "sglang_cached_tokens": "prefix_hit_tokens",
        "sglang_num_retracted_requests": "preemptions",
        "sglang_prompt_tokens": "prompt_tokens",
        "sglang_generation_tokens": "output_tokens",
    },
    # It counts tokens in histograms only: their sums are what grows.
    "tgi": {
        "tgi_batch_current_size": "requests_running",
        "tgi_queue_size": "requests_waiting",
        "tgi_request_input_length": "prompt_tokens",
        "tgi_request_generated_tokens": "output_tokens",
    },
    "llama.cpp": {
        "llamacpp_requests_processing": "requests_running",
        "llamacpp_requests_deferred": "requests_waiting",
        "llamacpp_kv_cache_usage_ratio": "kv_cache_used",
        "llamacpp_prompt_tokens": "prompt_tokens",
        "llamacpp_tokens_predicted": "output_tokens",
    },
}
#: Labels that are kept: the model, and which part of a server tells it.
MODEL_LABELS: Final = ("model_name", "model")
PART_LABELS: Final = ("engine", "dp_rank", "cache_source")


@dataclass(frozen=True, slots=True)
class EngineMetric:
    """What a metric of an engine is.

    Attributes:
        engine: ``vllm``, ``sglang``, ``tgi`` or ``llama.cpp``.
        measure: what it measures.
    """

    engine: str
    measure: Measure

    @property
    def is_total(self) -> bool:
        """It only ever grows, until its server starts anew."""
        return self.measure in TOTALS


_KNOWN: Final[Mapping[str, EngineMetric]] = {
    name: EngineMetric(engine, measure)
    for engine, names in _NAMES.items()
    for name, measure in names.items()
}


def engine_metric(name: str) -> EngineMetric | None:
    """What a metric of this name is; None where it is none of an engine that is kept."""
    return _KNOWN.get(name.removesuffix("_total").replace(":", "_", 1))
