"""Money of GPU time: what it costs, and an amount dealt out to the last of its 12 decimals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import Final

_USD_DIGITS: Final = Decimal("1E-12")
_EXACT: Final = Context(prec=60)


def split_usd(amount: Decimal, parts: Sequence[int]) -> list[Decimal]:
    """An amount in shares of 12 decimals that sum to it exactly, by the largest remainder.

    Args:
        amount: Not negative, with 12 decimals at most.
        parts: What the shares are in proportion to, from 0 on; not all 0.

    Raises:
        ValueError: There is nothing to share by.
    """
    whole = sum(parts)
    if whole <= 0 or min(parts) < 0 or amount < 0:
        raise ValueError(f"cannot split {amount} by parts that sum to {whole}")
    exact = [
        _EXACT.divide(_EXACT.multiply(amount, Decimal(part)), Decimal(whole)) for part in parts
    ]
    floors = [one.quantize(_USD_DIGITS, rounding=ROUND_DOWN, context=_EXACT) for one in exact]
    left = int((amount - sum(floors, Decimal(0))).quantize(_USD_DIGITS).scaleb(12))
    by_remainder = sorted(range(len(parts)), key=lambda i: (floors[i] - exact[i], i))
    for index in by_remainder[:left]:
        floors[index] += _USD_DIGITS
    return floors


def billed_usd(gpu_ns: int, usd: Decimal, per_seconds: int) -> Decimal:
    """What GPU time costs at ``usd`` for so many GPU seconds, rounded once, half even."""
    exact = _EXACT.divide(_EXACT.multiply(Decimal(gpu_ns), usd), Decimal(per_seconds * 10**9))
    return exact.quantize(_USD_DIGITS, rounding=ROUND_HALF_EVEN, context=_EXACT)
