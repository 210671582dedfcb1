"""A lock that is free in the child of a fork, whichever thread of the parent held it.

A child has one thread; a lock that another thread held at that moment would never be opened there.
"""

from __future__ import annotations

import os
import threading
import weakref


class ProcessLock:
    """``with lock():`` takes the reentrant lock of this process.

    A block that is entered before a fork leaves the lock that it took, in both processes.
    """

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            renew = weakref.WeakMethod(self._renew)

            def after_in_child() -> None:
                if method := renew():
                    method()

            os.register_at_fork(after_in_child=after_in_child)

    def _renew(self) -> None:
        self._lock = threading.RLock()

    def __call__(self) -> threading.RLock:
        """The lock of this process."""
        return self._lock
