"""``generate`` of transformers' models, and so its pipelines that call it; ``from_pretrained``.

Input tokens are those of the attention mask, cached ones those of ``past_key_values`` that were
handed in; output tokens end with the first end token of each sequence. FLOPs are exact for the
model's own config, sequence by sequence, as a served call's would be: attention over what the mask
allows, logits where a token is drawn. Memory of weights is what their tensors hold. Device time is
the call's duration times the accelerators the model lies on; of calls that run at once on one of
them each is told its part.

The peak of memory is that of the process: torch's own record, which is never reset here. It is told
where this call set it, and no other call of a model ran meanwhile.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Mapping, Sequence
from math import prod
from time import perf_counter
from typing import Any, Final, cast

from spanledger import semconv
from spanledger._calls.answer import Answer, FactValue, Usage, whole
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._guard import guarded
from spanledger._local.device_clock import Turn
from spanledger._local.loading import Load
from spanledger._local.model import (
    LocalModel,
    Sequenced,
    accelerators,
    configured_architecture,
    cuda_devices,
    cuda_peaks,
    device_time,
    figures,
    torch_device_name,
)
from spanledger._patches.instrumentor import Asked, Instrumentor, Method, number
from spanledger._patches.patching import Kind, Target
from spanledger._process_lock import ProcessLock
from spanledger.compute import Estimate
from spanledger.compute.flops import seen_flops

#: Oldest version tried.
MINIMUM_VERSION: Final = "5.20.0"
_CACHE_FORMATS: Final[Mapping[int, str]] = {1: "fp8", 2: "bf16", 4: "fp32"}
#: Name under which a call's own notes stand among its parameters.
_NOTES: Final = "spanledger.notes"
#: Mark of our function on a streamer.
_COVER: Final = "spanledger_cover"
_lock: Final = ProcessLock()


# --- the model ------------------------------------------------------------------------------------
_known: Final[weakref.WeakKeyDictionary[Any, tuple[LocalModel, tuple[str, ...]]]] = (
    weakref.WeakKeyDictionary()
)


def _facts_of(model: Any) -> tuple[LocalModel, tuple[str, ...]]:
    """What the model is, and the devices that its tensors lie on."""
    devices = tuple(sorted(map(str, {tensor.device for tensor in model.parameters()})))
    with _lock():
        known = _known.get(model)
        if known is None or known[1] != devices:  # it may be moved after it was loaded
            known = _known[model] = _look_at(model, devices), devices
        return known


def _tensors(model: Any) -> Sequence[Any]:
    return list({id(one): one for one in (*model.parameters(), *model.buffers())}.values())


def _look_at(model: Any, devices: Sequence[str]) -> LocalModel:
    config = model.config
    quantised = getattr(config, "quantization_config", None)
    method = getattr(quantised, "quant_method", "") or ""
    places = accelerators(devices)
    held = [one for one in _tensors(model) if str(one.device) in places]
    return LocalModel(
        name=str(getattr(config, "name_or_path", "") or type(model).__name__),
        arch=configured_architecture(config),
        weights_bytes=sum(one.numel() * one.element_size() for one in held),
        weight_format=str(getattr(method, "value", method) or model.dtype).removeprefix("torch."),
        cache_format=_CACHE_FORMATS.get(getattr(model.dtype, "itemsize", 2), "bf16"),
        devices=len(places),
        device=torch_device_name(places[0]),
        places=places,
    )


# --- a call ---------------------------------------------------------------------------------------
class Notes:
    """What was so when a call began, and when its first token came.

    Args:
        devices: the model's.
        cached: tokens in the cache that was handed in.
        turn: its time of them.

    Attributes:
        alone: no other call of a model was running while this one was.
        first_token_at: seconds of ``time.perf_counter``; empty until it came.
    """

    _running: Final[weakref.WeakSet[Notes]] = weakref.WeakSet()  # a call that failed is let go of

    def __init__(self, devices: Sequence[str], cached: int, turn: Turn | None = None) -> None:
        self.cached = cached
        self.turn = turn or Turn(devices)
        self.first_token_at: list[float] = []
        with _lock():
            self.alone = not self._running
            for other in self._running:
                other.alone = False
            self._running.add(self)
        self._peaks = cuda_peaks(devices)

    def ended(self) -> int:
        """The process's peak of memory where this call set it, else 0."""
        peaks = cuda_peaks(tuple(self._peaks))
        with _lock():
            self._running.discard(self)
        raised = all(peaks[device] > before for device, before in self._peaks.items())
        return sum(peaks.values()) if self.alone and raised else 0


