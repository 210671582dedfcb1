"""What runs took against what they cost: a point a run, or an agent, on logarithmic scales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from spanledger_collector.web import figures

_WIDTH, _HEIGHT = 1000.0, 380.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 90.0, 50.0, 30.0, 44.0


@dataclass(frozen=True, slots=True)
class Point:
    """One point.

    Attributes:
        x, y: its place.
        title: what it is, with its figures as people read them.
        href: where it leads.
        tone: ``ok``, ``bad`` or ``unjudged``.
    """

    x: float
    y: float
    title: str
    href: str
    tone: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """The whole drawing."""

    kind: ClassVar[str] = "scatter"
    title: str
    about: str
    points: Sequence[Point]
    across: Sequence[Tick]
    up: Sequence[Tick]
    width: float = _WIDTH
    height: float = _HEIGHT
    left: float = _LEFT
    bottom: float = _HEIGHT - _BOTTOM


@dataclass(frozen=True, slots=True)
class Measured:
    """What is to become a point; both figures above 0."""

    duration_ns: float
    cost_usd: float
    title: str
    href: str
    tone: str


def scatter(title: str, about: str, measured: Sequence[Measured]) -> Scatter:
    """The points on scales that hold them all."""
    shown = [one for one in measured if one.duration_ns > 0 and one.cost_usd > 0]
    across = _decades([one.duration_ns for one in shown])
    up = _decades([one.cost_usd for one in shown])
    points = [
        Point(_x(one.duration_ns, across), _y(one.cost_usd, up), one.title, one.href, one.tone)
        for one in shown
    ]
    return Scatter(
        title,
        about,
        points,
        [Tick(_x(10.0**n, across), figures.duration(10.0**n)) for n in _between(across)],
        [Tick(_y(10.0**n, up), f"${figures.power_of_ten(n)}") for n in _between(up)],
    )


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Powers of ten around the values."""
    if not values:
        return 0, 1
    low = math.floor(math.log10(min(values)))
    return low, max(math.ceil(math.log10(max(values))), low + 1)


def _between(decades: tuple[int, int]) -> range:
    return range(decades[0], decades[1] + 1)


def _x(value: float, decades: tuple[int, int]) -> float:
    return round(_LEFT + _share(value, decades) * (_WIDTH - _LEFT - _RIGHT), 2)


def _y(value: float, decades: tuple[int, int]) -> float:
    return round(_HEIGHT - _BOTTOM - _share(value, decades) * (_HEIGHT - _BOTTOM - _TOP), 2)


def _share(value: float, decades: tuple[int, int]) -> float:
    return (math.log10(value) - decades[0]) / (decades[1] - decades[0])
