"""What budgets and alerts read of a ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from tests.collector.watch.given import Row, alert, budget, rules

from spanledger_collector.query import DirectReader
from spanledger_collector.store import Store
from spanledger_collector.watch import budgets_of
from spanledger_collector.watch.evaluation import Readings


@pytest.fixture(name="reader")
def _reader(filled: Store) -> Iterator[DirectReader]:
    reader = DirectReader(filled)
    yield reader
    reader.close()


@pytest.fixture(name="now")
def _now(reader: DirectReader) -> datetime:
    """Just after the last call of the ledger, in its day."""
    [row] = reader.sql("SELECT max(started_at) AS at FROM attempts").to_pylist()
    return row["at"].replace(tzinfo=timezone.utc) + timedelta(seconds=1)


class Counting:
    """A reader that tells what it was asked."""

    def __init__(self, reader: DirectReader) -> None:
        self._reader = reader
        self.asked: list[str] = []

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        self.asked.append(name)
        return self._reader.rows(name, parameters)


def sums(reader: DirectReader, column: str, now: datetime) -> dict[str, Decimal]:
    """Cost of each name in the default workspace, this month, from the table itself."""
    rows = reader.sql(
        f"SELECT {column} AS k, sum(cost_usd) AS usd FROM attempts FINAL "
        f"WHERE workspace = 'default' AND counted AND started_at >= '{now:%Y-%m}-01' GROUP BY k"
    ).to_pylist()
    return {row["k"]: row["usd"] or Decimal(0) for row in rows}


@pytest.mark.parametrize(("per", "column"), [("agent", "agent_name"), ("tenant", "tenant")])
def test_a_budget_of_each_is_what_each_spent(
    reader: DirectReader, now: datetime, per: str, column: str
) -> None:
    told = budgets_of(rules(budgets=[budget(per=per)]), reader.rows, now)
    expected = sums(reader, column, now)
    expected.pop("", None)
    assert {row.key: row.spent_usd for row in told} == expected
    assert expected
    for row in told:
        assert row.left_usd == 1 - row.spent_usd
        assert row.since <= now < row.until


def test_the_workspace_spends_all_of_it_and_another_nothing(
    reader: DirectReader, now: datetime
) -> None:
    both = [budget(limit_usd="0.000001"), budget("other", workspace="nobody", limit_usd="5")]
    mine, others = budgets_of(rules(budgets=both), reader.rows, now)
    assert mine.spent_usd == sum(sums(reader, "agent_name", now).values())
    assert (mine.state, mine.key) == ("exceeded", "")
    assert mine.unknown_attempts > 0
    assert (others.spent_usd, others.state, others.left_usd) == (0, "ok", 5)


def test_what_is_spent_is_projected_to_the_end_of_the_window(
    reader: DirectReader, now: datetime
) -> None:
    """By the part of the month that is over; a window that has just begun tells nothing."""
    [row] = budgets_of(rules(budgets=[budget()]), reader.rows, now)
    part = (now - row.since) / (row.until - row.since)
    assert row.projected_usd is not None
    assert float(row.projected_usd) == pytest.approx(float(row.spent_usd) / part)
    early = row.since + timedelta(minutes=5)
    [young] = budgets_of(rules(budgets=[budget()]), reader.rows, early)
    assert young.projected_usd is None
    [rolling] = budgets_of(rules(budgets=[budget(window="rolling")]), reader.rows, now)
    assert rolling.projected_usd == rolling.spent_usd > 0


def test_every_metric_reads_what_its_columns_say(reader: DirectReader, now: datetime) -> None:
    metrics = [
        "cost_usd", "attempts", "failed_ratio", "refused_calls", "rework_ratio", "unknown_ratio",
        "runs", "success_ratio", "value_usd", "margin_usd", "cost_per_success_usd",
    ]  # fmt: skip
    asked = rules(alerts=[alert(metric, above="0.5") for metric in metrics])
    counted = Counting(reader)
    readings = Readings(counted.rows, now)
    found = {c.metric: next(iter(readings.of(c))) for c in asked.conditions()}
    assert counted.asked == ["spent_by", "earned_by"]  # once a window, whatever is asked of it
    parameters = {"since": now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)}
    spent = next(row for row in reader.rows("spent_by", parameters) if row["per"] == "workspace")
    earned = next(row for row in reader.rows("earned_by", parameters) if row["per"] == "workspace")
    assert found["cost_usd"].value == spent["cost_usd"]
    assert found["attempts"].value == found["attempts"].count == spent["attempts"] > 0
    assert found["failed_ratio"].value == Decimal(spent["failed_attempts"]) / spent["attempts"]
    assert found["unknown_ratio"].value == Decimal(spent["unknown_attempts"]) / spent["attempts"]
    wasted = (spent["rework_cost_usd"] or 0) / spent["work_cost_usd"]
    assert float(found["rework_ratio"].value or 0) == pytest.approx(float(wasted))
    assert found["runs"].value == found["runs"].count == earned["runs"] > 0
    assert found["success_ratio"].value == Decimal(earned["successes"]) / (
        earned["successes"] + earned["failures"]
    )
    assert found["margin_usd"].value == earned["margin_usd"]
    assert found["value_usd"].value is None
    assert earned["inclusive_uncosted_runs"] > 0
    assert found["cost_per_success_usd"].bound == "at least"
    assert found["cost_usd"].bound == ""  # as budgets: by what is known
    assert found["cost_per_success_usd"].value == earned["inclusive_cost_per_success_usd"]
