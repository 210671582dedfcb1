"""``llama_cpp.Llama`` (llama-cpp-python): completions, chats and embeddings in this process.

Answers tell tokens; of a stream, and of what was found in the cache, llama.cpp's own counters tell
(``llama_perf_context``), read before and after a call and never reset here: tokens and milliseconds
of prompts and of answers. A stream that ends by a stop string may be one token off. Device time of
a stream is what those counters say: in between the application reads, and the model waits.

FLOPs are those of the file's metadata, where that adds up to the weights of the file; memory of the
weights is what llama.cpp says they hold.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple, cast

from spanledger import semconv
from spanledger._calls.answer import Answer, FactValue, Usage, fields_of, text, whole
from spanledger._calls.api import Api
from spanledger._guard import guarded
from spanledger._local.gguf import architecture_of
from spanledger._local.loading import Load
from spanledger._local.model import (
    KnownModels,
    LocalModel,
    Sequenced,
    device_time,
    figures,
    torch_device_name,
)
from spanledger._patches.instrumentor import Asked, Instrumentor, Method, sampling_attributes
from spanledger._patches.patching import Kind, Target

#: Oldest version tried.
MINIMUM_VERSION: Final = "0.3.36"
_MODULE: Final = "llama_cpp"
_MS: Final = 1_000_000
#: ``llama_split_mode``: all on one GPU.
_SPLIT_NONE: Final = 0
#: ``ggml_type`` of a number in the cache -> how the physics call it; another is taken as 16 bits.
_CACHE_FORMATS: Final[Mapping[int, str]] = {0: "fp32", 1: "fp16", 8: "int8", 30: "bf16"}
#: Name under which a call's own notes stand among its parameters.
_NOTES: Final = "spanledger.notes"


# --- the model ------------------------------------------------------------------------------------
def _look_at(llama: Any) -> LocalModel:
    library: Any = sys.modules[_MODULE]
    metadata = cast("Mapping[str, str]", llama.metadata)
    weights = int(library.llama_model_n_params(llama.model))
    places = _places(library, llama)
    return LocalModel(
        name=_name(llama.model_path),
        arch=architecture_of(metadata, int(llama.n_vocab()), weights),
        weights_bytes=int(library.llama_model_size(llama.model)),
        weight_format=_weight_format(library, metadata.get("general.file_type", "")),
        cache_format=_CACHE_FORMATS.get(int(llama.context_params.type_k), "fp16"),
        devices=len(places),
        device=_device(places[0]),
        places=places,
    )


_facts_of: Final = KnownModels(_look_at)


def _name(path: object) -> str:
    return Path(str(path)).name


def _weight_format(library: Any, file_type: str) -> str:
    """As llama.cpp's constants name it: ``q4_k_m``, ``f16``; ``gguf`` where it has no name."""
    names = cast("Mapping[str, object]", vars(library))
    for name, value in names.items():
        if name.startswith("LLAMA_FTYPE_") and str(value) == file_type:
            return name.removeprefix("LLAMA_FTYPE_").removeprefix("MOSTLY_").removeprefix(
                "ALL_"
            ).lower()  # fmt: skip
    return "gguf"


def _places(library: Any, llama: Any) -> tuple[str, ...]:
    """``cpu``, or the GPUs that layers were given to: all that there are, unless it was told."""
    wanted = llama.model_params
    if wanted.n_gpu_layers <= 0 or not library.llama_supports_gpu_offload():
        return ("cpu",)
    if int(getattr(wanted, "split_mode", 0)) == _SPLIT_NONE:
        return (f"cuda:{wanted.main_gpu}",)
    shares = cast("Sequence[float] | None", getattr(llama, "tensor_split", None))
    given = [at for at, share in enumerate(shares or ()) if share > 0]
    return tuple(f"cuda:{at}" for at in given or range(_gpus()))


