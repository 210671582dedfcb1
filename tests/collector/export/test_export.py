"""Exports: what comes out is what the ledger holds, exactly, whatever reads it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spanledger_collector.errors import PermanentError
from spanledger_collector.export import export, tables
from spanledger_collector.export import tables as reading
from spanledger_collector.export.cells import cells
from spanledger_collector.query import Ledger

from .conftest import FORMULA

SECOND_DAY = datetime(2026, 11, 3, tzinfo=timezone.utc)


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_grain_sums_to_the_same_ledger(ledger: Ledger, tmp_path: Path) -> None:
    """CSV and Parquet, runs, agents, days and counted attempts: one sum, to the last decimal."""
    total = sum((run.cost_usd or Decimal(0) for run in ledger.runs()), Decimal(0))
    assert total > 15
    for grain in ("run", "agent", "day", "attempt"):
        as_csv, as_parquet = tmp_path / f"{grain}.csv", tmp_path / f"{grain}.parquet"
        told = export(ledger, as_csv, "csv", grain=grain)
        assert told.unknown_cost_attempts == 1
        assert export(ledger, as_parquet, "parquet", grain=grain) == told
        rows = [row for row in lines(as_csv) if row.get("counted", "true") == "true"]
        assert sum(Decimal(row["cost_usd"] or 0) for row in rows) == total, grain
        table = pq.read_table(as_parquet)
        assert table.num_rows == told.rows == len(lines(as_csv))
        assert str(table.schema.field("cost_usd").type) == "decimal128(38, 12)"


def test_csv_is_for_people_and_spreadsheets(ledger: Ledger, tmp_path: Path) -> None:
    """No formula, no exponent, NULL is nothing, times are UTC, maps are JSON."""
    export(ledger, tmp_path / "attempts.csv", grain="attempt")
    rows = lines(tmp_path / "attempts.csv")
    assert {row["agent_name"] for row in rows} == {f"'{FORMULA}", "b"}
    [unknown] = [row for row in rows if row["price_status"] == "unpriced"]
    assert unknown["cost_usd"] == ""
    [tool] = [row for row in rows if row["operation"] == "execute_tool"]
    assert json.loads(tool["units"]) == {"calls": "1.000000"}
    assert rows[0]["started_at"] == "2026-11-02T10:00:02Z"
    [credit] = [row for row in rows if row["cost_usd"].startswith("-")]
    assert credit["cost_usd"] == "-0.050000000000"


def test_cells_are_exact_and_begin_no_formula() -> None:
    """Each kind of value; also text that is no UTF-8, and a column of nothing."""
    moments = [1_795_500_000_000_000_000, 1_795_500_000_120_000_000, 1_795_500_000_000_000_007]
    cases: list[tuple[list[Any], pa.DataType, list[str | None]]] = [
        (["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1"], pa.string(),
         ["'=1", "'+1", "'-1", "'@x", "'\t=1", "'\r=1", "'\n=1", "' =1"]),
        (["x=1", "", None], pa.string(), ["x=1", "", None]),
        ([Decimal("-1E-12"), Decimal(0), None], pa.decimal128(38, 12),
         ["-0.000000000001", "0.000000000000", None]),
        (moments, pa.timestamp("ns", tz="UTC"),
         ["2026-11-24T06:00:00Z", "2026-11-24T06:00:00.12Z", "2026-11-24T06:00:00.000000007Z"]),
        ([True, None], pa.bool_(), ["true", None]),
        ([["a", "=b"]], pa.list_(pa.string()), ['["a", "=b"]']),
        ([[("é", Decimal("1.5"))], []], pa.map_(pa.string(), pa.decimal128(38, 6)),
         ['{"é": "1.500000"}', "{}"]),
        ([None, None], pa.string(), [None, None]),
    ]  # fmt: skip
    for values, kind, expected in cases:
        assert cells(pa.array(values, kind)) == expected
    broken: Any = pa.array([b"=\xff", b"ok"], pa.binary()).view(pa.string())
    assert cells(broken) == ["'=\ufffd", "ok"]


def test_a_stream_gets_the_bytes_of_the_file(ledger: Ledger, tmp_path: Path) -> None:
    """And stays open; a stream of text is none."""
    for format_, name in (("csv", "runs.csv"), ("parquet", "runs.parquet"), ("focus", "f.csv")):
        stream = io.BytesIO()
        told = export(ledger, stream, format_)  # pyright: ignore[reportArgumentType] -- a literal in a loop
        assert export(ledger, tmp_path / name, format_) == told  # pyright: ignore[reportArgumentType] -- same
        assert stream.getvalue() == (tmp_path / name).read_bytes(), format_
    with pytest.raises(PermanentError, match=r"path .* cannot be used; give a path, or a stream"):
        export(ledger, io.StringIO())  # pyright: ignore[reportArgumentType] -- wrong on purpose


def test_a_period_ends_before_its_end(ledger: Ledger, tmp_path: Path) -> None:
    before = export(ledger, tmp_path / "before.csv", until=SECOND_DAY)
    after = export(ledger, tmp_path / "after.csv", since=SECOND_DAY)
    assert (before.rows, after.rows) == (1, 1)
    assert lines(tmp_path / "after.csv")[0]["agent_name"] == "b"
    midday = datetime(2026, 11, 2, 10, 0, 3, tzinfo=timezone.utc)
    cut = export(ledger, tmp_path / "cut.csv", grain="attempt", since=midday, until=SECOND_DAY)
    everything = export(ledger, tmp_path / "all.csv", grain="attempt", until=SECOND_DAY)
    # The call of second 2 and its first telling are before.
    assert cut.rows == everything.rows - 1


def test_nothing_to_export_is_a_file_with_its_columns(ledger: Ledger, tmp_path: Path) -> None:
    late = datetime(2030, 1, 1, tzinfo=timezone.utc)
    for format_, name in (("csv", "none.csv"), ("parquet", "none.parquet"), ("focus", "f.csv")):
        assert export(ledger, tmp_path / name, format_, since=late).rows == 0  # pyright: ignore[reportArgumentType] -- a literal in a loop
    assert "run_id" in (tmp_path / "none.csv").read_text()
    assert "run_id" in pq.read_schema(tmp_path / "none.parquet").names


def test_pieces_are_bounded_and_lose_nothing(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for one record a piece: as many pieces as ten minutes that hold something."""
    export(ledger, tmp_path / "whole.csv", grain="attempt")
    monkeypatch.setattr(reading_module(), "PIECE_RECORDS", 1)
    seen: list[tuple[int, int]] = []
    export(
        ledger, tmp_path / "pieces.csv", grain="attempt",
        on_piece=lambda done, pieces: seen.append((done, pieces)),
    )  # fmt: skip
    assert seen == [(1, 2), (2, 2)]
    assert (tmp_path / "pieces.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def reading_module() -> Any:
    import importlib

    return importlib.import_module(reading.__module__)


def test_a_file_appears_whole_or_not_at_all(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("what was there before")

    def broken(self: object) -> Iterator[Any]:
        yield ledger.arrow("export_runs")
        raise PermanentError("the ledger went away")

    monkeypatch.setattr(reading_module().Tables, "__iter__", broken)
    with pytest.raises(PermanentError, match="went away"):
        export(ledger, path)
    assert path.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_exported_is_told(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="no grain 'agent' of FOCUS"):
        export(ledger, tmp_path / "a.csv", "focus", grain="agent")
    with pytest.raises(PermanentError, match="grain 'week' is none of run, agent"):
        tables(ledger, "week")  # pyright: ignore[reportArgumentType] -- wrong on purpose
    with pytest.raises(PermanentError, match="format 'xls' is none of csv, parquet"):
        export(ledger, tmp_path / "a.xls", "xls")  # pyright: ignore[reportArgumentType] -- same
    with pytest.raises(PermanentError, match="cannot be written: No such file"):
        export(ledger, tmp_path / "missing" / "a.csv")
