"""One GPU, as a vendor's library tells of it: what the files of the vendors give the meter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

#: Gives a number in the unit of its metric; None or an exception of the library = no such sensor.
Reading: TypeAlias = Callable[[], "float | None"]


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU.

    Attributes:
        attributes: by the names of the hardware conventions: ``hw.id``, ``hw.name``, ``hw.vendor``.
        readings: name of a metric -> how it is read.
        lacks: what the library raises where a board lacks a sensor.
    """

    attributes: Mapping[str, str]
    readings: Mapping[str, Reading]
    lacks: type[Exception]

    def read(self, metric: str) -> float | None:
        """The number of this moment; None where the board has no such sensor."""
        reading = self.readings.get(metric)
        if reading is None:
            return None
        try:
            return reading()
        except self.lacks:
            return None
