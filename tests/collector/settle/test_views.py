"""Views and named queries: they agree with the ledger, and reading one trace reads little."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from spanledger_collector import sql
from spanledger_collector.store import Connection, Store

from . import scene

PERIOD = {
    "workspace": "default",
    "since": datetime(2020, 1, 1, tzinfo=timezone.utc),
    "entered_since": datetime(2020, 1, 1, tzinfo=timezone.utc),
    "until": datetime(2100, 1, 1, tzinfo=timezone.utc),
    "limit": 100,
    "agent_name": "",
    "agent_version": "",
    "tenant": "",
    "offset": 0,
    "trace_id": scene.hex32(1),
    "asset_id": "",
    "by": "total",
    "key": "",
}


def _query(connection: Connection, name: str, **given: object) -> list[dict[str, Any]]:
    text = sql.read(f"queries/{name}.sql")
    wanted = set(re.findall(r"\{(\w+):", text))
    parameters = {key: value for key, value in (PERIOD | given).items() if key in wanted}
    return connection.rows(text, parameters)


def _load(store: Store, connection: Connection) -> None:
    scene.publish(connection, [scene.price(input="0.01", output="0.02"), scene.price("m2")])
    scene.load(
        connection,
        [
            scene.span(1, 0, "agent", agent_name="a", agent_version="1", lasts=10),
            scene.call(2, 1, (3, 1), retry_reasons=["429"], retry_wait_seconds=[0.5]),
            scene.call(3, 1, (1, 1), request_model="m2", emitted_cost_usd="0.5"),
            scene.span(1, 0, "agent", trace=2, agent_name="a", agent_version="1", status="error"),
            scene.call(2, 1, (5, 0), trace=2, usage_source="estimated"),
            scene.call(1, 0, (2, 0), trace=3),
            scene.call(2, 1, (2, 0), trace=3, scope_name="other", lasts=0.5),
            scene.call(3, 0, (4, 0), trace=3, rework_of=2),
        ],
    )
    scene.settle(store, (1, 2, 3))


def test_every_sum_agrees_with_the_ledger(store: Store) -> None:
    """Attempts = runs = traces = agents = models = coverage."""
    with store.connect() as connection:
        _load(store, connection)
        total = Decimal("0.16")
        assert scene.cost(connection, "attempts") == total
        for view in (
            "run_economics",
            "trace_cost",
            "agent_unit_economics",
            "model_cost",
            "coverage",
        ):
            (row,) = connection.rows(f"SELECT sum(cost_usd) AS usd FROM {view}")
            assert row["usd"] == total, view
        for name in ("runs", "agents", "models", "coverage"):
            rows = _query(connection, name)
            assert sum(row["cost_usd"] or 0 for row in rows) == total, name


def test_agents_tell_cost_per_run_and_per_success(store: Store) -> None:
    with store.connect() as connection:
        _load(store, connection)
        agent, outside = _query(connection, "agents")
        (day_row,) = connection.rows("SELECT * FROM agent_unit_economics WHERE agent_name = 'a'")
    assert (agent["agent_name"], agent["runs"], agent["successful_runs"]) == ("a", 2, 1)
    assert (agent["failed_runs"], agent["retries"], agent["unpriced_attempts"]) == (1, 1, 1)
    assert agent["cost_usd"] == Decimal("0.1")
    assert agent["cost_per_run_usd"] == Decimal("0.05")
    assert agent["cost_per_success_usd"] == Decimal("0.1")
    assert agent["estimated_cost_usd"] == Decimal("0.05")
    assert agent["known_cost_ratio"] == 0.75
    assert (outside["agent_name"], outside["cost_usd"]) == ("", Decimal("0.06"))
    assert day_row["day"] == scene.START.date()
    for column in ("cost_per_run_usd", "cost_per_success_usd", "p50_duration_ns", "tool_calls"):
        assert day_row[column] == agent[column]


def test_models_rework_and_coverage(store: Store) -> None:
    with store.connect() as connection:
        _load(store, connection)
        models = {row["model"]: row for row in _query(connection, "models")}
        rework = {
            row["rework_reason"]: (row["attempts"], row["cost_usd"], row["wait_seconds"])
            for row in connection.rows("SELECT * FROM rework")
        }
        coverage = {
            (row["price_status"], row["usage_source"]): (row["attempts"], row["tokens"])
            for row in _query(connection, "coverage")
        }
    assert (models["m1"]["calls"], models["m1"]["attempts"]) == (4, 5)
    assert models["m1"]["rework_cost_usd"] == Decimal("0.02")
    assert (models["m2"]["cost_usd"], models["m2"]["unpriced_attempts"]) == (None, 1)
    assert models["m2"]["emitted_cost_usd"] == Decimal("0.5")
    assert rework == {
        "transport_retry": (1, Decimal(0), 0.5),
        "regenerated": (1, Decimal("0.02"), 0.0),
    }
    assert coverage == {
        ("priced", "provider"): (3, 10),
        ("priced", "estimated"): (1, 5),
        ("unpriced", "provider"): (1, 2),
        ("not_billed", "none"): (1, 0),
    }


def test_days_are_taken_whole_and_the_end_is_exclusive(store: Store) -> None:
    """Midnight ends the day before it; a moment later is another day. Coverage is exact."""
    midnight = datetime(2026, 11, 2, tzinfo=timezone.utc)
    after = midnight + timedelta(microseconds=1)
    noon = midnight + timedelta(hours=12)
    with store.connect() as connection:
        _load(store, connection)
        assert _query(connection, "models", until=midnight) == []
        assert _query(connection, "models", until=after) != []
        assert _query(connection, "models", since=noon) != []
        assert _query(connection, "models", since=midnight + timedelta(days=1)) == []
        assert _query(connection, "coverage", since=midnight, until=noon) != []
        assert _query(connection, "coverage", until=after) == []
        assert _query(connection, "coverage", since=noon) == []


def test_one_trace_tells_its_spans_attempts_and_runs(store: Store) -> None:
    with store.connect() as connection:
        _load(store, connection)
        (summary,) = _query(connection, "trace_summary")
        (run,) = _query(connection, "trace_runs")
        attempts = _query(connection, "trace_attempts")
        spans = _query(connection, "trace_spans")
        other = _query(connection, "trace_spans", trace_id=scene.hex32(3))
        assert _query(connection, "trace_summary", trace_id=scene.hex32(404)) == []
        assert _query(connection, "trace_summary", workspace="theirs") == []
    assert (summary["name"], summary["status"], summary["runs"]) == ("a", "ok", 1)
    assert (summary["cost_usd"], summary["unpriced_attempts"]) == (Decimal("0.05"), 1)
    assert (run["agent_name"], run["succeeded"], run["input_tokens"]) == ("a", 1, 4)
    assert [row["outcome"] for row in attempts] == ["retried", "ok", "ok"]
    assert "workspace" not in attempts[0]
    assert [(row["name"], row["attempts"], row["cost_usd"]) for row in spans] == [
        ("agent 1", 0, None),
        ("call 2", 2, Decimal("0.05")),
        ("call 3", 1, None),
    ]
    assert {row["run_id"] for row in spans} == {scene.hex16(1)}
    assert [(row["counted"], row["excluded_reason"]) for row in other] == [
        (False, "duplicate_nested"),
        (True, ""),
        (True, ""),
    ]


def test_runs_can_be_filtered(store: Store) -> None:
    with store.connect() as connection:
        _load(store, connection)
        newest = _query(connection, "runs", limit=1)
        named = _query(connection, "runs", agent_name="a")
        none = _query(connection, "runs", until=scene.START)
    assert len(newest) == 1
    assert len(named) == 2
    assert none == []


@pytest.mark.slow
def test_the_cost_of_one_trace_is_a_primary_key_read(store: Store) -> None:
    """Of the granules of runs and spans, reading one trace touches a few."""
    with store.connect() as connection:
        for table, columns, values in (
            (
                "runs",
                "workspace, trace_id, run_id",
                "'default', lower(hex(sipHash128(number))), 'r'",
            ),
            (
                "spans",
                "workspace, trace_id, span_id, started_at",
                "'default', lower(hex(sipHash128(number))), 's', toDateTime64(1.8e9, 9, 'UTC')",
            ),
        ):
            connection.execute(
                f"INSERT INTO {table} ({columns}) SELECT {values} FROM numbers(400000)"
            )
        (row,) = connection.rows("SELECT lower(hex(sipHash128(123))) AS id")
        for name in ("trace_summary", "trace_runs", "trace_spans"):
            text = "EXPLAIN indexes = 1 " + re.sub(
                r"^--.*\n", "", sql.read(f"queries/{name}.sql"), flags=re.MULTILINE
            )
            plan = connection.rows(text, {"workspace": "default", "trace_id": row["id"]})
            lines = " ".join(str(next(iter(line.values()))) for line in plan)
            read = [(int(a), int(b)) for a, b in re.findall(r"Granules: (\d+)/(\d+)", lines)]
            assert max(total for _, total in read) > 40, name
            table = re.split(r"ReadFromMergeTree", lines)[1:]
            for part in table:
                last = re.findall(r"Granules: (\d+)/(\d+)", part)
                assert not last or int(last[-1][0]) <= 4, (name, part)
