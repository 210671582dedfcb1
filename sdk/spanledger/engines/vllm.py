"""``vllm.LLM``: vLLM in this process, without its server: ``generate``, ``chat`` and ``embed``.

A call is all requests that it was given: their tokens, cached ones apart, summed. FLOPs are those
of the model's own config, request by request; the engine makes its own batches of them, so what it
read from memory, and MBU, are not known. Device time is the call's duration times the GPUs of the
engine. Of a call with one request vLLM's own times are told where it keeps statistics
(``disable_log_stats=False``).

Shapes are those of ``vllm/outputs.py`` (``RequestOutput``, ``PoolingRequestOutput``) and
``vllm/v1/metrics/stats.py`` (``RequestStateStats``) as its source had them in several versions of
the V1 engine up to November 2026; vLLM itself was not run. They are read guardedly: what another
version lacks is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any, Final, cast

from spanledger import semconv
from spanledger._calls.answer import Answer, FactValue, Usage, text, whole
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._guard import guarded
from spanledger._local.device_clock import Turn
from spanledger._local.loading import Load
from spanledger._local.model import (
    KnownModels,
    LocalModel,
    Sequenced,
    configured_architecture,
    device_time,
    figures,
)
from spanledger._patches.instrumentor import Asked, Instrumentor, Method, number
from spanledger._patches.patching import Kind, Target
from spanledger.compute import request_share_bytes, weight_bytes
from spanledger.compute.replica import BLOCK_TOKENS

#: The first with the V1 engine alone, whose shapes were read.
MINIMUM_VERSION: Final = "0.11.0"
_NANO: Final = 1_000_000_000
#: Name under which a call's time of the devices stands among its parameters.
_TURN: Final = "spanledger.turn"
#: ``quantization``, or without any the type of the numbers -> how the physics call it.
_FORMATS: Final[Mapping[str, str]] = {
    "bfloat16": "bf16", "float16": "fp16", "half": "fp16", "float32": "fp32", "float": "fp32",
    "fp8": "fp8", "awq": "awq", "awq_marlin": "awq", "gptq": "gptq", "gptq_marlin": "gptq",
    "mxfp4": "mxfp4",
}  # fmt: skip


# --- the model ------------------------------------------------------------------------------------
def _look_at(llm: Any) -> LocalModel:
    """By the engine's configuration; its weights lie in other processes and are not measured."""
    config = _inside(llm, "llm_engine", "vllm_config")
    model = _inside(config, "model_config") or _inside(llm, "llm_engine", "model_config")
    quantised = text(_inside(model, "quantization"))
    kind = str(_inside(model, "dtype")).removeprefix("torch.")
    cache = str(_inside(config, "cache_config", "cache_dtype") or "auto")
    devices = max(1, whole(_inside(config, "parallel_config", "world_size")) or 1)
    return LocalModel(
        name=text(_inside(model, "model")) or "vllm",
        arch=configured_architecture(_inside(model, "hf_config")),
        weights_bytes=0,
        weight_format=_FORMATS.get(quantised or kind, ""),
        cache_format="fp8" if cache.startswith("fp8") else "bf16",
        devices=devices,
        device=_device() or "gpu",
        places=tuple(f"vllm {id(llm)} {at}" for at in range(devices)),
    )


_facts_of: Final = KnownModels(_look_at)


def _inside(owner: Any, *names: str) -> Any:
    """What lies below an object by these names; None where one of them is not there."""
    for name in names:
        owner = getattr(owner, name, None)
    return owner


@guarded("")
def _device() -> str:
    """As vLLM's own platform tells it: torch would start CUDA in this process for that."""
    platform = _inside(sys.modules.get("vllm.platforms"), "current_platform")
    return str(platform.get_device_name()) if platform is not None else ""


# --- a call ---------------------------------------------------------------------------------------
def _asked(llm: Any, kwargs: Mapping[str, Any]) -> Asked:
    known = _facts_of(llm)
    return Asked({**kwargs, "model": known.name, _TURN: known.turn()}, "vllm", None)


def _request(kwargs: Mapping[str, Any]) -> Attributes:
    """Of the sampling parameters, where all requests share them."""
    given: Any = kwargs.get("sampling_params")  # a structure without a __dict__, or a list of them
    names = ("max_tokens", "temperature", "top_p")
    settings = {name: getattr(given, name, None) for name in names}
    told = {
        semconv.REQUEST_MAX_TOKENS: number(settings, "max_tokens"),
        semconv.REQUEST_TEMPERATURE: number(settings, "temperature"),
        semconv.REQUEST_TOP_P: number(settings, "top_p"),
    }
    return {name: value for name, value in told.items() if value is not None}


def _sequences(request: Any) -> Iterator[Sequenced]:
    """What was computed for one request; further answers find the whole prompt in the cache."""
    prompt = len(_inside(request, "prompt_token_ids") or ())
    cached = min(whole(_inside(request, "num_cached_tokens")) or 0, max(0, prompt - 1))
    outputs = _outputs(request)
    if not outputs:  # of an embedding
        yield Sequenced(prompt, cached, 0)
    for at, output in enumerate(outputs):
        made = len(_inside(output, "token_ids") or ())
        yield Sequenced(prompt, max(0, prompt - 1) if at else cached, made)


def _outputs(request: Any) -> Sequence[Any]:
    """The answers of a request; none of an embedding, whose output is no list."""
    found: Any = _inside(request, "outputs")
    return cast("list[Any]", found) if isinstance(found, list) else ()


