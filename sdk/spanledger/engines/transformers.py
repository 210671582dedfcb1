"""``generate`` of transformers' models, and so its text generation pipelines, which call it.

Input tokens are those of the attention mask; output tokens end with the first end token of each
sequence. FLOPs are exact for the model's own config, sequence by sequence, as a served call's
would be: attention over what the mask allows, logits where a token is drawn. Memory of weights is
what their tensors hold. Device time is the call's duration times the devices the model lies on.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from spanledger import semconv
from spanledger._answer import Answer, FactValue, Usage
from spanledger._api import Api
from spanledger._facts import Attributes
from spanledger._guard import guarded
from spanledger._instrumentor import Asked, Instrumentor, Method, number
from spanledger._patching import Kind, Target
from spanledger._process_lock import ProcessLock
from spanledger.compute import (
    ArchitectureError,
    ModelArchitecture,
    estimate_flops,
    flops_utilisation,
    kv_cache_bytes,
    recognise_gpu,
)

#: Oldest version tried.
MINIMUM_VERSION: Final = "5.20.0"
_INT64_MAX: Final = 2**63 - 1
_CACHE_FORMATS: Final[Mapping[int, str]] = {1: "fp8", 2: "bf16", 4: "fp32"}
_lock: Final = ProcessLock()


class _Model(NamedTuple):
    """What does not change from call to call of one model."""

    name: str
    arch: ModelArchitecture | None
    weights_bytes: int
    number_bytes: int
    weight_format: str
    devices: int
    device: str


_known: Final[weakref.WeakKeyDictionary[Any, _Model]] = weakref.WeakKeyDictionary()


def _facts_of(model: Any) -> _Model:
    with _lock():
        known = _known.get(model)
        if known is None:
            known = _known[model] = _look_at(model)
        return known


def _look_at(model: Any) -> _Model:
    config = model.config
    tensors = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}.values()
    devices = {str(tensor.device) for tensor in tensors}
    quantised = getattr(config, "quantization_config", None)
    method = getattr(quantised, "quant_method", "") or ""
    return _Model(
        name=str(getattr(config, "name_or_path", "") or type(model).__name__),
        arch=_architecture(config),
        weights_bytes=sum(tensor.numel() * tensor.element_size() for tensor in tensors),
        number_bytes=getattr(model.dtype, "itemsize", 2),
        weight_format=str(getattr(method, "value", method) or model.dtype).removeprefix("torch."),
        devices=max(1, len(devices)),
        device=_device_name(next(iter(sorted(devices)), "cpu")),
    )


@guarded(None)
def _architecture(config: Any) -> ModelArchitecture | None:
    try:
        return ModelArchitecture.from_hf_config(config.to_dict(), source="config.json")
    except ArchitectureError:
        return None  # a family without tokens and layers as ours have them


def _device_name(device: str) -> str:
    torch: Any = sys.modules.get("torch")
    if device.startswith("cuda") and torch is not None:
        return str(torch.cuda.get_device_name(device))
    return device.partition(":")[0]


def _asked(model: Any, kwargs: Mapping[str, Any]) -> Asked:
    return Asked({**kwargs, "model": _facts_of(model).name}, "transformers", None)


def _request(kwargs: Mapping[str, Any]) -> Attributes:
    settings = {
        semconv.REQUEST_MAX_TOKENS: number(kwargs, "max_new_tokens"),
        semconv.REQUEST_TEMPERATURE: number(kwargs, "temperature"),
        semconv.REQUEST_TOP_P: number(kwargs, "top_p"),
    }
    return {name: value for name, value in settings.items() if value is not None}


def _watch(call: Any, result: Any, kwargs: Mapping[str, Any]) -> None:
    """Read a result where it lies, and end the call with it."""
    call.answered()
    prompts = _prompts(kwargs)
    answers = _answers(call.owner, result, kwargs, prompts)
    usage = Usage(input_tokens=sum(prompts) if prompts else None, output_tokens=sum(answers))
    model = _facts_of(call.owner)
    call.finish(
        Answer(
            model=model.name,
            usage=usage,
            facts=_physics(model, _pairs(prompts, answers), call.elapsed_seconds()),
            uncounted=not prompts,
        )
    )


def _prompts(kwargs: Mapping[str, Any]) -> list[int]:
    """Tokens of each prompt; nothing where it was given as vectors."""
    mask = kwargs.get("attention_mask")
    ids = kwargs.get("input_ids")
    ids = kwargs.get("inputs") if ids is None else ids
    if mask is not None and getattr(mask, "ndim", 0) == 2:  # noqa: PLR2004 -- rows and columns
        return [int(tokens) for tokens in mask.sum(dim=-1).tolist()]
    if ids is None:
        return []
    return [int(ids.shape[-1])] * int(ids.shape[0])


def _answers(
    model: Any, result: Any, kwargs: Mapping[str, Any], prompts: Sequence[int]
) -> list[int]:
    """Tokens of each answer: up to and with its first end token; what follows is padding."""
    sequences = getattr(result, "sequences", result)
    ids = kwargs.get("input_ids")
    ids = kwargs.get("inputs") if ids is None else ids
    skipped = int(ids.shape[-1]) if ids is not None and prompts else 0
    if getattr(model.config, "is_encoder_decoder", False):
        skipped = 1  # it begins with a start token
    ends = getattr(model.generation_config, "eos_token_id", None)
    stops: set[int] = {ends} if isinstance(ends, int) else set(ends or ())
    return [_until(row, stops) for row in sequences[:, skipped:].tolist()]


def _until(row: list[int], stops: set[int]) -> int:
    return next((at for at, token in enumerate(row, 1) if token in stops), len(row))


def _pairs(prompts: Sequence[int], answers: Sequence[int]) -> list[tuple[int, int]]:
    """Each answer with its prompt: several answers of one prompt follow each other."""
    if not prompts:
        return []
    each = max(1, len(answers) // len(prompts))
    return [(prompts[min(at // each, len(prompts) - 1)], made) for at, made in enumerate(answers)]


def _physics(
    model: _Model, calls: Sequence[tuple[int, int]], seconds: float
) -> Mapping[str, FactValue]:
    told: dict[str, FactValue] = {
        semconv.GPU_SECONDS: seconds * model.devices,
        semconv.GPU_MODEL: model.device,
        semconv.GPU_COUNT: model.devices,
        semconv.VRAM_WEIGHTS_BYTES: model.weights_bytes,
        semconv.VRAM_SOURCE: f"measured:{model.weight_format}",
    }
    if model.arch is None or not calls:
        return told
    arch = model.arch
    estimates = [estimate_flops(arch, prompt, 0, made) for prompt, made in calls]
    total = sum(int(one.total.value) for one in estimates)
    high = sum(int(one.total.high) for one in estimates)
    if high <= _INT64_MAX:
        told |= {
            semconv.FLOPS_PREFILL: sum(int(one.prefill.value) for one in estimates),
            semconv.FLOPS_DECODE: sum(int(one.decode.value) for one in estimates),
            semconv.FLOPS_TOTAL: total,
            semconv.FLOPS_LOW: sum(int(one.total.low) for one in estimates),
            semconv.FLOPS_HIGH: high,
            semconv.FLOPS_METHOD: arch.exactness.method,
        }
    cache = _CACHE_FORMATS.get(model.number_bytes, "bf16")
    told[semconv.VRAM_KV_BYTES] = sum(
        kv_cache_bytes(arch, prompt + max(0, made - 1), cache_format=cache)
        for prompt, made in calls
    )
    gpu = recognise_gpu(model.device)
    if gpu is not None and seconds > 0:
        told[semconv.GPU_MFU] = flops_utilisation(
            total, seconds, peak=gpu.peak(), gpus=model.devices
        )
    return told


def _unread(_result: Any) -> Answer:
    return Answer(uncounted=True)


GENERATE: Final = Api(
    operation=semconv.OPERATION_TEXT_COMPLETION,
    request=_request,
    answer=_unread,
    reading=_unread,  # type: ignore[arg-type] -- nothing streams: a streamer is handed in
    prompt=(),
    positional=("inputs",),
    watch=_watch,
)

INSTRUMENTOR: Final = Instrumentor(
    client="transformers",
    provider="transformers",
    minimum=MINIMUM_VERSION,
    methods=(
        Method(
            Target("transformers.generation.utils", "GenerationMixin.generate", Kind.SYNC), GENERATE
        ),
    ),
    helpers=(),
    not_metered={},
    notes=("Calls of a model that are no generate (a forward pass of your own) are not told.",),
    asked=_asked,
)
