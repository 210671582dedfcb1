"""A quantity that is not known exactly, with its interval and its origin.

Everything in the ledger that is not a provider's own figure is an `Estimate`: a value between a low
and a high bound, how it was obtained, from what source and when. Sums and products keep the
interval and take the weakest method of their inputs, so a total can never look surer than its
least sure part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Method = Literal["measured", "exact", "approx", "assumed"]

#: From the surest to the least sure. ``measured``: read from an instrument; ``exact``: a formula
#: whose every input is known; ``approx``: a formula with a known error; ``assumed``: a judgement.
METHODS: Final[tuple[Method, ...]] = ("measured", "exact", "approx", "assumed")


def weakest(*methods: Method) -> Method:
    """Return the least sure of ``methods``; ``measured`` when none is given."""
    return METHODS[max((METHODS.index(method) for method in methods), default=0)]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with ``low <= value <= high``.

    Attributes:
        value: The point estimate, in ``unit``. Integers stay integers.
        low: Lower bound, same unit.
        high: Upper bound, same unit.
        unit: Unit of all three, such as ``"FLOP"``, ``"byte"`` or ``"parameter"``.
        method: How the value was obtained, see `METHODS`.
        source: Where it comes from; several sources are joined by ``"; "``.
        as_of: ISO date of the source, ``""`` when it has none.

    Raises:
        ValueError: The value lies outside its own interval (or is not a number).
    """

    value: float
    low: float
    high: float
    unit: str
    method: Method
    source: str
    as_of: str = ""

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"an estimate needs low <= value <= high, got {self.low} <= {self.value} <= "
                f"{self.high} {self.unit} from {self.source!r}"
            )

    def __add__(self, other: Estimate) -> Estimate:
        """Add two estimates of one unit.

        Raises:
            ValueError: The units differ.
        """
        if self.unit != other.unit:
            raise ValueError(f"cannot add {other.unit!r} to {self.unit!r}: convert one of them")
        return Estimate(
            self.value + other.value,
            self.low + other.low,
            self.high + other.high,
            self.unit,
            weakest(self.method, other.method),
            _joined(self.source, other.source),
            _older(self.as_of, other.as_of),
        )

    def __mul__(self, other: Estimate | float) -> Estimate:
        """Multiply by a plain number (same unit) or by an estimate (unit ``a*b``)."""
        if isinstance(other, Estimate):
            low, high = _bounds(self.low, self.high, other.low, other.high)
            return Estimate(
                self.value * other.value,
                low,
                high,
                f"{self.unit}*{other.unit}",
                weakest(self.method, other.method),
                _joined(self.source, other.source),
                _older(self.as_of, other.as_of),
            )
        low, high = _bounds(self.low, self.high, other, other)
        return Estimate(
            self.value * other, low, high, self.unit, self.method, self.source, self.as_of
        )

    def __rmul__(self, other: float) -> Estimate:
        return self * other


def _bounds(low: float, high: float, other_low: float, other_high: float) -> tuple[float, float]:
    corners = (low * other_low, low * other_high, high * other_low, high * other_high)
    return min(corners), max(corners)


def _joined(left: str, right: str) -> str:
    parts = dict.fromkeys(part for text in (left, right) for part in text.split("; ") if part)
    return "; ".join(parts)


def _older(left: str, right: str) -> str:
    """The older date: a total is as stale as its stalest part."""
    return min(left, right) if left and right else left or right