def _gpus() -> int:
    """GPUs that this process may use: as it was told, else devices of NVIDIA's driver, else one."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return max(1, len(list(filter(None, visible.split(",")))))
    return max(1, len(list(Path("/dev").glob("nvidia[0-9]*"))))


def _device(place: str) -> str:
    """By name where torch is there to tell it; it is not started for this."""
    torch: Any = sys.modules.get("torch")
    if place == "cpu":
        return place
    return torch_device_name(place) if torch and torch.cuda.is_initialized() else "gpu"


# --- llama.cpp's counters -------------------------------------------------------------------------
class Counters(NamedTuple):
    """What a context has done since ``since_ms``: tokens, and milliseconds, of prompts, of answers.

    A pass over one token counts as one of an answer, also where it was the rest of a prompt.
    """

    since_ms: float
    prompt_tokens: int
    prompt_ms: float
    answer_tokens: int
    answer_ms: float

    def after(self, before: Counters) -> Counters:
        """What was done in between; all of it where they were set to 0 meanwhile."""
        if self.since_ms != before.since_ms:
            return self
        differences = (now - then for now, then in zip(self[1:], before[1:], strict=True))
        return Counters(self.since_ms, *differences)  # type: ignore[arg-type] -- in their order


@guarded(None)
def _counters(llama: Any) -> Counters | None:
    library: Any = sys.modules[_MODULE]
    told = library.llama_perf_context(llama.ctx)
    # A count of 0 is told as 1, so that nobody divides by it.
    return Counters(
        float(told.t_start_ms),
        int(told.n_p_eval) if told.t_p_eval_ms else 0,
        float(told.t_p_eval_ms),
        int(told.n_eval) if told.t_eval_ms else 0,
        float(told.t_eval_ms),
    )


class Notes:
    """A call from its begin: what the context had done before."""

    def __init__(self, llama: Any, *, streams: bool) -> None:
        self._llama = llama
        self._before = _counters(llama)
        self._began = perf_counter()
        self._turn = None if streams else _facts_of(llama).turn()

    def done(self) -> Counters | None:
        """What the context did since; None where it does not tell."""
        after = _counters(self._llama)
        return None if after is None or self._before is None else after.after(self._before)

    def usage(self, done: Counters | None, told: Mapping[str, Any], *, ended: bool) -> Usage:
        """Tokens: as the answer tells them, else as the counters do.

        Args:
            done: what the context did.
            told: the answer's own usage.
            ended: the answer ended by a token that is no part of it.
        """
        usage = Usage(whole(told.get("prompt_tokens")), whole(told.get("completion_tokens")))
        if done is None or self._llama.draft_model is not None:
            return usage
        rest = 0 if done.prompt_tokens else 1  # the prompt's own, if it was all that was new
        written = done.answer_tokens - rest  # passes, each of which drew one token more
        prompt = int(self._llama.n_tokens) - written
        if usage.input_tokens is None:
            usage.input_tokens = max(0, prompt)
        if usage.output_tokens is None:
            usage.output_tokens = max(0, written + (0 if ended else 1))
        usage.cache_read_tokens = max(0, prompt - done.prompt_tokens - rest)
        return usage

    def facts(self, usage: Usage, done: Counters | None, seconds: float) -> dict[str, FactValue]:
        """Its physics, and llama.cpp's own times."""
        known = usage.input_tokens is not None and usage.output_tokens is not None
        sequence = Sequenced(
            usage.input_tokens or 0, usage.cache_read_tokens, usage.output_tokens or 0
        )
        told = figures(_facts_of(self._llama), [sequence] if known else [], seconds)
        if done is not None and done.prompt_tokens:
            told[semconv.SERVER_PREFILL_NS] = int(done.prompt_ms * _MS)
            told[semconv.SERVER_DECODE_NS] = int(done.answer_ms * _MS)
        return told

    def seconds(self, done: Counters | None) -> float:
        """That the model was at work: since the begin, of a stream as its counters say."""
        if self._turn is not None:
            return self._turn.end()
        if done is None:
            return perf_counter() - self._began
        return (done.prompt_ms + done.answer_ms) / 1000


# --- answers --------------------------------------------------------------------------------------
def _asked(llama: Any, kwargs: Mapping[str, Any]) -> Asked:
    asked = {**kwargs, "model": _name(kwargs.get("model") or llama.model_path)}
    notes = Notes(llama, streams=kwargs.get("stream") is True)
    return Asked({**asked, _NOTES: notes}, "llama_cpp", None)


def _failed(call: Any, kwargs: Mapping[str, Any]) -> Mapping[str, FactValue]:
    notes: Notes = kwargs[_NOTES]
    return device_time(_facts_of(call.owner), notes.seconds(notes.done()))


def _texts(choices: Any) -> list[str]:
    """What a whole answer or a piece of one says."""
    return [
        text(said.get("text")) or text(said.get("content"))
        for choice in choices
        for said in (choice.get("message") or choice.get("delta") or choice,)
    ]


def _watch(call: Any, result: Any, kwargs: Mapping[str, Any]) -> None:
    """Read a whole answer, and end the call with it."""
    call.answered()
    notes: Notes = kwargs[_NOTES]
    done, seconds = notes.done(), min(notes.seconds(None), call.elapsed_seconds())
    choices = result.get("choices") or ()
    reasons = tuple(text(choice.get("finish_reason")) for choice in choices)
    usage = notes.usage(done, result.get("usage") or {}, ended=False)
    call.finish(
        Answer(
            response_id=text(result.get("id")),
            model=call.model,
            finish_reasons=tuple(filter(None, reasons)),
            usage=usage,
            texts=_texts(choices) if usage.needs_texts else [],
            facts=notes.facts(usage, done, seconds),
        )
    )


