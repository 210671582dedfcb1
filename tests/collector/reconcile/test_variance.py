"""Causes always sum to the difference, and each kind of difference is told by its name.

What was asked of other trackers: BerriAI/litellm#27588, newrelic-experimental/preflight#59,
sseshachala/conductai#478, knostic/OpenAnt#211 (14.6 % under the bill, unexplained).
"""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.reconcile.variance import Side, split, valued

INPUT, READ, OUTPUT = ("", "input"), ("", "cache_read"), ("", "output")
BATCH = ("batch", "input")


def side(quantity: int, rate: str, *, below: int = 0, above: int = 0) -> Side:
    """A quantity with its cost at this rate."""
    return Side(
        Fraction(quantity), quantity * Fraction(rate), Fraction(quantity), Fraction(below),
        Fraction(above),
    )  # fmt: skip


def test_nothing_differs() -> None:
    assert split({INPUT: side(10, "2")}, {INPUT: side(10, "2")}) == {}


def test_calls_that_no_span_told() -> None:
    assert split({INPUT: side(15, "2")}, {INPUT: side(10, "2")}) == {"not_instrumented": 10}
    assert split({OUTPUT: side(3, "2")}, {}) == {"not_instrumented": 6}


def test_calls_that_spans_told_without_usage() -> None:
    """They are a cause of their own; whether the bill is by unit or not."""
    told = {INPUT: side(10, "2")}
    assert split({INPUT: side(15, "2")}, told, unmetered=True) == {"unmetered": 10}
    assert split({INPUT: side(15, "2")}, {}, unmetered=True) == {"unmetered": 30}
    assert split({INPUT: side(5, "2")}, told, unmetered=True) == {"duplicate": -10}
    whole = {("", ""): Side(cost=Fraction(50))}
    assert split(whole, {}, unmetered=True) == {"unmetered": 50}
    assert split(whole, told, unmetered=True) == {"unmetered": 30}


def test_more_in_the_ledger_than_billed() -> None:
    assert split({INPUT: side(10, "2")}, {INPUT: side(15, "2")}) == {"duplicate": -10}


def test_the_same_tokens_in_other_cache_classes() -> None:
    """40 tokens were read from the cache by the bill and uncached by the ledger."""
    billed = {INPUT: side(60, "10"), READ: side(40, "1")}
    told = {INPUT: side(100, "10"), READ: side(0, "1")}
    assert split(billed, told) == {"cache_class": -360}


def test_the_same_tokens_at_another_tier() -> None:
    """All of it was billed as batch."""
    assert split({BATCH: side(100, "5")}, {INPUT: side(100, "10")}) == {"tier": -500}


def test_another_rate() -> None:
    assert split({INPUT: side(100, "3")}, {INPUT: side(100, "2")}) == {"price_version": 100}


def test_estimated_tokens_within_their_interval() -> None:
    """5 of the 8 missing tokens are within what the estimate allowed."""
    told = {OUTPUT: side(10, "2", below=1, above=5)}
    assert split({OUTPUT: side(18, "2")}, told) == {"estimated": 10, "not_instrumented": 6}
    assert split({OUTPUT: side(7, "2")}, told) == {"estimated": -2, "duplicate": -4}


def test_tokens_without_a_price() -> None:
    told = {INPUT: Side(Fraction(10))}
    assert split({INPUT: side(10, "2")}, told) == {"unpriced": 20}


def test_a_bill_without_units() -> None:
    """Only the totals can be compared."""
    whole = {("", ""): Side(cost=Fraction(50))}
    assert split(whole, {INPUT: side(10, "2")}) == {"unexplained": 30}
    assert split(whole, {INPUT: Side(Fraction(10))}) == {"unpriced": 50}
    assert split(whole, {}) == {"not_instrumented": 50}


def test_a_charge_beside_the_tokens() -> None:
    billed = {("", ""): Side(cost=Fraction(50)), INPUT: side(10, "2")}
    assert split(billed, {INPUT: side(10, "2")}) == {"unexplained": 50}


def test_usage_without_cost_is_valued_at_the_ledgers_rate() -> None:
    assert valued(Side(Fraction(10)), side(5, "2")) == side(10, "2")
    assert valued(Side(Fraction(10)), Side()) == Side()


def test_cost_without_usage_is_that_many_units() -> None:
    assert valued(Side(cost=Fraction(20)), side(5, "2")) == side(10, "2")
    told = Side(Fraction(5))
    assert split({INPUT: valued(Side(cost=Fraction(20)), told)}, {INPUT: told}) == {"unpriced": 20}


def _any_side(quantity: int, priced: int, rate: int, below: int, above: int) -> Side:
    part = Fraction(min(quantity, priced))
    cost = Fraction(rate, 1000) * part
    return Side(Fraction(quantity), cost, part, Fraction(below), Fraction(above))


sides = st.builds(_any_side, *(st.integers(0, 1000) for _ in range(5)))
keys = st.tuples(
    st.sampled_from(["", "batch", "flex"]),
    st.sampled_from(["input", "cache_read", "cache_write_5m", "output", "web_searches"]),
)


@given(st.dictionaries(keys, sides), st.dictionaries(keys, sides), st.booleans())
def test_causes_sum_to_the_difference(
    bill: dict[tuple[str, str], Side], ledger: dict[tuple[str, str], Side], unmetered: bool
) -> None:
    """Exactly, whatever the figures."""
    bill = {key: valued(one, ledger.get(key, Side())) for key, one in bill.items()}
    whole = {key: Side(one.quantity, one.cost, one.quantity) for key, one in bill.items()}
    difference = sum(one.cost for one in whole.values()) - sum(s.cost for s in ledger.values())
    causes = split(whole, ledger, unmetered=unmetered)
    assert sum(causes.values()) == difference
    assert ("not_instrumented" if unmetered else "unmetered") not in causes
