"""What servers of open models tell of their own time, in answers of OpenAI's wire format.

llama.cpp's server sends ``timings`` with every answer (``prompt_ms``, ``predicted_ms``); vLLM sends
``metrics`` where it was started with ``--enable-per-request-metrics`` (``time_to_first_token_ms``
counts from when the request was scheduled, so its queue is left out). The collector shares a
machine out by these times (docs/gpu.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._answer import FactValue, fields_of

_MS: Final = 1_000_000
#: Field of an answer -> its milliseconds by attribute.
_TIMES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "timings": (
        ("prompt_ms", semconv.SERVER_PREFILL_NS),
        ("predicted_ms", semconv.SERVER_DECODE_NS),
    ),
    "metrics": (
        ("time_to_first_token_ms", semconv.SERVER_PREFILL_NS),
        ("generation_time_ms", semconv.SERVER_DECODE_NS),
    ),
}


def server_times(fields: Mapping[str, Any]) -> Mapping[str, FactValue] | None:
    """The times that the fields of an answer, or of its last chunk, tell; None = none."""
    for name, times in _TIMES.items():
        if fields.get(name) is not None:
            told = fields_of(fields[name])
            found = {key: _nanoseconds(told.get(field)) for field, key in times}
            return {key: ns for key, ns in found.items() if ns is not None} or None
    return None


def _nanoseconds(milliseconds: object) -> int | None:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    return int(milliseconds * _MS) if 0 <= milliseconds < _LONGEST_MS else None


#: A day; more is no time of a call.
_LONGEST_MS: Final = 86_400_000
