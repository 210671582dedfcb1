"""FLOPs are summed exactly, however many: of a run, a trace, an agent, and by an asset's plan."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.collector.settle import scene

from spanledger_collector.export import export
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.query.plain import plain_rows
from spanledger_collector.serve.api import _dumps
from spanledger_collector.store import Store, migrate, migrations
from spanledger_collector.store.migrations import schema_files

#: What one call may tell: near the end of 64 bits.
OF_A_CALL = 9 * 10**18
OF_A_RUN = 3 * OF_A_CALL + 1


def _entry(span_id: int, entry: str, **given: object) -> scene.Row:
    told = {"spanledger.asset.id": "ft", "spanledger.asset.entry": entry}
    told |= {f"spanledger.asset.{name}": str(value) for name, value in given.items()}
    at = scene.moment(scene.START)
    return scene.span(span_id, 0, "record", trace=9, record_kind="asset", attributes=told) | {
        "received_at": at
    }


def _run(trace: int) -> list[scene.Row]:
    rows = [scene.span(1, 0, "agent", trace=trace, agent_name="a", run_id=f"r{trace}")]
    flops = (OF_A_CALL, OF_A_CALL, OF_A_CALL, 1)
    calls = [
        scene.call(2 + place, 1, (1, 0), trace=trace, flops_total=one)
        for place, one in enumerate(flops)
    ]
    return [*rows, *calls]


def test_more_flops_than_64_bits_hold(store: Store, tmp_path: Path) -> None:
    """3 calls of 9e18 are 2.7e19 in every sum and file, and by the asset's rate."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.01")])
        plan = {"method": "units_of_production", "unit": "flop", "expected_units": 4 * OF_A_RUN}
        scene.load(connection, [_entry(1, "cost", amount=100), _entry(2, "plan", **plan)])
        scene.settle(store, [9])
        scene.load(connection, [*_run(1), *_run(2)])
        scene.settle(store, [1, 2])
        (run,) = scene.runs(connection).values()
    assert run["flops_total"] == OF_A_RUN
    # To six digits, which the rate of one FLOP has behind its 18 zeros.
    assert run["amortized_cost_usd"] == pytest.approx(Decimal(25), rel=Decimal("1e-5"))
    with Ledger(DirectReader(store)) as ledger:
        (trace,) = ledger.query("trace_summary", trace_id=scene.hex32(1))
        assert trace["flops_total"] == OF_A_RUN
        assert ledger.agent("a").total.sums.flops_total == 2 * OF_A_RUN
        assert [row.flops_total for row in ledger.runs()] == [OF_A_RUN] * 2
        table = ledger.arrow("view:run_economics")
        assert table.column("flops_total").to_pylist() == [Decimal(OF_A_RUN)] * 2
        path = tmp_path / "runs.parquet"
        export(ledger, path, "parquet")
        told = pq.read_table(path).column("flops_total").to_pylist()
        assert told == [Decimal(OF_A_RUN)] * 2
        export(ledger, tmp_path / "runs.csv", "csv")
    assert str(OF_A_RUN) in (tmp_path / "runs.csv").read_text()


def test_json_has_every_digit(store: Store) -> None:
    """Of a run, and of a run of training, which 64 bits are seldom enough for."""
    told = {
        "spanledger.training.asset": "ft",
        "spanledger.training.flops": str(10**24 + 1),
        "spanledger.training.hardware_flops": str(10**24 + 3),
    }
    with store.connect() as connection:
        scene.load(connection, [*_run(1), scene.span(8, 0, trace=3, attributes=told)])
        scene.settle(store, [1, 3])
    with Ledger(DirectReader(store)) as ledger:
        (row,) = ledger.runs()
        assert f'"flops_total":"{OF_A_RUN}"'.encode() in _dumps([row])
        for told in (
            ledger.query("view:training_runs"),
            plain_rows(ledger.arrow("view:training_runs")),
        ):
            assert f'"flops":"{10**24 + 1}"'.encode() in _dumps(told)


@pytest.mark.slow
def test_older_runs_keep_their_flops(
    unmigrated_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger of before has the column made wider with what is in it."""
    files = schema_files()
    before = [file for file in files if file.name != "0085_runs_wide_flops"]
    with unmigrated_store.connect() as connection:
        monkeypatch.setattr(migrations, "schema_files", lambda: before)
        monkeypatch.setattr(migrations, "view_files", dict)
        migrate(connection)
        largest = 2**64 - 1
        connection.insert_rows("runs", ["run_id", "flops_total"], [["r1", largest], ["r2", 5]])
        monkeypatch.undo()
        assert migrate(connection) == ["0085_runs_wide_flops"]
        rows = connection.rows("SELECT flops_total FROM run_economics ORDER BY run_id")
    assert [row["flops_total"] for row in rows] == [largest, 5]
