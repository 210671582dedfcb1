"""Which traces are due: those that arrived and have been quiet, or have waited long enough.

Pure bookkeeping, no clock and no engine of its own. ``arrivals`` is read again a while behind the
newest record, because the engine may show one journal record in pieces; what is known already
changes nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .settlement import TraceKey


@dataclass(frozen=True, slots=True)
class Arrival:
    """Spans of one trace in one journal record."""

    sequence: int
    key: TraceKey
    span_count: int


@dataclass(slots=True)
class _Waiting:
    first_sequence: int
    first_seen: float
    last_seen: float
    failures: int = 0
    not_before: float = float("-inf")
    is_parked: bool = False


@dataclass(frozen=True, slots=True)
class _Settled:
    times: int
    last_seen: float


class DueTraces:
    """What arrived and is not settled yet.

    Args:
        next_sequence: everything below is settled.
        quiet_seconds: a trace is due when nothing of it arrived for so long.
        max_wait_seconds: or when it waited so long in all.
        overlap_seconds: how far back records are read again.
    """

    def __init__(
        self,
        next_sequence: int,
        *,
        quiet_seconds: float,
        max_wait_seconds: float,
        overlap_seconds: float,
    ) -> None:
        self._quiet = quiet_seconds
        self._max_wait = max_wait_seconds
        self._overlap = overlap_seconds
        self._waiting: dict[TraceKey, _Waiting] = {}
        # How often a trace was settled lately; forgotten after two longest waits without arrivals.
        self._settled: dict[TraceKey, _Settled] = {}
        # (sequence, trace) -> spans seen; kept while the record may be read again.
        self._seen: dict[tuple[int, TraceKey], int] = {}
        # (moment, highest sequence seen by then), oldest first.
        self._heights: list[tuple[float, int]] = []
        self._floor = next_sequence
        self._next = next_sequence

    def read_from(self, now: float) -> int:
        """The sequence to read ``arrivals`` from."""
        while self._heights and self._heights[0][0] <= now - self._overlap:
            self._floor = self._heights.pop(0)[1]
            self._seen = {key: count for key, count in self._seen.items() if key[0] >= self._floor}
        return self._floor

    @property
    def floor(self) -> int:
        """The sequence that was read from last: of what is from there on more may show."""
        return self._floor

    def observe(self, now: float, arrivals: Iterable[Arrival]) -> int:
        """Note what was read; returns how much of it was new."""
        self._forget(now)
        new = 0
        highest = -1
        for arrival in arrivals:
            highest = max(highest, arrival.sequence)
            place = (arrival.sequence, arrival.key)
            if self._seen.get(place) == arrival.span_count:
                continue
            self._seen[place] = arrival.span_count
            self._note(now, arrival)
            new += 1
        if highest >= 0 and (not self._heights or highest > self._heights[-1][1]):
            self._heights.append((now, highest))
        self._next = max(self._next, highest + 1)
        return new

    def _note(self, now: float, arrival: Arrival) -> None:
        waiting = self._waiting.get(arrival.key)
        if waiting is None:
            self._waiting[arrival.key] = _Waiting(arrival.sequence, now, now)
        else:
            waiting.last_seen = now
            waiting.first_sequence = min(waiting.first_sequence, arrival.sequence)

    def due(self, now: float, *, all_of_them: bool = False) -> list[TraceKey]:
        """Traces to settle now, the longest waiting first."""
        return [
            key
            for key, waiting in self._waiting.items()
            if all_of_them
            or (
                now >= waiting.not_before
                and (
                    now - waiting.last_seen >= self._quiet_of(key)
                    or now - waiting.first_seen >= self._max_wait
                )
            )
        ]

    def settled(self, keys: Sequence[TraceKey]) -> None:
        """These are done; a later arrival makes them wait again."""
        for key in keys:
            waiting = self._waiting.pop(key, None)
            if waiting is not None:
                before = self._settled.pop(key, None)
                times = before.times + 1 if before else 1
                self._settled[key] = _Settled(times, waiting.last_seen)

    def again(self, now: float, keys: Iterable[TraceKey]) -> None:
        """These were settled by somebody else meanwhile: they wait for another settlement."""
        for key in keys:
            self._note(now, Arrival(self._next, key, 0))

    def postpone(self, now: float, keys: Mapping[TraceKey, float]) -> None:
        """These could not be settled now: each is due after a pause that doubles from a second.

        Args:
            now: moment of the monotonic clock.
            keys: trace -> longest pause, in seconds.
        """
        for key, longest_seconds in keys.items():
            if key not in self._waiting:
                self._note(now, Arrival(self._next, key, 0))
            waiting = self._waiting[key]
            waiting.not_before = now + min(2.0 ** min(waiting.failures, 30), longest_seconds)
            waiting.failures += 1

    def rest(self, keys: Iterable[TraceKey], until: float) -> None:
        """These are not due before that moment."""
        for key in keys:
            self._waiting[key].not_before = until

    def resting_until(self) -> float:
        """The moment before which none is due; infinite where nothing waits."""
        return min((waiting.not_before for waiting in self._waiting.values()), default=math.inf)

    def failures(self, key: TraceKey) -> int:
        """How often it could not be settled since it last was."""
        waiting = self._waiting.get(key)
        return waiting.failures if waiting else 0

    def park(self, keys: Iterable[TraceKey]) -> None:
        """These wait as before and are kept elsewhere too: the cursor goes on past them."""
        for key in keys:
            if key in self._waiting:
                self._waiting[key].is_parked = True

    def _quiet_of(self, key: TraceKey) -> float:
        settled = self._settled.get(key)
        doublings = min(settled.times - 1, 30) if settled else 0
        return min(self._quiet * 2**doublings, max(self._quiet, self._max_wait))

    def _forget(self, now: float) -> None:
        # The longest settled come first.
        while self._settled:
            key = next(iter(self._settled))
            if now - self._settled[key].last_seen < 2 * self._max_wait:
                return
            del self._settled[key]

    def next_sequence(self) -> int:
        """Every trace touched by a record below this is settled, or parked."""
        oldest = [
            waiting.first_sequence for waiting in self._waiting.values() if not waiting.is_parked
        ]
        return min([self._next, *oldest])

    def __len__(self) -> int:
        return len(self._waiting)
