"""Reading a range reads its months: superseded rows are in the partition of the newer ones."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from spanledger_collector import sql
from spanledger_collector.query import named
from spanledger_collector.store import Connection, Store

from . import scene

_OCTOBER = datetime(2026, 10, 1, tzinfo=timezone.utc)
_NOVEMBER = datetime(2026, 11, 1, tzinfo=timezone.utc)
_TWO_DAYS = -2 * 86_400
#: How FINAL may read: the ledger is the same either way.
_READINGS = ("0", "1")


def _months(connection: Connection, table: str) -> list[tuple[int, Decimal | None]]:
    """Month and cost of each row, the same however partitions are merged."""
    counted = "counted" if table == "attempts" else "1"
    answers = [
        connection.rows(
            f"SELECT toYYYYMM(started_at) AS month, cost_usd FROM {table} FINAL WHERE {counted} "
            f"ORDER BY month SETTINGS do_not_merge_across_partitions_select_final = {reading}"
        )
        for reading in _READINGS
    ]
    assert answers[0] == answers[1]
    return [(int(str(row["month"])), row["cost_usd"]) for row in answers[0]]  # type: ignore[misc]


@pytest.mark.slow
def test_a_run_that_began_in_another_month_is_there_once(store: Store) -> None:
    """A late span lets the run begin before the end of October: no copy stays in November."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(connection, [scene.call(1, 0, (3, 0))])
        scene.settle(store)
        assert _months(connection, "runs") == [(202611, Decimal("0.03"))]
        scene.load(connection, [scene.call(2, 0, (4, 0), at=_TWO_DAYS)])
        scene.settle(store)
        assert _months(connection, "runs") == [(202610, Decimal("0.07"))]
        before = connection.rows(
            "SELECT sum(cost_usd) AS usd FROM agent_unit_economics WHERE day < '2026-11-01'"
        )
        after = connection.rows(
            "SELECT count() AS n FROM agent_unit_economics WHERE day >= '2026-11-01'"
        )
    assert (before[0]["usd"], after[0]["n"]) == (Decimal("0.07"), 0)


@pytest.mark.slow
def test_an_attempt_whose_earlier_copy_is_of_another_month_is_there_once(store: Store) -> None:
    """The copy that was received first counts, also when it is loaded last."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(connection, [scene.call(1, 0, (3, 0))], sequence=9_000_002)
        scene.settle(store)
        assert _months(connection, "attempts") == [(202611, Decimal("0.03"))]
        scene.load(connection, [scene.call(1, 0, (5, 0), at=_TWO_DAYS)], sequence=9_000_001)
        scene.settle(store)
        assert _months(connection, "attempts") == [(202610, Decimal("0.05"))]
        assert _months(connection, "runs") == [(202610, Decimal("0.05"))]


def _fill(connection: Connection) -> None:
    for table, columns, values in (
        ("attempts", "span_id, attempt_number, counted, operation", "'s', 1, true, 'chat'"),
        ("runs", "run_id", "'r'"),
    ):
        for month in (8, 9, 10, 11):
            noon = f"toDateTime64('2026-{month:02d}-15 12:00:00', 9, 'UTC')"
            connection.execute(
                f"INSERT INTO {table} (workspace, trace_id, started_at, {columns}) "
                f"SELECT 'default', toString(number), {noon}, {values} "
                f"FROM numbers(10)"
            )


@pytest.fixture(scope="module", name="months")
def _ledger_of_four_months(module_store: Store) -> Store:
    with module_store.connect() as connection:
        _fill(connection)
    return module_store


def _parts_read(
    connection: Connection, table: str, text: str, given: dict[str, object]
) -> list[tuple[int, int]]:
    """(parts read, parts there are) of every read of that table."""
    bare = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    plan = connection.rows(f"EXPLAIN indexes = 1 {bare}", given)
    lines = "\n".join(str(next(iter(line.values()))) for line in plan)
    reads = lines.split("ReadFromMergeTree")[1:]
    found: list[tuple[int, int]] = []
    for read in reads:
        if re.match(rf" \(\w+\.{table}\)", read):
            steps = [(int(a), int(b)) for a, b in re.findall(r"Parts: (\d+)/(\d+)", read)]
            found.append((steps[-1][0], steps[0][1]))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "table"),
    [
        ("models", "attempts"),
        ("coverage", "attempts"),
        ("charges_by_day", "attempts"),
        ("reprice", "attempts"),
        ("agents", "runs"),
        ("runs", "runs"),
    ],
)
def test_a_query_of_one_month_reads_no_other(months: Store, query: str, table: str) -> None:
    period = {"since": _OCTOBER, "until": _NOVEMBER}
    given = named(query).bind(period)
    with months.connect() as connection:
        read = _parts_read(connection, table, sql.read(f"queries/{query}.sql"), given)
    assert set(read) == {(1, 4)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("view", "table"),
    [
        ("agent_unit_economics", "runs"),
        ("run_economics", "runs"),
        ("model_cost", "attempts"),
        ("coverage", "attempts"),
        ("rework", "attempts"),
        ("charges", "attempts"),
        ("cost_as_billed", "attempts"),
        ("cost_as_known_now", "attempts"),
    ],
)
def test_a_view_of_one_month_reads_no_other(months: Store, view: str, table: str) -> None:
    day = "toDate(started_at)" if view == "run_economics" else "day"
    text = f"SELECT * FROM {view} WHERE {day} >= '2026-10-01' AND {day} < '2026-11-01'"
    with months.connect() as connection:
        assert _parts_read(connection, table, text, {}) == [(1, 4)]
