"""The kinds of OTLP telemetry that a collector takes.

Whoever hands a request on (receivers, journal, loader) says which kind it is, because the bytes of
one kind read as another decode to nonsense.
"""

from typing import Final, Literal, TypeAlias

Signal: TypeAlias = Literal["traces", "metrics"]
#: All of them; the place of a name is its number in the journal, so names are only ever appended.
SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics")
