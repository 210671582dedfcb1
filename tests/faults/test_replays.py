"""F45: one journal, loaded into two empty ledgers: the same content of every table."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.support.posting import metrics, post
from tests.support.running import RunningCollector

from spanledger_collector.store.migrations import schema_files

_REQUESTS, _SPANS = 6, 100
_RUNS = _REQUESTS * _SPANS // 10
#: Of the moment of settling or of this start, and so different each time.
_MOMENTS = {
    "version", "posted_at", "settled_at", "applied_at", "published_at", "resolved_at",
    "waits_since",
}  # fmt: skip
#: What a settlement works with and leaves to be dropped, and the books of who settled what.
_PASSING = {
    "settling", "settling_spans", "told_twice", "settlements", "posting_turns",
    "schema_migrations", "sought_records", "record_searches", "settle_requests",
}  # fmt: skip
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)", re.MULTILINE)
_COLUMN = re.compile(r"^    `?(\w+)`? .* COMMENT '", re.MULTILINE)


def _tables() -> dict[str, list[str]]:
    """Stored tables and those of their columns that do not name a moment."""
    found: dict[str, list[str]] = {}
    for file in schema_files():
        table = _TABLE.search(file.text)
        if table and "ENGINE = Null" not in file.text and table[1] not in _PASSING:
            body = file.text[table.end() :].partition("\n)")[0]
            found[table[1]] = [one for one in _COLUMN.findall(body) if one not in _MOMENTS]
    return found


def _told(collector: RunningCollector) -> None:
    records: list[dict[str, Any]] = [
        {"kind": "asset_cost", "asset": "ft", "amount": "120"},
        {"kind": "asset_plan", "asset": "ft", "expected_executions": 50},
        {"kind": "asset_write_off", "asset": "ft", "amount": "20"},
        {"kind": "outcome", "run_id": f"{1:032x}", "outcome": "success"},
        {"kind": "revenue", "run_id": f"{2:032x}", "amount": "3.50"},
    ]
    with collector.ledger() as ledger:
        assert not ledger.add_records(records).rejected
    for number in range(_REQUESTS):
        assert post(collector.http_port, number, _SPANS)[0] == 200


def _content(data: Path) -> dict[str, list[str]]:
    """Every table of the ledger that is made of this journal, its rows as text, in order."""
    with RunningCollector(data) as collector:
        collector.wait_for("SELECT count() FROM runs FINAL WHERE kind = 'agent'", _RUNS)
        collector.wait_until(
            lambda: (
                not any(
                    metrics(collector)[name]
                    for name in (
                        "spanledger_journal_backlog_records",
                        "spanledger_settle_waiting_traces",
                    )
                )
            )
        )
        return {
            table: sorted(
                str(row)
                for row in collector.rows(f"SELECT {', '.join(columns)} FROM {table} FINAL")
            )
            for table, columns in _tables().items()
        }


@pytest.mark.slow
def test_f45_one_journal_makes_the_same_tables_twice(tmp_path: Path) -> None:
    with RunningCollector(tmp_path / "first", "--database", "http://127.0.0.1:9/nobody") as first:
        _told(first)
        first.kill()
    shutil.copytree(tmp_path / "first", tmp_path / "second", symlinks=True)
    once, twice = _content(tmp_path / "first"), _content(tmp_path / "second")
    for table, rows in once.items():
        assert twice[table] == rows, table
    assert len(once["spans"]) > _REQUESTS * _SPANS
    assert once["amortization_charges"]
    assert once["asset_takings"]
    assert once["run_records"]