@guarded(None)
def _watch_streamer(streamer: Any, first_token_at: list[float]) -> None:
    """Note when the first token comes: what a streamer is given before that is the prompt.

    Its ``put`` is covered until then, on the object itself.
    """
    if _covered(streamer):  # by a call that failed
        del streamer.put
    put = streamer.put
    given = itertools.count(1)

    def noting(value: Any) -> Any:
        if next(given) == _FIRST_TOKEN:
            first_token_at.append(perf_counter())
            if _covered(streamer):
                del streamer.put
        return put(value)

    vars(noting)[_COVER] = True
    streamer.put = noting


def _covered(streamer: Any) -> bool:
    own = cast("dict[str, object]", vars(streamer))
    return getattr(own.get("put"), _COVER, False) is True


_FIRST_TOKEN: Final = 2
#: Pictures, or pictures and their tiles, before channels, height and width.
_PICTURE_DIMENSIONS: Final = (4, 5)
#: Inputs of towers that nothing here counts.
_OTHER_INPUTS: Final = ("pixel_values_videos", "input_features", "input_values", "audio_values")
_UNKNOWN: Final = Estimate(0, 0, 0, "FLOP", "assumed", "")


def _asked(model: Any, kwargs: Mapping[str, Any]) -> Asked:
    known, devices = _facts_of(model)
    notes = Notes(devices, _cached_tokens(kwargs.get("past_key_values")), known.turn())
    asked = {**kwargs, "model": known.name, _NOTES: notes}
    streamer = kwargs.get("streamer")
    if streamer is not None:
        _watch_streamer(streamer, notes.first_token_at)
        asked["stream"] = True
    return Asked(asked, "transformers", None)


@guarded(0)
def _cached_tokens(cache: Any) -> int:
    length = getattr(cache, "get_seq_length", None)
    return (whole(length()) or 0) if callable(length) else 0


def _request(kwargs: Mapping[str, Any]) -> Attributes:
    settings = {
        semconv.REQUEST_MAX_TOKENS: number(kwargs, "max_new_tokens"),
        semconv.REQUEST_TEMPERATURE: number(kwargs, "temperature"),
        semconv.REQUEST_TOP_P: number(kwargs, "top_p"),
    }
    return {name: value for name, value in settings.items() if value is not None}


def _watch(call: Any, result: Any, kwargs: Mapping[str, Any]) -> None:
    """Read a result where it lies, and end the call with it."""
    notes: Notes = kwargs[_NOTES]
    prompts = _prompts(kwargs)
    answers = _answers(call.owner, result, kwargs, prompts)
    call.answered()  # after the answer was read: until then the device may be at work
    seconds = min(notes.turn.end(), call.elapsed_seconds())
    peak = notes.ended()
    if notes.first_token_at:
        call.first_chunk(notes.first_token_at[0])
    cached = [min(notes.cached, max(0, prompt - 1)) for prompt in prompts]
    usage = Usage(
        input_tokens=sum(prompts) if prompts else None,
        output_tokens=sum(answers),
        cache_read_tokens=sum(cached),
    )
    model, _ = _facts_of(call.owner)
    sequences = _sequences(call.owner, kwargs, prompts, answers, cached)
    vision = _vision(model, kwargs) if model.arch is not None else None
    if vision is _UNKNOWN or _drafts(call.owner, kwargs):
        sequences = []
    facts = figures(model, sequences, seconds, vision=vision)
    if peak:
        facts[semconv.VRAM_PEAK_BYTES] = peak
    call.finish(Answer(model=model.name, usage=usage, facts=facts, uncounted=not prompts))


