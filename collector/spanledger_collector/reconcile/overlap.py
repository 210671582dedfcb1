"""The same usage twice in what is given: it would double the bill, so it is refused.

A part of an export is what one bucket of time says of one group (a model, a line item, a project);
of a table, a row as it stands. Two parts of one group must not overlap in time, and no row may
stand in two files.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from spanledger_collector.errors import ConfigurationError

from .bill import moment_of, word

#: Figures that an export may write as text; every other text or flag says what it is of.
_FIGURES: Final = frozenset({"amount", "quantity", "seconds", "characters", "images"})
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Part:
    """What one bucket, or one row, is of.

    Attributes:
        place: file, and what stands there.
        group: what it is of; equal groups of overlapping times are told twice.
        start: first instant; None = a row of a table, which has no bucket.
        end: first instant after it.
    """

    place: str
    group: Hashable
    start: datetime | None = None
    end: datetime | None = None


def buckets(page: Mapping[str, Any]) -> Iterator[Part]:
    """The parts of one page of usage or costs (JSON).

    Raises:
        ValueError: a time cannot be read.
    """
    for bucket in page["data"]:
        told_start = bucket.get("start_time", bucket.get("starting_at"))
        told_end = bucket.get("end_time", bucket.get("ending_at"))
        for result in bucket.get("results") or bucket.get("result") or ():
            start = moment_of(told_start)
            end = start + _INSTANT if told_end is None else moment_of(told_end)
            group = tuple(
                (name, value)
                for name, value in sorted(result.items())
                if (value is None or isinstance(value, str | bool)) and name not in _FIGURES
            )
            yield Part(_of(start, result), group, start, end)


def refuse_overlaps(files: Mapping[str, Sequence[Part]]) -> None:
    """Refuse what is told twice.

    Args:
        files: the parts of each file, by its name; a file given twice is there twice.

    Raises:
        ConfigurationError: two parts of one group overlap, or a row stands in two files.
    """
    timed: dict[Hashable, list[tuple[datetime, datetime, str]]] = {}
    rows: dict[Hashable, str] = {}
    for file, parts in files.items():
        for part in parts:
            place = f"{file}, {part.place}"
            if part.start is not None and part.end is not None:
                timed.setdefault(part.group, []).append((part.start, part.end, place))
            elif rows.setdefault(part.group, file) != file:
                raise _twice(
                    rows[part.group], place, "put the two into one file, if both are meant"
                )
    for told in timed.values():
        told.sort()
        for before, after in pairwise(told):
            if after[0] < before[1]:
                advice = "of several projects, group by project (workspace) too"
                raise _twice(before[2], after[2], advice)


def _twice(one: str, other: str, advice: str) -> ConfigurationError:
    return ConfigurationError(
        f"the bill tells the same twice: {one}, and {other}. Give every day and file once; {advice}"
    )


def _of(start: datetime, result: Mapping[str, Any]) -> str:
    names = ("object", "model", "line_item", "description")
    told = " ".join(word(result, name) for name in names if word(result, name))
    return f"{start:%Y-%m-%d %H:%M} {told}".strip()
