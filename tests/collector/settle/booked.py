"""Assets and runs as their rows come, and what was charged of the one to the other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from spanledger_collector.store import Connection, Store

from . import scene


def entered(number: int, minute: int, entry: str, **told: Any) -> scene.Row:
    """The span of one entry, received at this minute."""
    told = {"entry": entry, "id": "ft", **told}
    attributes = {
        "spanledger.asset." + name.replace("__", "."): str(value) for name, value in told.items()
    }
    row = scene.span(number, role="record", trace=10_000 + number, lasts=0, attributes=attributes)
    return row | {"received_at": clock(minute)}


def clock(minute: int) -> str:
    return scene.moment(scene.START + timedelta(minutes=minute))


def ran(
    trace: int, minute: int, agent: str = "a", tokens: int = 0, **given: Any
) -> list[scene.Row]:
    rows = [scene.span(1, 0, "agent", trace=trace, agent_name=agent, run_id=f"r{trace}", **given)]
    if tokens:
        rows.append(scene.call(2, 1, (tokens, 0), trace=trace))
    return [row | {"received_at": clock(minute)} for row in rows]


def charges_of(connection: Connection) -> list[Decimal]:
    """By run, in the order they were posted."""
    rows = connection.rows(
        "SELECT amount_usd FROM amortization_charges FINAL WHERE amount_usd > 0 "
        "ORDER BY length(run_id), run_id, units_before"
    )
    return [Decimal(str(row["amount_usd"])) for row in rows]


def postings(connection: Connection) -> list[scene.Row]:
    return connection.rows("SELECT * FROM amortization_charges FINAL ORDER BY run_id, units_before")


def books_of(connection: Connection, asset: str = "ft") -> scene.Row:
    (row,) = connection.rows(
        "SELECT * FROM amortization WHERE asset_id = {asset:String}", {"asset": asset}
    )
    return dict(row)


def settled(store: Store, connection: Connection, *batches: Iterable[scene.Row]) -> None:
    for batch in batches:
        rows = list(batch)
        scene.load(connection, rows)
        scene.settle(store, sorted({int(row["trace_id"], 16) for row in rows}))
