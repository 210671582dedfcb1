"""What GPUs drew in a stretch of time, from what they told of their energy and power. Pure.

Between two readings of a device its draw is taken as even: the counter of energy says how much it
was in all, the power of both readings what it was at their times. Two readings that lie further
apart than :data:`GAP` say nothing of the time between them, and so does a draw that no board has
(the first delta of a process may hold all since its driver was loaded). Where a device tells both,
that one is used which says something of more of the time; of two alike, the counter.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final, Literal

#: Furthest that two readings may be apart: exporters send once a minute by default.
GAP: Final = timedelta(minutes=5)
_GAP_NS: Final = int(GAP.total_seconds()) * 10**9
#: No board draws as much.
_MOST_WATTS: Final = 3000.0
_NANO: Final = 1e9

Kind = Literal["power", "cumulative", "delta"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One number that a device told.

    Attributes:
        device: which one.
        kind: watts that it draws, joules since ever, or joules since ``began_at_ns``.
        began_at_ns: of a delta; nanoseconds since 1970.
        at_ns: when it was so, likewise.
        value: watts or joules.
    """

    device: str
    kind: Kind
    began_at_ns: int
    at_ns: int
    value: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """What devices drew in a window.

    Attributes:
        joules: in the time that is known.
        known_ns: that time, summed over the devices.
    """

    joules: float
    known_ns: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    begin_ns: int
    end_ns: int
    watts: float


def drawn(readings: Sequence[Reading], begin_ns: int, end_ns: int) -> Drawn:
    """What the devices of these readings drew from a moment to another.

    Args:
        readings: of any devices, in any order; also those before and after the window.
        begin_ns: of the window, nanoseconds since 1970.
        end_ns: its end, exclusive.
    """
    devices = {reading.device for reading in readings}
    parts = [
        _of_device([one for one in readings if one.device == device], begin_ns, end_ns)
        for device in sorted(devices)
    ]
    return Drawn(sum(part.joules for part in parts), sum(part.known_ns for part in parts))


def _of_device(readings: Sequence[Reading], begin_ns: int, end_ns: int) -> Drawn:
    by_kind: Mapping[Kind, list[Reading]] = {"power": [], "cumulative": [], "delta": []}
    for reading in sorted(readings, key=lambda one: one.at_ns):
        by_kind[reading.kind].append(reading)
    energy = [*_counted(by_kind["cumulative"]), *_deltas(by_kind["delta"])]
    ways = (energy, list(_levels(by_kind["power"])))
    return max((_sum(one, begin_ns, end_ns) for one in ways), key=lambda one: one.known_ns)


def _counted(readings: Iterable[Reading]) -> Iterator[_Stretch]:
    """Between readings of a counter; one that went back began anew, and says nothing."""
    for before, after in pairwise(readings):
        gained, lasted = after.value - before.value, after.at_ns - before.at_ns
        if lasted > 0 and gained >= 0:
            yield _Stretch(before.at_ns, after.at_ns, gained / lasted * _NANO)


def _deltas(readings: Iterable[Reading]) -> Iterator[_Stretch]:
    for one in readings:
        if one.at_ns > one.began_at_ns:
            watts = one.value / (one.at_ns - one.began_at_ns) * _NANO
            yield _Stretch(one.began_at_ns, one.at_ns, watts)


def _levels(readings: Iterable[Reading]) -> Iterator[_Stretch]:
    for before, after in pairwise(readings):
        if after.at_ns > before.at_ns:
            yield _Stretch(before.at_ns, after.at_ns, (before.value + after.value) / 2)


def _sum(stretches: Iterable[_Stretch], begin_ns: int, end_ns: int) -> Drawn:
    """Energy and time within the window; what is told of a time twice counts as its mean."""
    known = sorted(
        (max(one.begin_ns, begin_ns), min(one.end_ns, end_ns), one.watts)
        for one in stretches
        if one.end_ns - one.begin_ns <= _GAP_NS and one.watts <= _MOST_WATTS
    )
    told_ns = joules = 0.0
    union_ns, reached = 0, begin_ns
    for begin, end, watts in known:
        if end > begin:
            told_ns += end - begin
            joules += watts * (end - begin) / _NANO
            union_ns += max(0, end - max(begin, reached))
            reached = max(reached, end)
    return Drawn(joules * union_ns / told_ns if told_ns else 0.0, union_ns)
