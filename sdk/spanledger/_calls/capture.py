"""Whether the content of messages is asked for, by the standard variable; off by default."""

from __future__ import annotations

import os
from typing import Final

VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
#: Values that ask for content on spans; ``EVENT_ONLY`` asks for events, which we do not send.
_ON_SPANS: Final = frozenset({"true", "span_only", "span_and_event"})


class Capture:
    """The switch, as it was when the clients were instrumented."""

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = False

    def read_environment(self) -> None:
        """Switch on or off as the variable says now."""
        self.on = os.environ.get(VARIABLE, "").strip().lower() in _ON_SPANS


CAPTURE: Final = Capture()
