"""The one place where an error of ours is swallowed.

Telemetry may never break the call it watches, and an error that nobody sees is worse than none:
what is swallowed here is logged once a kind (with its traceback) and counted; how often it came
again is told when telemetry stops.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
D = TypeVar("D")

_log = logging.getLogger("spanledger")
_counts: Counter[str] = Counter()
#: How many of them the log tells of.
_told: Counter[str] = Counter()


def internal_errors() -> dict[str, int]:
    """Errors of our own that were swallowed since the start, by the function they arose in."""
    return dict(_counts)


def tell_repeated() -> None:
    """Log how many errors came since the last that was told; nothing where none did."""
    more = {kind: count - _told[kind] for kind, count in _counts.items() if count > _told[kind]}
    if more:
        _told.update(more)
        listed = ", ".join(f"{count} further errors in {kind}" for kind, count in more.items())
        _log.warning("spanledger: %s; telemetry may be incomplete", listed)


def guarded(default: D) -> Callable[[Callable[P, R]], Callable[P, R | D]]:
    """Make a function of ours safe to call from a user's call.

    Args:
        default: what the function gives back when it fails.

    Returns:
        A decorator. Only ``Exception`` is caught: ``KeyboardInterrupt`` and cancellation belong to
        the user's program.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R | D]:
        kind = f"{function.__module__}.{function.__qualname__}"

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R | D:
            try:
                return function(*args, **kwargs)
            except Exception:  # noqa: BLE001 - the one place: counted, logged, never raised
                _count(kind)
                return default

        return run

    return decorate


def swallow(function: Callable[..., object]) -> None:
    """Log and count the error that is being handled, as one of this function.

    For loops over the items of a stream, where :func:`guarded` would cost each item a call more.
    """
    _count(f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}")


def _count(kind: str) -> None:
    _counts[kind] += 1
    if _counts[kind] == 1:
        _log.warning(
            "spanledger: %s failed; your call is not affected, its telemetry may be incomplete. "
            "Further errors of this kind are counted and told at the end.",
            kind,
            exc_info=True,
        )
        _told[kind] = 1
