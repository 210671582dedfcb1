"""What servers of open models tell of their own work, in answers of OpenAI's wire format.

llama.cpp's server sends ``timings`` with every answer (``prompt_ms``, ``predicted_ms``); vLLM sends
``metrics`` where it was started with ``--enable-per-request-metrics`` (``time_to_first_token_ms``
counts from when the request was scheduled, so its queue is left out); SGLang puts ``meta_info``
into a choice where the request asks for it (``return_meta_info``), with seconds (``e2e_latency``,
``queue_time``). Text Generation Inference tells milliseconds in headers
of answers that are no streams (``x-total-time``, ``x-queue-time``). The collector shares a machine
out by these times (docs/gpu.md). The first three tell drafted tokens, and those kept, beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import FactValue, fields_of, whole

_MS: Final = 1_000_000
_SECOND: Final = 1_000_000_000
#: Field of an answer -> its times by attribute, and the nanoseconds of their unit.
_TIMES: Final[Mapping[str, tuple[tuple[str, str, int], ...]]] = {
    "timings": (
        ("prompt_ms", semconv.SERVER_PREFILL_NS, _MS),
        ("predicted_ms", semconv.SERVER_DECODE_NS, _MS),
    ),
    "metrics": (
        ("time_to_first_token_ms", semconv.SERVER_PREFILL_NS, _MS),
        ("generation_time_ms", semconv.SERVER_DECODE_NS, _MS),
        ("queue_time_ms", semconv.SERVER_QUEUE_NS, _MS),
    ),
    "meta_info": (
        ("e2e_latency", semconv.SERVER_TOTAL_NS, _SECOND),
        ("queue_time", semconv.SERVER_QUEUE_NS, _SECOND),
    ),
}
#: Field of an answer -> its counts of speculative decoding: drafted tokens, and those kept.
_DRAFTS: Final[Mapping[str, tuple[str, str]]] = {
    "timings": ("draft_n", "draft_n_accepted"),
    "metrics": ("num_draft_tokens", "num_accepted_draft_tokens"),
    "meta_info": ("spec_draft_token_num", "spec_accept_token_num"),
}
#: Where vLLM has them.
_DRAFTING: Final = "speculative_decoding"
#: Header of Text Generation Inference (milliseconds) -> attribute.
_HEADERS: Final = (
    ("x-total-time", semconv.SERVER_TOTAL_NS),
    ("x-queue-time", semconv.SERVER_QUEUE_NS),
)
#: Fields of an answer that tell times.
TELLING: Final = frozenset(_TIMES)


def server_times(fields: Mapping[str, Any]) -> Mapping[str, FactValue] | None:
    """What the fields of an answer, or of its last chunk, tell; None = nothing."""
    for name, times in _TIMES.items():
        if fields.get(name) is not None:
            told = fields_of(fields[name])
            found = {key: _nanoseconds(told.get(field), unit) for field, key, unit in times}
            facts = {key: ns for key, ns in found.items() if ns is not None}
            return facts | _drafts(told, *_DRAFTS[name]) or None
    return None


def _drafts(told: Mapping[str, Any], drafted: str, kept: str) -> dict[str, int]:
    """The counts of speculative decoding; nothing where none was, or more was kept than drafted."""
    counts = fields_of(told[_DRAFTING]) if told.get(_DRAFTING) is not None else told
    made, accepted = whole(counts.get(drafted)), whole(counts.get(kept))
    if not made or accepted is None or not 0 <= accepted <= made <= _MOST_TOKENS:
        return {}
    return {semconv.SERVER_DRAFTED_TOKENS: made, semconv.SERVER_ACCEPTED_TOKENS: accepted}


def header_times(headers: Mapping[str, str]) -> dict[str, FactValue]:
    """The times that the headers of an answer tell."""
    found = {key: _number(headers.get(name)) for name, key in _HEADERS}
    return {key: ns for key, told in found.items() if (ns := _nanoseconds(told, _MS)) is not None}


def _number(value: str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None  # somebody else's header of that name


def _nanoseconds(told: object, unit: int) -> int | None:
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    nanoseconds = told * unit
    return int(nanoseconds) if 0 <= nanoseconds < _LONGEST_NS else None


#: A day; more is no time of a call.
_LONGEST_NS: Final = 86_400 * _SECOND
#: More are drafted in no call.
_MOST_TOKENS: Final = 10**8
