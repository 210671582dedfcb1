"""A currency gets its rate after amounts in it were told: they count from then on, once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any, cast

import pytest
from rich.console import Console

from spanledger_collector.cli.asset_tables import assets_table
from spanledger_collector.errors import PermanentError
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Connection, Store

from . import scene
from .told import agent_span, record_span


def _rate(connection: Connection, usd: str, *, known_from: str) -> None:
    row = {
        "currency": "EUR", "valid_from": "2026-01-01 00:00:00", "usd": usd,
        "valid_to": "2299-12-31 00:00:00", "known_from": known_from,
    }  # fmt: skip
    connection.insert_rows("fx", tuple(row), [tuple(row.values())])


def _entry(number: int, asset: str, entry: str, **told: Any) -> scene.Row:
    told = {"asset__entry": entry, "asset__id": asset} | {
        f"asset__{name}": value for name, value in told.items()
    }
    row = record_span(number, trace=10_000 + number, at=0, **told)
    return row | {"received_at": scene.moment(scene.START)}


def _plan(number: int, asset: str, units: int) -> scene.Row:
    return _entry(number, asset, "plan", method="x", unit="execution", expected_units=units)


def _started_again(store: Store) -> int:
    """How many traces a collector settles that is started on this ledger."""
    one = scene.settler(store)
    try:
        return one.settle_due(everything=True)
    finally:
        one.stop(drain=False)


def _assets(connection: Connection) -> dict[str, tuple[Any, ...]]:
    rows = connection.rows(
        "SELECT asset_id, state, capital_usd, charged_usd, unconverted_currencies FROM amortization"
    )
    return {str(row["asset_id"]): tuple(row.values())[1:] for row in rows}


def _run_sums(connection: Connection) -> list[tuple[Any, ...]]:
    rows = connection.rows(
        "SELECT revenue_usd, expense_cost_usd, unconverted_records, unpriced_attempts, "
        "amortized_cost_usd FROM runs FINAL WHERE kind = 'agent' ORDER BY trace_id"
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.slow
def test_what_was_told_in_a_currency_counts_when_its_rate_is_known(store: Store) -> None:
    """100 EUR over 2 runs, and 10 USD beside 30 EUR over 4; 2 runs come, and a third later."""
    with store.connect() as connection:
        scene.load(
            connection,
            [
                _entry(1, "waits", "cost", amount="100", currency="EUR"),
                _plan(2, "waits", 2),
                _entry(3, "goes on", "cost", amount="10"),
                _entry(4, "goes on", "cost", amount="30", currency="EUR"),
                _plan(5, "goes on", 4),
                _entry(6, "no number", "cost", amount="much", currency="EUR"),
                _plan(7, "no number", 4),
                # Of what is asked in a currency without a rate nothing is taken; not all.
                _entry(8, "kept", "cost", amount="20"),
                _entry(9, "kept", "write_off", amount="4", currency="EUR"),
            ],
        )
        told: dict[str, Any] = {"revenue__amount": "8", "revenue__currency": "EUR"}
        spent: dict[str, Any] = {"expense__amount": "2", "expense__currency": "EUR"}
        scene.load(
            connection,
            [
                agent_span(1, trace=1),
                record_span(2, 1, trace=1, **told),
                record_span(3, 1, trace=1, **spent),
                agent_span(1, trace=2),
            ],
        )
        _started_again(store)
        none, ten = Decimal(0), Decimal(10)
        assert _assets(connection) == {
            "waits": ("waiting_for_rate", none, none, ["EUR"]),
            "goes on": ("active", ten, Decimal(5), ["EUR"]),
            "no number": ("fully_amortized", none, none, []),
            "kept": ("needs_plan", Decimal(20), none, []),
        }
        assert _run_sums(connection) == [
            (None, None, 1, 1, Decimal("2.5")),  # an expense is an attempt
            (None, None, 0, 0, Decimal("2.5")),
        ]
        out = Console(file=StringIO(), width=200)
        with Ledger(DirectReader(store)) as ledger:
            out.print(assets_table(ledger.assets()))
            with pytest.raises(PermanentError, match="'waits' are in EUR without a rate"):
                ledger.remaining_life("waits", until=scene.START + timedelta(days=10_000))
        advice = cast("StringIO", out.file).getvalue()
        assert "waits: 1 cost in EUR without a rate for their day" in advice
        assert "kept: " not in advice
        assert not connection.rows("SELECT * FROM asset_rests WHERE asset_id = 'waits'")

        # Nothing of it is known yet: nothing to do. Then it is, and once only.
        assert _started_again(store) == 0
        _rate(connection, "1.25", known_from="2026-11-20 00:00:00")
        assert _started_again(store) == 2
        assert _started_again(store) == 0
        assert _assets(connection) == {
            "waits": ("fully_amortized", Decimal(125), Decimal(125), []),
            "goes on": ("active", Decimal("47.5"), Decimal(5), []),
            "no number": ("fully_amortized", none, none, []),
            "kept": ("needs_plan", Decimal(15), none, []),
        }
        converted = [
            (ten, Decimal("2.5"), 0, 0, Decimal(65)),
            (None, None, 0, 0, Decimal(65)),
        ]
        assert _run_sums(connection) == converted

        # What is corrected later changes nothing of it; a run that comes now carries what is left.
        _rate(connection, "2", known_from="2026-11-21 00:00:00")
        assert _started_again(store) == 0
        scene.load(connection, [agent_span(1, trace=3)])
        scene.settle(store, (1, 2, 3))
        assert _run_sums(connection) == [*converted, (None, None, 0, 0, Decimal("21.25"))]


@pytest.mark.slow
def test_what_was_taken_meanwhile_goes_first_and_the_rest_is_charged_once(store: Store) -> None:
    """100 EUR over 2 runs, 20 USD written off while it waits; 3 runs came, a fourth comes later."""
    with store.connect() as connection:
        scene.load(
            connection,
            [_entry(1, "waits", "cost", amount="100", currency="EUR"), _plan(2, "waits", 2)],
        )
        scene.load(connection, [agent_span(1, trace=trace) for trace in (1, 2, 3)])
        _started_again(store)
        scene.load(connection, [_entry(3, "waits", "write_off", amount="20")])
        _started_again(store)
        assert _assets(connection)["waits"][0] == "waiting_for_rate"

        _rate(connection, "1", known_from="2026-11-20 00:00:00")
        assert _started_again(store) == 3
        forty = Decimal(40)
        assert _assets(connection)["waits"] == ("fully_amortized", Decimal(80), Decimal(80), [])
        charged = [forty, forty, None]
        assert [row[-1] for row in _run_sums(connection)] == charged

        # The third found nothing: it is not charged of what is booked later, the fourth is.
        scene.load(
            connection,
            [
                _entry(4, "waits", "cost", amount="50"),
                _plan(5, "waits", 2),
                agent_span(1, trace=4, at=600),
            ],
        )
        _started_again(store)
        scene.settle(store, (1, 2, 3, 4))
        assert [row[-1] for row in _run_sums(connection)] == [*charged, Decimal(25)]
        assert _assets(connection)["waits"][2] == Decimal(105)
