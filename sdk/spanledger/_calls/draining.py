"""The background that ends spans, and how to wait for it: on demand, and when the process ends."""

from __future__ import annotations

import atexit
import functools
from typing import Final

from spanledger._calls.finisher import Finisher
from spanledger._streams.stream import abandon_all

#: As long as ``init`` waits by default.
_EXIT_DRAIN_SECONDS: Final = 5.0


def drain(timeout_seconds: float) -> bool:
    """Wait until every span that was handed to the background has ended.

    Returns:
        False when the time was over first.
    """
    return FINISHER.drain(timeout_seconds)


def drain_at_exit(timeout_seconds: float) -> bool:
    """End every span of a model call, also those of streams that nobody will read any more.

    Returns:
        False when the time was over first.
    """
    abandon_all()
    return drain(timeout_seconds)


@functools.cache
def _end_at_exit() -> None:
    """Once a process, and late: what is registered last runs first, so providers still take spans.

    An application may set its provider after the clients were patched, but not after a call.
    """
    atexit.register(drain_at_exit, _EXIT_DRAIN_SECONDS)


FINISHER: Final = Finisher(starting=_end_at_exit)
