"""Money of GPU time is dealt out to its last digit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute.bill import billed_usd, split_usd

SECOND = 1_000_000_000


@given(
    st.decimals(0, 10**6, places=12),
    st.lists(st.integers(0, 10**18), min_size=1, max_size=30).filter(any),
)
def test_money_is_split_exactly(amount: Decimal, parts: list[int]) -> None:
    """Shares sum to the amount, each within a unit of its proportion; nothing for nothing."""
    shares = split_usd(amount, parts)
    assert sum(shares) == amount
    whole = sum(parts)
    for share, part in zip(shares, parts, strict=True):
        assert abs(share * whole - amount * part) <= whole * Decimal("1E-12")
        assert share >= 0


def test_a_bill() -> None:
    """An hour of a GPU is its rate."""
    assert billed_usd(3600 * SECOND, Decimal("2.95"), 3600) == Decimal("2.95")
    assert billed_usd(1200 * SECOND, Decimal(2), 3600) == Decimal("0.666666666667")


def test_nothing_to_share_by_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot split"):
        split_usd(Decimal(1), [0])
