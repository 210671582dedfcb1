"""Records told to a collector: what an application learns of its runs later (``/v1/records``)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was not stored.

    Attributes:
        index: its place among those that were sent, from 0.
        reason: why, and what to do.
    """

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of records that were sent.

    Attributes:
        record_ids: of those that are stored, in order.
        rejected: those that are not.
    """

    record_ids: Sequence[str]
    rejected: Sequence[Rejected]


def records_body(records: Sequence[Mapping[str, object]]) -> bytes:
    """The request; exact numbers as text, times as ISO 8601."""
    return json.dumps({"records": list(records)}, default=str).encode()


def records_answer(body: bytes) -> Recorded | None:
    """The answer to it, also where none of the records was stored; None = it is another answer."""
    try:
        told = cast("dict[str, Any]", json.loads(body))
        rejected = [Rejected(int(one["index"]), str(one["reason"])) for one in told["rejected"]]
        return Recorded([str(one) for one in told["record_ids"]], rejected)
    except (ValueError, KeyError, TypeError):
        return None