def _vision(model: LocalModel, kwargs: Mapping[str, Any]) -> Estimate | None:
    """FLOPs of the pictures that were handed in; ``_UNKNOWN`` of what nobody can count."""
    if any(kwargs.get(name) is not None for name in _OTHER_INPUTS):
        return _UNKNOWN
    pixels = kwargs.get("pixel_values")
    if pixels is None:
        return None
    grids = kwargs.get("image_grid_thw")
    if grids is not None:
        return _grids(model, grids)
    tower = model.arch.vision if model.arch is not None else None
    shape = [int(size) for size in pixels.shape]
    if tower is None or len(shape) not in _PICTURE_DIMENSIONS:
        return _UNKNOWN
    *tiles, _, height, width = shape
    each = (height // tower.patch_side) * (width // tower.patch_side)
    return seen_flops(tower, prod(tiles), each)


def _grids(model: LocalModel, grids: Any) -> Estimate:
    """FLOPs of pictures that are told as grids of patches: frames, rows and columns of each."""
    tower = model.arch.grid_vision if model.arch is not None else None
    if tower is None:
        return _UNKNOWN
    told = ((int(frames), int(rows), int(columns)) for frames, rows, columns in grids.tolist())
    try:
        return tower.flops(told)
    except ValueError:  # no such grids as ours
        return _UNKNOWN


def _drafts(model: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether tokens are drafted: how many were checked in vain nobody tells."""
    return kwargs.get("assistant_model") is not None or bool(
        _setting(model, kwargs, "prompt_lookup_num_tokens")
    )


def _failed(call: Any, kwargs: Mapping[str, Any]) -> Mapping[str, FactValue]:
    notes: Notes = kwargs[_NOTES]
    notes.ended()
    return device_time(_facts_of(call.owner)[0], notes.turn.end())


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
    ends = _setting(model, kwargs, "eos_token_id")
    stops: set[int] = {ends} if isinstance(ends, int) else set(ends or ())
    return [_until(row, stops) for row in sequences[:, skipped:].tolist()]


def _setting(model: Any, kwargs: Mapping[str, Any], name: str) -> Any:
    """How a call generates: as it says itself, else its config, else the model's."""
    if kwargs.get(name) is not None:
        return kwargs[name]
    for config in (kwargs.get("generation_config"), model.generation_config):
        value = getattr(config, name, None)
        if value is not None:
            return value
    return None


def _until(row: list[int], stops: set[int]) -> int:
    return next((at for at, token in enumerate(row, 1) if token in stops), len(row))


def _sequences(
    model: Any,
    kwargs: Mapping[str, Any],
    prompts: Sequence[int],
    answers: Sequence[int],
    cached: Sequence[int],
) -> list[Sequenced]:
    """What was computed: several answers of a prompt follow each other, and each beam is one."""
    if not prompts:
        return []
    each = max(1, len(answers) // len(prompts))
    beams = max(each, _setting(model, kwargs, "num_beams") or 1)
    made = [answers[at * each : (at + 1) * each] for at in range(len(prompts))]
    return [
        Sequenced(prompt, read, tokens)
        for prompt, read, own in zip(prompts, cached, made, strict=True)
        for tokens in (*own, *([max(own)] * (beams - each)))
    ]


def _unread(_result: Any) -> Answer:
    return Answer(uncounted=True)


# --- what is patched ------------------------------------------------------------------------------
GENERATE: Final = Api(
    operation=semconv.OPERATION_TEXT_COMPLETION,
    request=_request,
    answer=_unread,
    reading=_unread,  # type: ignore[arg-type] -- nothing streams: a streamer is handed in
    prompt=(),
    positional=("inputs", "generation_config"),
    watch=_watch,
    failed=_failed,
    covers=True,  # of the model that drafts for it
)


def _loaded(_kind: Any, result: Any) -> LocalModel:
    with_information = isinstance(result, tuple)  # output_loading_info was asked for
    return _facts_of(cast("Any", result)[0] if with_information else result)[0]


def _goes_to(kwargs: Mapping[str, Any]) -> tuple[str, int]:
    """The devices that a load was asked to use."""
    asked: Any = kwargs.get("device_map")
    if isinstance(asked, Mapping):
        named = {str(one) for one in cast("Mapping[str, object]", asked).values()}
    elif asked in {"auto", "balanced", "balanced_low_0", "sequential"}:
        named = {f"cuda:{at}" for at in range(cuda_devices())}
    else:
        named = {str(asked or "cpu")}
    places = accelerators(sorted(f"cuda:{one}" if one.isdecimal() else one for one in named))
    return torch_device_name(places[0]), len(places)


LOAD: Final = Load(
    name=lambda kind, kwargs: str(kwargs.get("pretrained_model_name_or_path") or kind.__name__),
    loaded=_loaded,
    goes_to=_goes_to,
    positional=("pretrained_model_name_or_path",),
)

INSTRUMENTOR: Final = Instrumentor(
    client="transformers",
    provider="transformers",
    minimum=MINIMUM_VERSION,
    methods=(
        Method(
            Target("transformers.generation.utils", "GenerationMixin.generate", Kind.SYNC), GENERATE
        ),
        Method(
            Target("transformers.modeling_utils", "PreTrainedModel.from_pretrained", Kind.SYNC),
            LOAD,
        ),
    ),
    helpers=(),
    not_metered={},
    notes=(
        "Calls of a model that are no generate (a forward pass, an embedding) are not told.",
        "Of a call in which tokens are drafted (assistant_model) the time is told, not the FLOPs.",
        "Of pictures before other towers than ViT's, of video and of audio no FLOPs are told.",
        "A load is told with the devices that the model lies on then, not what is moved later.",
    ),
    asked=_asked,
)
