"""Hours of the week at which a price holds, as providers publish them, and as minutes in UTC."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from .row import Hours

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = r"([01]\d|2[0-4]):[0-5]\d"
Times = Annotated[str, StringConstraints(pattern=rf"^{_CLOCK}-{_CLOCK}$")]
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES


class WeekHours(BaseModel):
    """Some hours of some days, or with ``outside`` all others.

    ``{utc_offset: "+08:00", days: [mon, fri], times: ["09:00-12:00", "14:00-18:00"]}``; a time that
    ends before it starts ends on the next day. Offsets are fixed: no daylight saving.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    utc_offset: Annotated[str, StringConstraints(pattern=r"^[+-]\d\d:[0-5]\d$")] = "+00:00"
    days: tuple[Day, ...] = _DAYS
    times: tuple[Times, ...] = ("00:00-24:00",)
    outside: bool = False

    def minutes(self) -> Hours:
        """The minutes of the week, counted from Monday 00:00 UTC, as [from, until) pairs."""
        inside = {minute for start, end in self._pieces() for minute in range(start, end)}
        if self.outside:
            inside = set(range(_WEEK_MINUTES)) - inside
        starts = sorted(minute for minute in inside if minute - 1 not in inside)
        ends = sorted(minute + 1 for minute in inside if minute + 1 not in inside)
        return tuple(zip(starts, ends, strict=True))

    def _pieces(self) -> Iterator[tuple[int, int]]:
        shift = _clock(self.utc_offset[1:]) * (-1 if self.utc_offset[0] == "-" else 1)
        for day in self.days:
            for times in self.times:
                start, end = map(_clock, times.split("-"))
                length = end - start if end > start else end - start + _DAY_MINUTES
                first = (_DAYS.index(day) * _DAY_MINUTES + start - shift) % _WEEK_MINUTES
                yield first, min(first + length, _WEEK_MINUTES)
                yield 0, max(first + length - _WEEK_MINUTES, 0)


def _clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
