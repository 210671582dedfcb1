"""What a page is asked for: period, agent, version and tenant, all of it in the URL."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final, cast
from urllib.parse import urlencode

from spanledger_collector.errors import PermanentError
from spanledger_collector.query import Slice
from spanledger_collector.query.named import EARLIEST, check_period, parse_moment

#: Ranges that end now, by their word in the URL.
RANGES: Final[Mapping[str, timedelta]] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
ALL: Final = "all"
DEFAULT_RANGE: Final = "30d"
#: What every link to another page takes along.
KEPT: Final = ("range", "since", "until", "agent", "version", "tenant", "workspace")
_DAY_LENGTH: Final = 10
#: A field of a form shows the day of such a word; the time goes along under ``<word>_time``.
_DATED: Final = ("since", "until", "before_since", "before_until")
_MOST: Final = 4_000_000_000
#: Before a word that no field could hold as it is.
_ESCAPED: Final = "json:"
_NO_FIELD: Final = re.compile(r"[\x00-\x1f\x7f]")
#: A time as Grafana's ``${__from}`` gives it, from 1973 on.
_MILLISECONDS: Final = re.compile(r"[0-9]{12,14}")


def carried(value: str) -> str:
    """A word as it stands in a field or a URL and comes back the same.

    Fields of forms change line breaks and leave out other such characters: a word with one goes as
    JSON behind a mark, and so does one that begins with that mark.
    """
    plain = not _NO_FIELD.search(value) and not value.startswith(_ESCAPED)
    return value if plain else f"{_ESCAPED}{json.dumps(value)}"


def _received(value: str) -> str:
    if not value.startswith(_ESCAPED):
        return value
    try:
        told: object = json.loads(value.removeprefix(_ESCAPED))
    except (ValueError, RecursionError):
        return value
    return told if isinstance(told, str) and _is_text(told) else value


def _is_text(told: str) -> bool:
    """Whether it can be sent: half of a pair of surrogates is no character."""
    return not any("\ud800" <= one <= "\udfff" for one in told)


def exact(given: Mapping[str, str]) -> Mapping[str, str]:
    """A URL's query with exact times: one that went along holds until its day is changed.

    Milliseconds since 1970 stand for the UTC day that they are in: as dashboards give their period,
    whose panels sum whole days.
    """
    kept = {name: _received(value) for name, value in given.items()}
    for name in _DATED:
        time = kept.pop(f"{name}_time", "")
        if _MILLISECONDS.fullmatch(kept.get(name, "")):
            at = datetime.fromtimestamp(int(kept[name]) // 1000, timezone.utc)
            kept[name] = f"{at:%Y-%m-%d}"
        if time and time[:_DAY_LENGTH] == kept.get(name):
            kept[name] = time
    return kept


def compact(told: Sequence[object]) -> str:
    """A list as a word of the URL; an empty one is none."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) if told else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        path: below ``/ui``.
        given: the query of the URL; what no page reads is ignored, and kept nowhere.
        now: the moment of the request, UTC.
    """

    path: str
    given: Mapping[str, str]
    now: datetime

    def text(self, name: str, default: str = "") -> str:
        """A word of the query."""
        return self.given.get(name, default)

    def choice(self, name: str, words: Sequence[str], default: str) -> str:
        """One of these words.

        Raises:
            PermanentError: it is none of them.
        """
        told = self.text(name, default)
        if told not in words:
            raise PermanentError(f"{name} {told[:50]!r} is none of {', '.join(words)}")
        return told

    def number(self, name: str, default: int, *, most: int) -> int:
        """A whole number from 0 to ``most``.

        Raises:
            PermanentError: it is none.
        """
        told = self.text(name) or str(default)
        digits = told.lstrip("0") or "0"
        is_one = told.isascii() and told.isdigit() and len(digits) <= len(str(most))
        if not is_one or int(digits) > most:
            raise PermanentError(f"{name} = {told[:50]!r} is no whole number from 0 to {most:,}")
        return int(digits)

    def texts(self, name: str) -> tuple[str, ...]:
        """Words, as a list in JSON.

        Raises:
            PermanentError: it is no such list.
        """
        told = self._json(name)
        words: list[Any] = cast("list[Any]", told) if isinstance(told, list) else [None]
        if not all(isinstance(one, str) for one in words):
            raise PermanentError(f"{name} = {self.text(name)[:50]!r} is no list of words")
        return tuple(str(word) for word in words)

    def steps(self, name: str) -> tuple[tuple[str, str], ...]:
        """A box of the flame graph: kinds and names from the outermost, as JSON (:func:`steps`).

        Raises:
            PermanentError: it is no such list.
        """
        told: Any = self._json(name)
        try:
            path = tuple((kind, name) for kind, name in told)
        except (ValueError, TypeError):
            path = ((None, None),)
        if not all(isinstance(text, str) for step in path for text in step):
            shown = self.text(name)[:50]
            raise PermanentError(f"{name} = {shown!r} is no box of this page: choose one there")
        return cast("tuple[tuple[str, str], ...]", path)

    def _json(self, name: str) -> object:
        try:
            return json.loads(self.text(name) or "[]")
        except (ValueError, RecursionError):
            return None

    def offset(self) -> int:
        """So many rows of a list are left out.

        Raises:
            PermanentError: it is no such number.
        """
        return self.number("offset", 0, most=_MOST)

    @property
    def range(self) -> str:
        """The word of the range; ``custom`` where times are given."""
        if self.text("since") or self.text("until"):
            return "custom"
        told = self.text("range") or DEFAULT_RANGE
        if told != ALL and told not in RANGES:
            known = ", ".join([*RANGES, ALL])
            raise PermanentError(f"range = {told[:50]!r} is none of {known}")
        return told

    @property
    def told_range(self) -> str:
        """The period as the URL tells it; empty = it tells none."""
        ends = [self.text(name) for name in ("since", "until")]
        return " to ".join(one or "…" for one in ends) if any(ends) else self.text("range")

    def period(self) -> tuple[datetime | None, datetime | None]:
        """Start and end; None = open. One that ends before it starts is empty: it ends there.

        Raises:
            PermanentError: what is given is no time, or no range.
        """
        word = self.range
        if word == "custom":
            since, until = self._moment("since", end=False), self._moment("until", end=True)
            return since, max(since, until) if since and until else until
        return (None if word == ALL else self.now - RANGES[word]), None

    @property
    def is_backwards(self) -> bool:
        """Whether the period ends before it starts, so that nothing can be in it."""
        since, until = self.period()
        return since is not None and until is not None and until <= since

    def part(self) -> Slice:
        """The part of the ledger that is asked for."""
        since, until = self.period()
        return Slice(since, until, self.text("agent"), self.text("version"), self.text("tenant"))

    def frozen(self) -> Slice:
        """The same, up to now: what is read in parts must not move in between."""
        part = self.part()
        return replace(part, until=part.until or max(self.now, part.since or self.now))

    def of_day(self, day: str) -> Mapping[str, str]:
        """For :meth:`link`: one day of the period, so far as the period has it.

        Args:
            day: as 2026-11-02.
        """
        since, until = self.period()
        start = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)
        first = since if since and since > start else None
        last = until if until and until < start + timedelta(days=1) else None
        ends = {"since": first, "until": last}
        return {"range": "", **{name: at.isoformat() if at else day for name, at in ends.items()}}

    def whole_days(self) -> Mapping[str, str]:
        """For :meth:`link`: the period as the days that sums over whole days take of it."""
        since, until = self.period()
        if since is None and until is None:
            return {}
        last = until and until - timedelta(microseconds=1)
        days = {"since": since, "until": last}
        return {"range": "", **{name: f"{at:%Y-%m-%d}" if at else "" for name, at in days.items()}}

    def held_against(self) -> tuple[datetime, datetime] | None:
        """The period that is held against; None where none is asked for.

        ``before_since`` to ``before_until``, or with ``compare=before`` the one of the same length
        right before.

        Raises:
            PermanentError: one of the times is missing or none, or the end is before the start.
        """
        if self.text("before_since") or self.text("before_until"):
            since = self._moment("before_since", end=False)
            until = self._moment("before_until", end=True)
            if since is None or until is None:
                raise PermanentError("give both before_since and before_until, or neither")
            check_period(since, until, ("before_since", "before_until"))
            return since, until
        return self.before() if self.text("compare") == "before" else None

    def before(self) -> tuple[datetime, datetime] | None:
        """The period of the same length right before; None where there is none.

        The period has no start then, or the other would start before 1970, where no ledger does.
        """
        since, until = self.period()
        if since is None:
            return None
        start = since - ((until or max(self.now, since)) - since)
        return None if start < EARLIEST else (start, since)

    def moment(self, name: str) -> datetime | None:
        """A time; None where none is given.

        Raises:
            PermanentError: it is none.
        """
        return self._moment(name, end=False)

    def _moment(self, name: str, *, end: bool) -> datetime | None:
        """A time; a day given as the end is meant with all its hours."""
        told = self.text(name)
        if not told:
            return None
        try:
            at = parse_moment(told)
        except ValueError as error:
            raise PermanentError(f"{name} = {told[:50]!r} cannot be used: {error}") from error
        whole_day = end and len(told) == _DAY_LENGTH
        return (at + timedelta(days=1) if whole_day else at).astimezone(timezone.utc)

    def link(self, path: str, /, **changed: str) -> str:
        """Another page with the same filters, but for those that are changed; empty = without."""
        kept = {name: self.text(name) for name in KEPT}
        asked = {name: carried(value) for name, value in {**kept, **changed}.items() if value}
        return f"/ui/{path}" + (f"?{urlencode(asked)}" if asked else "")

    def again(self, **changed: str) -> str:
        """This page, with everything it was asked for, but for what is changed."""
        given = {**self.given, **changed}
        asked = {name: carried(value) for name, value in given.items() if value}
        return f"/ui/{self.path}" + (f"?{urlencode(asked)}" if asked else "")

    def in_range(self, word: str) -> str:
        """This page over another range."""
        return self.again(range=word, since="", until="", offset="")
