"""Time of devices, dealt out to the calls that hold them: every second of a device is told once.

Calls of several threads take turns on a device, and each lasts as long as all of them. While ``n``
hold a device, each is told an ``n``-th of its time.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from time import perf_counter
from typing import Final

from spanledger._process_lock import ProcessLock

_lock: Final = ProcessLock()
#: Device -> the turns that hold it. One that nobody ended is let go of with its call.
_holding: Final[dict[str, weakref.WeakSet[Turn]]] = {}
#: Device -> until when its time was dealt out, by ``time.perf_counter``.
_dealt_until: Final[dict[str, float]] = {}


class Turn:
    """A call holds these devices from now on.

    Args:
        places: devices of this process, as whoever asks calls them.
    """

    def __init__(self, places: Sequence[str]) -> None:
        self._places = tuple(places)
        self._held = 0.0
        self._ended = False
        with _lock():
            now = perf_counter()
            for place in self._places:
                _deal(place, now)
                _holding.setdefault(place, weakref.WeakSet()).add(self)

    def end(self) -> float:
        """Seconds of each of its devices, in the mean, that were this call's; once and for all."""
        with _lock():
            now = perf_counter()
            for place in () if self._ended else self._places:
                _deal(place, now)
                _holding[place].discard(self)
            self._ended = True
        return self._held / max(1, len(self._places))

    def take(self, seconds: float) -> None:
        """So many seconds of one of its devices were this call's."""
        self._held += seconds


def _deal(place: str, now: float) -> None:
    holding = list(_holding.get(place, ()))
    for turn in holding:
        turn.take((now - _dealt_until[place]) / len(holding))
    _dealt_until[place] = now


if hasattr(os, "register_at_fork"):  # the calls of the parent are not the child's
    os.register_at_fork(after_in_child=_holding.clear)
