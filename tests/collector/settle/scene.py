"""Builds ledgers for the settle tests: spans and prices as rows, and reads of what came out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

from spanledger_collector.settle import Settler
from spanledger_collector.store import Connection, Store

START = datetime(2026, 11, 2, 10, 0, 0, tzinfo=timezone.utc)
JOURNAL = "journal-of-the-test"
_SEQUENCES = count(1)
CENT = Decimal("0.01")
Row = dict[str, Any]


def hex16(number: int) -> str:
    """A span id."""
    return f"{number:016x}"


def hex32(number: int) -> str:
    """A trace id."""
    return f"{number:032x}"


def moment(at: datetime) -> str:
    """A time as ClickHouse reads it in JSON."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")


def span(span_id: int, parent: int = 0, role: str = "other", **given: Any) -> Row:
    """One row of ``spans``; ids are small numbers, ``at`` and ``lasts`` are seconds after START.

    Everything not given is empty; a call has usage from the provider unless told otherwise.
    """
    at = START + timedelta(seconds=given.pop("at", span_id))
    lasts = timedelta(seconds=given.pop("lasts", 1))
    row: Row = {
        "workspace": "default",
        "trace_id": hex32(given.pop("trace", 1)),
        "span_id": hex16(span_id),
        "parent_span_id": hex16(parent) if parent else "",
        "name": f"{role} {span_id}",
        "role": role,
        "started_at": moment(at),
        "ended_at": moment(at + lasts),
        "duration_ns": int(lasts.total_seconds() * 1e9),
        "status": "unset",
        "dialect": "spanledger",
        "scope_name": "spanledger",
        "service_name": "app",
        "attempt_number": 1,
        "received_at": moment(at + timedelta(minutes=1)),
        "journal_id": JOURNAL,
    }
    if role == "call":
        row |= {"provider": "acme", "request_model": "m1", "usage_source": "provider"}
        row["operation"] = "chat"
    for name in ("retry_of", "rework_of"):
        if isinstance(given.get(name), int):
            given[name] = hex16(given[name])
    return row | given


def call(span_id: int, parent: int = 0, tokens: tuple[int, int] = (0, 0), **given: Any) -> Row:
    """A model call with (uncached input, output) tokens."""
    usage = {"input_uncached_tokens": tokens[0], "output_tokens": tokens[1]}
    return span(span_id, parent, "call", **(usage | given))


def load(connection: Connection, spans: Iterable[Row], *, sequence: int | None = None) -> None:
    """Insert spans as one journal record."""
    number = next(_SEQUENCES) if sequence is None else sequence
    lines = [json.dumps({"sequence": number, **row}) for row in spans]
    connection.insert_bytes("spans", "\n".join(lines).encode(), "JSONEachRow")


def price(model: str = "m1", provider: str = "acme", **given: Any) -> Row:
    """One row of ``prices``; rates as text, USD per token, left out = the book has none.

    ``units`` are (USD, for how many) by unit.
    """
    row: Row = {
        "provider": provider,
        "model": model,
        "service_tier": "",
        "context_over_tokens": 0,
        "valid_from": "2020-01-01 00:00:00.000",
        "valid_to": "2299-12-31 00:00:00.000",
        "known_from": "2020-01-01 00:00:00.000",
        "currency": "USD",
        "book_id": "book",
    }
    rates = {"input": "input_usd_per_token", "output": "output_usd_per_token"}
    for short, column in rates.items():
        if short in given:
            given[column] = given.pop(short)
    row |= given
    row["unit_rates"] = {
        unit: {"usd": usd, "per": per} for unit, (usd, per) in row.pop("units", {}).items()
    }
    return {"price_id": "|".join(str(value) for value in row.values()), **row}


def publish(connection: Connection, prices: Iterable[Row]) -> None:
    """Insert price rows."""
    lines = "\n".join(json.dumps(row) for row in prices)
    connection.insert_bytes("prices", lines.encode(), "JSONEachRow")


def resolve(provider: str, model: str) -> SimpleNamespace:
    """A price book that knows every model but those called unknown-something."""
    known = provider != "" and not model.startswith("unknown")
    return SimpleNamespace(
        provider=provider if known else "",
        model=model if known else "",
        method="exact" if known else "none",
    )


def settler(store: Store, **given: Any) -> Settler:
    """A settler of the test's journal."""
    options: dict[str, Any] = {"journal_id": JOURNAL, "resolve": resolve, "book_id": "book"}
    return Settler(store, **(options | given))


def settle(store: Store, traces: Sequence[int] = (1,), workspace: str = "default") -> int:
    """Settle these traces now."""
    one = settler(store)
    try:
        return one.settle_traces([(workspace, hex32(number)) for number in traces])
    finally:
        one.stop(drain=False)


def attempts(connection: Connection, trace: int = 1) -> list[Row]:
    """Rows of ``attempts`` of one trace without its version."""
    return cast(
        "list[Row]",
        connection.rows(
            "SELECT * EXCEPT (version, is_deleted) FROM attempts FINAL "
            "WHERE trace_id = {trace:String} ORDER BY span_id, attempt_number, operation",
            {"trace": hex32(trace)},
        ),
    )


def attempt(connection: Connection, span_id: int, number: int = 1, trace: int = 1) -> Row:
    """One attempt."""
    (row,) = [
        row
        for row in attempts(connection, trace)
        if row["span_id"] == hex16(span_id) and row["attempt_number"] == number
    ]
    return row


def runs(connection: Connection, trace: int = 1) -> dict[str, Row]:
    """Rows of ``runs`` of one trace by run id, without version."""
    rows = connection.rows(
        "SELECT * EXCEPT (version, is_deleted) FROM runs FINAL "
        "WHERE trace_id = {trace:String} ORDER BY run_id",
        {"trace": hex32(trace)},
    )
    return {str(row["run_id"]): cast("Row", row) for row in rows}


def placed(connection: Connection, trace: int = 1) -> dict[str, Row]:
    """Rows of ``span_runs`` of one trace by span id."""
    rows = connection.rows(
        "SELECT * EXCEPT version FROM span_runs FINAL WHERE trace_id = {trace:String}",
        {"trace": hex32(trace)},
    )
    return {str(row["span_id"]): cast("Row", row) for row in rows}


def cost(connection: Connection, table: str, where: str = "1") -> Decimal | None:
    """Sum of ``cost_usd`` over counted attempts or over runs."""
    counted = "counted AND " if table == "attempts" else ""
    rows = connection.rows(f"SELECT sum(cost_usd) AS usd FROM {table} FINAL WHERE {counted}{where}")
    return cast("Decimal | None", rows[0]["usd"])


def priced(
    connection: Connection, store: Store, calls: list[Row], prices: list[Row]
) -> dict[int, Row]:
    """Final attempts by span id."""
    publish(connection, prices)
    load(connection, calls)
    settle(store)
    return {
        int(row["span_id"], 16): row for row in attempts(connection) if row["outcome"] != "retried"
    }


def states(rows: dict[int, Row]) -> dict[int, tuple[str, list[str], Decimal | None]]:
    """Whether each is priced, which units have no rate, and the cost."""
    return {
        number: (row["price_status"], list(row["unpriced_units"]), row["cost_usd"])
        for number, row in rows.items()
    }
