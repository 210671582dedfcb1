"""Every cost can be redone from its explanation, and every special case is told in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from tests.collector.settle.scene import call, hex16, hex32, load, price, publish, settler
from tests.support.filled_ledger import FIRST_CALL_USD, TRACE

from spanledger_collector.cli.app import execute
from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.query import DirectReader, Explanation, Ledger
from spanledger_collector.query.explained_rows import ChargeLineRow
from spanledger_collector.query.explanation import explain
from spanledger_collector.store import Store


@pytest.fixture
def ledger(filled: Store) -> Iterator[Ledger]:
    """The ledger that has something of everything."""
    with Ledger(DirectReader(filled)) as opened:
        yield opened


class _Counted(list[ChargeLineRow]):
    """Lines that count how often they are gone through."""

    times_read = 0

    def __iter__(self) -> Iterator[ChargeLineRow]:
        self.times_read += 1
        return super().__iter__()


def by_hand(one: Explanation) -> Decimal:
    """What a person gets with the printed lines."""
    lines = [line.quantity * line.rate_usd for line in one.lines if line.rate_usd is not None]
    return sum(lines, Decimal(0)).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)


def test_every_priced_attempt_can_be_redone(ledger: Ledger) -> None:
    """Quantity x rate, added and rounded once, is the cost to the last digit."""
    explained = ledger.explain(TRACE)
    priced = [one for one in explained if one.attempt.price_status == "priced"]
    assert len(priced) >= 3
    for one in explained:
        assert one.adds_up
    for one in priced:
        assert by_hand(one) == one.attempt.cost_usd
    assert priced[0].attempt.cost_usd == FIRST_CALL_USD


def test_a_slice_is_what_the_whole_has_there(ledger: Ledger) -> None:
    """With the lines of its attempts and of no other."""
    whole = list(ledger.explain(TRACE))
    assert len(whole) > 3
    assert sum(bool(one.lines) for one in whole) > 2
    for offset, limit in ((0, 1), (1, 2), (2, None), (len(whole) - 1, 5), (len(whole), 5)):
        end = None if limit is None else offset + limit
        assert list(ledger.explain(TRACE, offset=offset, limit=limit)) == whole[offset:end]


def test_lines_are_looked_at_once(ledger: Ledger) -> None:
    """However many attempts a trace has: every line for each of them takes minutes of 20,000."""
    whole = ledger.explain(TRACE)
    lines = _Counted(line for one in whole for line in one.lines)
    again = explain([one.attempt for one in whole], lines)
    assert list(again) == list(whole)
    assert lines.times_read == 1


def test_the_reasons_are_told(ledger: Ledger) -> None:
    """Estimates, duplicates, failures and unknown models, each in its own words."""
    told = {
        (one.attempt.span_id, one.attempt.attempt_number): " | ".join(one.reasons)
        for one in ledger.explain(TRACE)
    }
    assert "as the provider reported" in told[hex16(2), 1]
    assert "service tier: standard" in told[hex16(2), 1]
    assert "base rates at 1,100 input tokens" in told[hex16(2), 1]
    assert "valid from" in told[hex16(2), 1]
    assert "known from" in told[hex16(2), 1]
    assert "transport_retry" in told[hex16(3), 1]
    assert "estimated with a tokenizer" in told[hex16(6), 1]
    assert "cost unknown, not zero" in told[hex16(8), 1]
    assert "not in any sum: the same answer" in told[hex16(9), 1]


def test_one_span_is_found_without_its_trace(ledger: Ledger) -> None:
    [one] = ledger.explain(hex16(8))
    assert one.attempt.trace_id == TRACE
    assert one.exact_usd is None
    assert one.attempt.cost_usd is None


def test_tiers_and_long_context(store: Store) -> None:
    """The row that was chosen, and why."""
    with store.connect() as connection:
        publish(
            connection,
            [
                price("m1", input_usd_per_token="0.001"),
                price("m1", input_usd_per_token="0.002", context_over_tokens=100),
                price("m1", input_usd_per_token="0.0005", service_tier="batch"),
            ],
        )
        load(connection, [call(2, 0, (101, 0)), call(3, 0, (10, 0), service_tier="batch"),
                          call(4, 0, (10, 0), service_tier="flex")])  # fmt: skip
    one = settler(store)
    one.settle_traces([("default", hex32(1))])
    one.stop(drain=False)
    with Ledger(DirectReader(store)) as opened:
        long, batch, flex = opened.explain(hex32(1))
    assert "101 input tokens are more than 100" in " ".join(long.reasons)
    assert "service tier: batch" in batch.reasons
    assert "flex was used and has no rates; standard rates stand in" in " ".join(flex.reasons)
    assert [one.attempt.cost_usd for one in (long, batch, flex)] == [
        Decimal("0.202"), Decimal("0.005"), Decimal("0.01"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("identifier", "error"),
    [("xyz", PermanentError), (hex32(999), NotFoundError), (hex16(999), NotFoundError)],
)
def test_what_is_not_there(ledger: Ledger, identifier: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=identifier):
        ledger.explain(identifier)


def test_a_span_id_in_two_traces(store: Store) -> None:
    """The traces are listed; naming one is enough."""
    with store.connect() as connection:
        load(connection, [call(2, 0, (1, 1)), call(2, 0, (1, 1), trace=2)])
    one = settler(store)
    one.settle_traces([("default", hex32(1)), ("default", hex32(2))])
    one.stop(drain=False)
    with Ledger(DirectReader(store)) as opened:
        with pytest.raises(PermanentError, match=hex32(2)):
            opened.explain(hex16(2))
        [found] = opened.explain(hex16(2), trace_id=hex32(2))
    assert found.attempt.trace_id == hex32(2)


def test_the_command(filled_dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["explain", TRACE, "--url", filled_dsn]) == 0
    shown = capsys.readouterr().out
    assert "sum 0.0031800001" in shown
    assert "does not add up" not in shown
    assert execute(["explain", hex16(8), "--url", filled_dsn, "--json"]) == 0
    [one] = json.loads(capsys.readouterr().out)
    assert one["attempt"]["cost_usd"] is None
