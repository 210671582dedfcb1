"""Where the money goes, held against what was drawn, and against the sums that others tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.collector.settle.scene import START
from tests.support.writer_ledger import AMORTIZED, RUNS, Drawn

from spanledger_collector.errors import PermanentError
from spanledger_collector.query import DirectReader, Ledger, Slice
from spanledger_collector.query.breakdowns import RunsBy
from spanledger_collector.store import Store

WRITER = Slice(agent_name="writer")


@pytest.fixture(scope="module")
def ledger(written: Store) -> Iterator[Ledger]:
    with Ledger(DirectReader(written)) as ledger:
        yield ledger


def _total(runs: list[Drawn]) -> Decimal:
    return sum((run.total for run in runs), Decimal(0))


def test_the_sum_of_an_agent(ledger: Ledger) -> None:
    """Cost, amortization, value, margin and rework are those of the runs that were drawn."""
    (row,) = ledger.economics_by("total", WRITER)
    runs = list(RUNS)
    succeeded = sum(run.succeeded for run in runs)
    assert row.key == "total"
    assert (row.runs, row.successful_runs) == (len(runs), succeeded)
    assert row.cost_usd == sum(run.cost for run in runs)
    assert row.amortized_cost_usd == AMORTIZED * sum(run.version == "2" for run in runs)
    assert row.total_cost_usd == _total(runs)
    assert row.value_usd == sum(run.value for run in runs)
    assert row.margin_usd == sum(run.value - run.total for run in runs)
    assert row.rework_cost_usd == sum(run.wasted for run in runs)
    assert row.total_cost_per_success_usd is not None
    assert abs(row.total_cost_per_success_usd - _total(runs) / succeeded) <= Decimal("5e-13")
    assert row.success_ratio == succeeded / len(runs)


@pytest.mark.parametrize(("by", "of"), [("version", "version"), ("tenant", "tenant")])
def test_by_version_and_tenant(ledger: Ledger, by: str, of: str) -> None:
    """Each key has the runs that are its own; together they are all."""
    rows = ledger.economics_by(by, WRITER)  # type: ignore[arg-type]
    assert {row.key.removeprefix("writer "): row.total_cost_usd for row in rows} == {
        key: _total([run for run in RUNS if getattr(run, of) == key])
        for key in {getattr(run, of) for run in RUNS}
    }
    assert rows == sorted(rows, key=lambda row: row.total_cost_usd or 0, reverse=True)


def test_the_overview_is_four_answers_at_once(ledger: Ledger) -> None:
    """Read in one pass, they are what each question alone gives."""
    told = ledger.overview(WRITER)
    kinds: list[RunsBy] = ["total", "day", "agent", "tenant"]
    assert told == {kind: ledger.economics_by(kind, WRITER) for kind in kinds}
    beside = ledger.agents_and_versions()
    assert beside == {kind: ledger.economics_by(kind) for kind in ("agent", "version")}


def test_agents_and_days_sum_to_the_whole(ledger: Ledger) -> None:
    """What is divided is all there, whichever way."""
    (whole,) = ledger.economics_by()
    for by in ("agent", "day", "tenant", "version"):
        rows = ledger.economics_by(by)
        assert sum((row.total_cost_usd or Decimal(0) for row in rows), Decimal(0)) == (
            whole.total_cost_usd
        )
        assert sum(row.runs for row in rows) == whole.runs
    assert {row.key for row in ledger.economics_by("agent")} == {"writer", "tiny"}


@pytest.mark.parametrize("name", ["version", "tenant"])
def test_filters_leave_the_others_out(ledger: Ledger, name: str) -> None:
    """A slice of one tenant or version has its runs only, in every question."""
    version, tenant = ("2", "") if name == "version" else ("", "acme")
    mine = [run for run in RUNS if getattr(run, name) == (version or tenant)]
    part = Slice(agent_name="writer", agent_version=version, tenant=tenant)
    (row,) = ledger.economics_by("total", part)
    assert row.runs == len(mine)
    assert sum(one.attempts for one in ledger.attempts_by("model", part)) == row.attempts
    assert ledger.cost_paths(part)[0].cost_usd == row.cost_usd
    assert len(ledger.runs_of(part)) == len(mine)


def test_models_and_reasons(ledger: Ledger) -> None:
    """By model the whole variable cost; by reason of rework what was wasted."""
    models = {row.key: row for row in ledger.attempts_by("model", WRITER)}
    assert {key: row.cost_usd for key, row in models.items()} == {
        model: sum(run.cost for run in RUNS if run.model == model) for model in ("m1", "m2")
    }
    assert sum(row.cost_ratio or 0 for row in models.values()) == pytest.approx(1)
    (wasted,) = ledger.attempts_by("rework", WRITER)
    assert wasted.key == "regenerated"
    assert wasted.cost_usd == sum(run.wasted for run in RUNS)


def test_two_periods_beside_each_other(ledger: Ledger) -> None:
    """The later one less the earlier one, also where one of them has nothing."""
    split = START + timedelta(seconds=130 * 60)  # where version 2 begins
    paths = ledger.cost_paths(Slice(since=split, agent_name="writer"), before=(START, split))
    by_model = {row.names[-1]: row for row in paths if row.kinds[-1:] == ("model",)}
    old, new = by_model["m1"], by_model["m2"]
    assert (old.cost_usd, new.before_cost_usd) == (None, None)
    assert old.change_usd == -(old.before_cost_usd or 0)
    assert new.change_usd == new.cost_usd == sum(r.cost for r in RUNS if r.model == "m2")


def test_the_price_rows_that_were_used(ledger: Ledger) -> None:
    """Rates per million tokens, as the book has them."""
    rows = {row.model: row for row in ledger.prices_used(WRITER)}
    assert rows["m1"].input_per_million == 2000
    assert rows["m2"].input_per_million == 1000
    assert rows["m1"].output_per_million is None


def test_what_cannot_be_asked(ledger: Ledger) -> None:
    """An unknown kind of row is told with those there are."""
    with pytest.raises(PermanentError, match="by 'week' is none of total, day, agent"):
        ledger.economics_by("week")  # type: ignore[arg-type]
    with pytest.raises(PermanentError, match="by 'day' is none of total, model"):
        ledger.attempts_by("day")  # type: ignore[arg-type]
