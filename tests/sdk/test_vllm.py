"""vLLM in this process: objects of the shapes that its source had up to November 2026.

It is too large to be installed for this. What stands in for it has the names and types of
``vllm/outputs.py``, of ``vllm/v1/metrics/stats.py`` and of the configuration below
``LLM.llm_engine``; that the engine works so is not shown by this.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from spanledger import semconv
from spanledger._guard import internal_errors
from spanledger._patches import registry
from spanledger._patches.registry import instrument, uninstrument
from spanledger.compute import (
    ModelArchitecture,
    estimate_flops,
    kv_cache_bytes,
    weight_bytes,
)
from spanledger.testing import capture_spans

CONFIG = {
    "model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 128,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512,
}  # fmt: skip


@dataclass
class RequestStateStats:
    num_generation_tokens: int = 0
    arrival_time: float = 0.0
    queued_ts: float = 0.0
    scheduled_ts: float = 0.0
    first_token_ts: float = 0.0
    last_token_ts: float = 0.0
    first_token_latency: float = 0.0


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: list[int]
    finish_reason: str | None = None


@dataclass
class RequestOutput:
    request_id: str
    prompt_token_ids: list[int] | None
    outputs: list[CompletionOutput]
    finished: bool = True
    metrics: RequestStateStats | None = None
    num_cached_tokens: int | None = None


@dataclass
class EmbeddingRequestOutput:
    request_id: str
    prompt_token_ids: list[int]
    num_cached_tokens: int
    outputs: Any = field(default_factory=lambda: SimpleNamespace(embedding=[0.5]))


def one(prompt: int, cached: int | None, *made: int, **given: Any) -> RequestOutput:
    """A request and its answers, by numbers of tokens."""
    outputs = [CompletionOutput(i, "x", [7] * n, "length") for i, n in enumerate(made)]
    return RequestOutput("7", [1] * prompt, outputs, num_cached_tokens=cached, **given)


class LLM:
    """In the place of vLLM's: answers with what it was made with."""

    def __init__(
        self, model: str, *, answers: Any = (), dtype: str = "bfloat16", **_given: Any
    ) -> None:
        if model == "absent":
            raise OSError("no such model")
        self.answers = answers
        self.llm_engine = SimpleNamespace(
            vllm_config=SimpleNamespace(
                model_config=SimpleNamespace(
                    model=model, quantization=None, dtype=f"torch.{dtype}",
                    hf_config=SimpleNamespace(to_dict=lambda: CONFIG),
                ),
                cache_config=SimpleNamespace(cache_dtype="auto"),
                parallel_config=SimpleNamespace(world_size=2),
            )
        )  # fmt: skip

    def generate(self, prompts: Any, sampling_params: Any = None, **_given: Any) -> Any:
        assert prompts
        if sampling_params == "broken":
            raise ValueError(sampling_params)
        return self.answers

    def chat(self, messages: Any, sampling_params: Any = None, **_given: Any) -> Any:
        return self.generate([messages], sampling_params)

    def embed(self, prompts: Any, **_given: Any) -> Any:
        assert prompts
        return self.answers


