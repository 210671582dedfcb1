"""Rows of ``gpu_calls`` as what an engine saw: a call, and the attempts of it that failed. Pure.

A client's library makes a request again by itself, and the engine may have worked on the one that
failed: each is an observation of its own where its span tells how long it lasted, with the prompt
of the call and an answer that nobody knows. Where it does not, the call has the time of all of
them. Queues, where told, and waits between attempts cost nothing.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from spanledger.compute.engine import Observation

Row = Mapping[str, object]


def name_of(row: Row) -> str:
    """What the bill calls a call, and so the attempt that ended it."""
    return f"{row['trace_id']} {row['span_id']} {row['workspace']}"


def failed_names(row: Row) -> list[str]:
    """What it calls the attempts that failed, in order; none where their times are not told."""
    failed = cast("list[int]", row["failed_ns"])
    return [f"{name_of(row)} #{number}" for number in range(1, len(failed) + 1)]


def observations(row: Row) -> Iterator[Observation]:
    """The attempts of a call in order; the one that ended it comes last."""
    tokens = {
        "prompt_tokens": _number(row, "prompt_tokens") if row["tokens_known"] else 0,
        "cached_tokens": _number(row, "cached_tokens"),
    }
    told = bool(row["cache_told"])
    begin, end = _number(row, "started_at_ns"), _number(row, "ended_at_ns")
    lasted, waits = (cast("list[int]", row[key]) for key in ("failed_ns", "failed_wait_ns"))
    for name, time_ns, wait_ns in zip(failed_names(row), lasted, waits, strict=True):
        until = min(begin + time_ns, end)
        yield Observation(name, begin, until, output_tokens=None, cache_told=told, **tokens)
        begin = min(until + wait_ns, end)
    yield _last(row, begin, end, tokens)


def _last(row: Row, begin: int, end: int, tokens: Mapping[str, int]) -> Observation:
    """What is left of the call from ``begin`` on; where the server told its times they are used."""
    prefill, decode, load = (_number(row, key) for key in ("prefill_ns", "decode_ns", "load_ns"))
    ttft = _number(row, "ttft_ns")
    first = _number(row, "started_at_ns") + ttft if ttft else 0
    if prefill and decode:
        begin = max(begin, end - decode - prefill - load)
        first = max(begin, end - decode)
    else:
        waited = 0 if row["failed_ns"] else _number(row, "waited_ns")
        begin = min(begin + _number(row, "queue_ns") + waited, end)
    return Observation(
        call=name_of(row),
        start_ns=begin,
        end_ns=end,
        first_token_ns=min(first, end),
        load_ns=min(load, end - begin),
        output_tokens=_number(row, "output_tokens") if row["tokens_known"] else None,
        recomputed_tokens=_number(row, "recomputed_tokens"),
        accepted_tokens=_number(row, "accepted_tokens"),
        cache_told=bool(row["cache_told"]),
        **tokens,
    )


def _number(row: Row, key: str) -> int:
    return cast("int", row[key])
