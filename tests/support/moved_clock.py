"""The clock of this process, moved by a test instead of slept."""

from __future__ import annotations

import time

import pytest


class MovedClock:
    """What ``time`` tells everybody in this process, asyncio included.

    Args:
        monkeypatch: puts things right again.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._passed_ns = 0
        self._set_ns = 0
        wall, monotonic = time.time_ns, time.monotonic
        monkeypatch.setattr(time, "time_ns", lambda: wall() + self._passed_ns + self._set_ns)
        monkeypatch.setattr(time, "time", lambda: time.time_ns() / 1e9)
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + self._passed_ns / 1e9)

    def pass_seconds(self, seconds: float) -> None:
        """So much time goes by."""
        self._passed_ns += round(seconds * 1e9)

    def set_back(self, seconds: float) -> None:
        """Somebody sets the clock back; what measures durations goes on."""
        self._set_ns -= round(seconds * 1e9)