class Reading:
    """A stream read piece by piece: its last one says why it ended, none how many tokens it had."""

    __slots__ = ("_kwargs", "_last", "_reason", "_texts")

    def __init__(self, kwargs: Mapping[str, Any]) -> None:
        self._kwargs = kwargs
        self._last: Mapping[str, Any] = {}
        self._reason = ""
        self._texts: list[str] = []

    def chunk(self, piece: Any, /) -> None:
        """Keep the text and the reason of the end."""
        self._last = piece
        choices = piece.get("choices") or ()
        self._texts += filter(None, _texts(choices))
        for choice in choices:
            self._reason = text(choice.get("finish_reason")) or self._reason

    def answer(self) -> Answer:
        """Whole once a piece said why it ended."""
        notes: Notes = self._kwargs[_NOTES]
        done = notes.done()
        ended = self._reason == "stop" and not self._kwargs.get("stop")
        usage = notes.usage(done, {}, ended=ended)
        return Answer(
            response_id=text(self._last.get("id")),
            model=text(self._kwargs.get("model")),
            finish_reasons=(self._reason,) if self._reason else (),
            usage=usage,
            texts=self._texts,
            complete=bool(self._reason),
            facts=notes.facts(usage, done, notes.seconds(done)),
        )


def _watch_embeddings(call: Any, result: Any, kwargs: Mapping[str, Any]) -> None:
    """Embeddings: only ``create_embedding`` tells tokens; the context counted them anyway."""
    call.answered()
    notes: Notes = kwargs[_NOTES]
    done, seconds = notes.done(), min(notes.seconds(None), call.elapsed_seconds())
    told = fields_of(cast("object", result)).get("usage")
    tokens = whole(fields_of(told).get("prompt_tokens"))
    if tokens is None and done is not None:
        tokens = done.prompt_tokens + done.answer_tokens
    usage = Usage(tokens, 0)
    facts = notes.facts(usage, done, seconds)
    call.finish(Answer(model=call.model, usage=usage, facts=facts, uncounted=tokens is None))


def _unread(_result: Any) -> Answer:
    return Answer(uncounted=True)


# --- what is patched ------------------------------------------------------------------------------
def _api(operation: str, prompt: str, *positional: str) -> Api:
    """A call that gives its answer whole, or as a stream where it is asked to."""
    stream = Api(
        operation=operation,
        request=lambda kwargs: sampling_attributes(kwargs, "max_tokens"),
        answer=_unread,
        reading=Reading,
        failed=_failed,
        prompt=(prompt,),
        positional=(prompt, *positional),
    )
    whole_answer = dataclasses.replace(stream, watch=_watch)

    def adapt(kwargs: Mapping[str, Any]) -> tuple[Api, Mapping[str, Any]]:
        return (stream if kwargs.get("stream") is True else whole_answer), kwargs

    return dataclasses.replace(stream, adapt=adapt)


COMPLETION: Final = _api(
    semconv.OPERATION_TEXT_COMPLETION, "prompt", "suffix", "max_tokens", "temperature", "top_p"
)
CHAT: Final = _api(semconv.OPERATION_CHAT, "messages")
EMBEDDINGS: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=lambda _kwargs: {},
    answer=_unread,
    reading=Reading,
    prompt=("input",),
    positional=("input",),
    watch=_watch_embeddings,
    failed=_failed,
)


def _goes_to(kwargs: Mapping[str, Any]) -> tuple[str, int]:
    """Of a load that failed: which GPUs it got to nobody knows, so one is told."""
    return ("gpu" if kwargs.get("n_gpu_layers") else "cpu"), 1


LOAD: Final = Load(
    name=lambda _llama, kwargs: _name(kwargs.get("model_path", "")),
    loaded=lambda llama, _nothing: _facts_of(llama),
    goes_to=_goes_to,
    positional=("model_path",),
)


def _method(name: str, api: Api | Load) -> Method:
    return Method(Target("llama_cpp.llama", f"Llama.{name}", Kind.SYNC), api)


INSTRUMENTOR: Final = Instrumentor(
    client="llama-cpp-python",
    provider="llama_cpp",
    minimum=MINIMUM_VERSION,
    methods=(
        _method("create_completion", COMPLETION),
        _method("create_chat_completion", CHAT),
        _method("create_embedding", EMBEDDINGS),
        _method("embed", EMBEDDINGS),
        _method("__init__", LOAD),
    ),
    helpers=("llama_cpp.llama.Llama.__call__",),
    not_metered={},
    notes=(
        "Work below completions (generate, eval, sample) is not told.",
        "A GPU is told by name where torch has started CUDA too, else as gpu.",
        "Layers are taken to lie on all GPUs that CUDA_VISIBLE_DEVICES or NVIDIA's driver tells.",
    ),
    asked=_asked,
)