@pytest.fixture(autouse=True)
def vllm(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """The package as far as it is looked at."""
    platform = SimpleNamespace(get_device_name=lambda: "NVIDIA H100 80GB HBM3")
    for name, holds in {
        "vllm": {}, "vllm.entrypoints": {}, "vllm.entrypoints.llm": {"LLM": LLM},
        "vllm.platforms": {"current_platform": platform},
    }.items():  # fmt: skip
        module = ModuleType(name)
        vars(module).update(holds)
        monkeypatch.setitem(sys.modules, name, module)
    # Another test may have asked for what is not there, and found vLLM missing for good.
    monkeypatch.delitem(registry._patches, "vllm", raising=False)
    before = internal_errors()
    instrument(["vllm"])
    yield
    uninstrument(["vllm"])
    assert internal_errors() == before


def test_all_requests_of_a_call_are_one_span() -> None:
    """Tokens, cached ones, FLOPs and devices; the weights are estimated: they lie elsewhere."""
    answers = [one(40, 16, 10), one(20, 0, 5, 6)]
    with capture_spans() as captured:
        llm = LLM("meta-llama/x", answers=answers)
        parameters = SimpleNamespace(max_tokens=10, temperature=0.5, top_p=1.0)
        assert llm.generate(["a", "b"], parameters) is answers
    load, call = [dict(span.attributes or {}) for span in captured.spans]
    assert captured.names() == ["load_model meta-llama/x", "text_completion meta-llama/x"]
    assert load[semconv.GPU_MODEL] == call[semconv.GPU_MODEL] == "NVIDIA H100 80GB HBM3"
    assert load[semconv.GPU_COUNT] == call[semconv.GPU_COUNT] == 2
    assert call[semconv.PROVIDER_NAME] == "vllm"
    assert call[semconv.REQUEST_MAX_TOKENS] == 10
    assert call[semconv.USAGE_INPUT_TOKENS] == 60
    assert call[semconv.USAGE_CACHE_READ_TOKENS] == 16
    assert call[semconv.USAGE_OUTPUT_TOKENS] == 21
    assert call[semconv.USAGE_SOURCE] == "provider"
    assert call[semconv.RESPONSE_FINISH_REASONS] == ("length",)
    arch = ModelArchitecture.from_hf_config(CONFIG)
    parts = ((40, 16, 10), (20, 0, 5), (20, 19, 6))
    assert call[semconv.FLOPS_TOTAL] == sum(
        estimate_flops(arch, *part).total.value for part in parts
    )
    assert call[semconv.VRAM_WEIGHTS_BYTES] == weight_bytes(arch, "bf16")
    assert call[semconv.VRAM_SOURCE] == "estimated:bf16"
    # Pages of 16 tokens; the two answers of the second request have its first page in common.
    assert call[semconv.VRAM_KV_BYTES] == kv_cache_bytes(arch, 64 + 16 + 16 + 16)
    assert semconv.GPU_MFU in call
    assert semconv.GPU_MBU not in call, "the engine made its own batches"


def test_a_single_request_tells_the_engines_own_times() -> None:
    """Queue, prompt and answer; a chat is told once, though it generates."""
    stats = RequestStateStats(10, 1e9, 5.0, 5.5, 6.0, 8.0)
    with capture_spans() as captured:
        LLM("m", answers=[one(40, None, 10, metrics=stats)]).chat([{"role": "user"}])
    _, call = captured.spans
    told = dict(call.attributes or {})
    assert call.name == "chat m"
    assert told[semconv.SERVER_QUEUE_NS] == 500_000_000
    assert told[semconv.SERVER_PREFILL_NS] == 500_000_000
    assert told[semconv.SERVER_DECODE_NS] == 2_000_000_000
    assert told[semconv.RESPONSE_ID] == "7"


def test_embeddings_and_failures() -> None:
    """An embedding has no answer; a call or a load that fails is told as one."""
    with capture_spans() as captured:
        LLM("m", answers=[EmbeddingRequestOutput("1", [1] * 9, 0)]).embed(["a"])
        with pytest.raises(ValueError, match="broken"):
            LLM("m").generate(["a"], "broken")
        with pytest.raises(OSError, match="no such model"):
            LLM("absent", tensor_parallel_size=4)
    _, embedding, _, broken, absent = [dict(span.attributes or {}) for span in captured.spans]
    assert embedding[semconv.OPERATION_NAME] == "embeddings"
    assert (embedding[semconv.USAGE_INPUT_TOKENS], embedding[semconv.USAGE_OUTPUT_TOKENS]) == (9, 0)
    assert broken[semconv.ERROR_TYPE] == "ValueError"
    assert absent[semconv.ERROR_TYPE] == "OSError"
    for failed, gpus in ((broken, 2), (absent, 4)):  # the devices were held all the same
        assert float(str(failed[semconv.GPU_SECONDS])) > 0
        assert failed[semconv.GPU_MODEL] == "NVIDIA H100 80GB HBM3"
        assert failed[semconv.GPU_COUNT] == gpus


def test_what_another_version_lacks_is_left_out() -> None:
    """No configuration, no statistics, prompts that are not told: no figure is made up."""
    bare = LLM("m", answers=[RequestOutput("1", None, [])])
    bare.llm_engine = SimpleNamespace()
    with capture_spans() as captured:
        bare.generate(["a"])
    (call,) = [dict(span.attributes or {}) for span in captured.spans]
    assert call[semconv.USAGE_SOURCE] == "missing"
    assert semconv.FLOPS_TOTAL not in call
    assert semconv.USAGE_INPUT_TOKENS not in call