def _held_bytes(llm: Any, model: LocalModel, sequences: Sequence[Sequence[Sequenced]]) -> int:
    """Of the paged cache: the answers of a request have its prompt once, and their own pages."""
    if model.arch is None:
        return 0
    page = whole(_inside(llm, "llm_engine", "vllm_config", "cache_config", "block_size"))
    return sum(
        request_share_bytes(
            model.arch, one.prompt + max(0, one.made - 1), shared_tokens=one.prompt,
            sharers=len(of_one), cache_format=model.cache_format,
            block_tokens=page or BLOCK_TOKENS,
        )
        for of_one in sequences
        for one in of_one
    )  # fmt: skip


def _usage(requests: Sequence[Any], sequences: Sequence[Sequence[Sequenced]]) -> Usage:
    known = all(_inside(request, "prompt_token_ids") is not None for request in requests)
    first = [of_one[0] for of_one in sequences if of_one]
    return Usage(
        input_tokens=sum(one.prompt for one in first) if known else None,
        output_tokens=sum(one.made for of_one in sequences for one in of_one),
        cache_read_tokens=sum(one.cached for one in first) if known else 0,
    )


def _times(requests: Sequence[Any]) -> dict[str, FactValue]:
    """Of a single request: waiting, prompt and answer, by the engine's monotonic clock."""
    stats = _inside(requests[0], "metrics") if len(requests) == 1 else None
    names = ("queued_ts", "scheduled_ts", "first_token_ts", "last_token_ts")
    moments = [number({"at": _inside(stats, name)}, "at") for name in names]
    if not all(moments):
        return {}
    queued, scheduled, first, last = [float(at or 0) for at in moments]
    if not queued <= scheduled <= first <= last:
        return {}
    return {
        semconv.SERVER_QUEUE_NS: int((scheduled - queued) * _NANO),
        semconv.SERVER_PREFILL_NS: int((first - scheduled) * _NANO),
        semconv.SERVER_DECODE_NS: int((last - first) * _NANO),
    }


def _failed(call: Any, kwargs: Mapping[str, Any]) -> Mapping[str, FactValue]:
    turn: Turn = kwargs[_TURN]
    return device_time(_facts_of(call.owner), turn.end())


def _watch(call: Any, result: Any, kwargs: Mapping[str, Any]) -> None:
    """Read the requests of a result, and end the call with them."""
    call.answered()
    turn: Turn = kwargs[_TURN]
    seconds = min(turn.end(), call.elapsed_seconds())
    requests = cast("list[Any]", result)
    sequences = [list(_sequences(request)) for request in requests]
    usage = _usage(requests, sequences)
    model = _facts_of(call.owner)
    told = [one for of_one in sequences for one in of_one] if usage.known else []
    held = _held_bytes(call.owner, model, sequences)
    facts = figures(model, told, seconds, together=False, held_bytes=held) | _times(requests)
    if model.arch is not None and model.weight_format:
        facts[semconv.VRAM_WEIGHTS_BYTES] = weight_bytes(model.arch, model.weight_format)
        facts[semconv.VRAM_SOURCE] = f"estimated:{model.weight_format}"
    reasons = {
        text(_inside(output, "finish_reason"))
        for request in requests
        for output in _outputs(request)
    }
    call.finish(
        Answer(
            response_id=text(_inside(requests[0], "request_id")) if len(requests) == 1 else "",
            model=model.name,
            finish_reasons=tuple(sorted(filter(None, reasons))),
            usage=usage,
            facts=facts,
            uncounted=not usage.known,
        )
    )


def _unread(_result: Any) -> Answer:
    return Answer(uncounted=True)


# --- what is patched ------------------------------------------------------------------------------
def _api(operation: str, first: str, request: Callable[[Mapping[str, Any]], Attributes]) -> Api:
    return Api(
        operation=operation,
        request=request,
        answer=_unread,
        reading=_unread,  # type: ignore[arg-type] -- nothing streams
        prompt=(),
        positional=(first, "sampling_params"),
        watch=_watch,
        failed=_failed,
    )


def _goes_to(kwargs: Mapping[str, Any]) -> tuple[str, int]:
    sizes = [
        whole(kwargs.get(f"{name}_parallel_size")) or 1 for name in ("tensor", "pipeline", "data")
    ]
    return _device() or "gpu", prod(sizes)


LOAD: Final = Load(
    name=lambda _llm, kwargs: text(kwargs.get("model")) or "vllm",
    loaded=lambda llm, _nothing: _facts_of(llm),
    goes_to=_goes_to,
    positional=("model",),
)


def _method(name: str, api: Api | Load) -> Method:
    return Method(Target("vllm.entrypoints.llm", f"LLM.{name}", Kind.SYNC), api)


INSTRUMENTOR: Final = Instrumentor(
    client="vllm",
    provider="vllm",
    minimum=MINIMUM_VERSION,
    methods=(
        _method("generate", _api(semconv.OPERATION_TEXT_COMPLETION, "prompts", _request)),
        _method("chat", _api(semconv.OPERATION_CHAT, "messages", _request)),
        _method("embed", _api(semconv.OPERATION_EMBEDDINGS, "prompts", lambda _kwargs: {})),
        _method("__init__", LOAD),
    ),
    helpers=(),
    not_metered={},
    notes=(
        "Written against vLLM's source and tested on objects of its shapes, not run with vLLM.",
        "The asynchronous engine and vLLM's server are told by the server's own spans and answers.",
    ),
    asked=_asked,
)
