"""What the panels show where a figure is below zero, unknown or a known zero."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from dashboards.description import Panel
from tests.collector.settle import scene
from tests.collector.settle.booked import entered
from tests.collector.settle.told import record_span
from tests.support.dashboards import PANELS, check_nested_set, expanded, links_of
from tests.support.ledger_pool import LedgerPool

from spanledger_collector.query import DirectReader, Ledger, Reader
from spanledger_collector.store import Store
from spanledger_collector.web.asked import Asked

#: An agent, by a name that ends strings, paths and addresses.
GAMMA = 'gamma > "é" \\/\'&at=1'
STATEMENTS = {panel.sql: panel.statement for panel in PANELS}


@pytest.fixture(scope="module")
def reader(pool: LedgerPool) -> Iterator[Reader]:
    """Alpha paid $4 and was credited $10, beta paid $9; gamma lost an attempt and paid $2."""
    with pool.ledger() as dsn, closing(Store.open(dsn)) as store:
        with store.connect() as connection:
            rates = {"input": "0.001", "output": "0.001"}
            scene.publish(connection, [scene.price(model, **rates) for model in ("m1", "m2")])
            credit = record_span(3, 1, expense__category="credit", expense__amount="-10")
            scene.load(connection, [*_run("alpha", 1, 2000), credit])
            scene.load(connection, _run("beta", 2, 4500, request_model="m2", ttft_ns=5))
            lost = {"status": "error", "error_type": "timeout", "usage_source": "missing"}
            again = scene.call(3, 1, (1000, 1000), trace=3, agent_name=GAMMA, run_id="r3")
            scene.load(connection, [*_run(GAMMA, 3, 0, **lost), again])
            scene.load(connection, [row for number in range(4) for row in _asset(number)])
        scene.settle(store, [1, 2, 3, *range(10_000, 10_008)])
        with closing(DirectReader(store)) as reader:
            yield reader


def _run(agent: str, trace: int, tokens: int, **call: Any) -> list[scene.Row]:
    who = {"agent_name": agent, "run_id": f"r{trace}", "trace": trace}
    return [scene.span(1, 0, "agent", **who), scene.call(2, 1, (tokens, tokens), **who, **call)]


def _asset(number: int) -> list[scene.Row]:
    """For all agents, for one of them, for another version of it; booked when all had run."""
    scope = [{}, {"agent__name": "beta"}, {"agent__name": "alpha"},
             {"agent__name": "beta", "agent__version": "2"}][number]  # fmt: skip
    plan = {"method": "units_of_production", "unit": "execution", "expected_units": 10}
    about = {"id": f"for {' '.join(scope.values()) or 'all'}"}
    return [
        entered(2 * number, 60, "cost", amount=100 - number, kind="training", **about),
        entered(2 * number + 1, 60, "plan", **plan, **about, **scope),
    ]


def shown(reader: Reader, panel: str) -> list[dict[str, Any]]:
    """Rows of a panel over all agents."""
    return reader.sql(expanded(STATEMENTS[panel], all_agents=True)).to_pylist()


def test_credits_take_no_width_of_the_flame_graph(reader: Reader) -> None:
    """A box is as wide as what was paid in it; the table has the cost, credits in it."""
    rows = shown(reader, "cost_flame")
    check_nested_set(rows)
    assert [(row["level"], row["label"], row["value"]) for row in rows] == [
        (0, "all", 15), (1, "alpha", 4), (2, "m1", 4), (1, "beta", 9), (2, "m2", 9),
        (1, GAMMA, 2), (2, "m1", 2),
    ]  # fmt: skip
    costs = {row["path"]: row["cost_usd"] for row in shown(reader, "cost_paths")}
    assert (costs["alpha"], costs["alpha > m1"], costs["beta"]) == (-6, 4, Decimal(9))


#: Panel -> what counts the attempts that its cost of rework does not know.
UNKNOWN_REWORK = {
    "totals": "unknown_rework_attempts",
    "runs": "unknown_rework_attempts",
    "unit_economics": "unknown_rework_attempts",
    "rework_rate": "unknown_rework_attempts",
    "quality_cost": "unknown_quality_attempts",
    "models": "unknown_rework_attempts",
}


def test_rework_of_unknown_cost_is_counted_beside_what_is_known(reader: Reader) -> None:
    """A lost attempt may have been billed: no panel may show that as nothing wasted."""
    amount = re.compile(r"\b(rework|failure)_cost_usd")
    told = {panel.sql for panel in PANELS if amount.search(panel.statement)}
    assert told == set(UNKNOWN_REWORK)
    for panel, column in UNKNOWN_REWORK.items():
        assert sum(row[column] for row in shown(reader, panel)) == 1, panel
    (gamma,) = [row for row in shown(reader, "quality_cost") if row["agent_name"] == GAMMA]
    assert (gamma["unknown_cost_attempts"], gamma["unknown_quality_attempts"]) == (1, 1)
    assert [row["unknown_cost_attempts"] for row in shown(reader, "rework_unknown")] == [1]
    assert [row["cost_usd"] for row in shown(reader, "rework_by_reason")] == [None]


def test_a_model_that_wasted_nothing_has_a_rework_of_zero(reader: Reader) -> None:
    """NULL is what nobody knows, of m1 of gamma's; a sum with alpha's zero is what is known."""
    for rows in (shown(reader, "models"), Ledger(reader).arrow("models").to_pylist()):
        told = {
            row["model"]: (row["rework_cost_usd"], row["unknown_rework_attempts"]) for row in rows
        }
        assert told == {"m1": (0, 1), "m2": (0, 0)}
        assert [row["estimated_cost_usd"] for row in rows] == [0, 0]
    gamma = {"agent": [GAMMA.encode().hex().upper()], "version": [""]}
    (row,) = reader.sql(expanded(STATEMENTS["models"], chosen=gamma)).to_pylist()
    assert (row["rework_cost_usd"], row["unknown_rework_attempts"]) == (None, 1)
    by_model = {row.key: row for row in Ledger(reader).attempts_by("model")}
    assert {key: row.rework_cost_usd for key, row in by_model.items()} == {"m1": None, "m2": 0}
    assert {row.estimated_cost_usd for row in by_model.values()} == {0}


#: Panels of what no agent has: pools of GPUs. They say so.
OF_ALL_AGENTS = {"gpu_bill_by_day", "gpu_pools"}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.sql)
def test_what_is_chosen_narrows_a_panel_or_it_says_that_it_does_not(panel: Panel) -> None:
    """One agent beside all of them reads as if it were all of that agent."""
    narrowed = [name for name in ("agent", "version") if f"${name})" in panel.statement]
    is_of_all = "of all agents" in panel.title and "of all agents" in panel.description
    assert is_of_all == (panel.sql in OF_ALL_AGENTS) == (not narrowed)
    if narrowed == ["agent"]:
        assert "all its versions" in panel.description


def test_one_agent_has_its_models_and_attempts_alone(reader: Reader) -> None:
    """Beta: one attempt of m2; and no asset of another's."""
    mine = {"agent": [b"beta".hex().upper()], "version": [""]}
    rows = {
        panel: reader.sql(expanded(STATEMENTS[panel], chosen=mine)).to_pylist()
        for panel in ("cost_by_model", "models", "coverage", "assets")
    }
    assert [(row["model"], row["cost_usd"]) for row in rows["cost_by_model"]] == [("m2", 9)]
    assert [(row["model"], row["attempts"]) for row in rows["models"]] == [("m2", 1)]
    assert [(row["price_status"], row["attempts"]) for row in rows["coverage"]] == [("priced", 1)]
    assert [row["asset_id"] for row in rows["assets"]] == ["for all", "for beta"]
    every = reader.sql(expanded(STATEMENTS["models"], all_agents=True)).num_rows
    assert every == 2


def test_a_run_that_told_no_first_token_has_no_time_to_it(reader: Reader) -> None:
    """0 stands for not told: a chart would take it for the fastest of all."""
    told = {row["agent_name"]: row["ttft_ns"] for row in shown(reader, "runs")}
    assert told.pop("beta") > 0
    assert set(told.values()) == {None}


#: Series by names of which a ledger may have any number -> what tells the largest of a day.
MANY_SERIES = {
    "cost_by_agent": "total_cost_usd", "cost_by_tenant": "total_cost_usd",
    "cost_by_version": "total_cost_usd", "cost_by_model": "cost_usd",
    "latency_by_day": "p95_duration_ns", "energy_by_day": "energy_kwh_high",
    "rework_by_reason": "cost_usd", "rework_unknown": "unknown_cost_attempts",
}  # fmt: skip
#: Few by what they are: no names.
FEW_SERIES = {"economics_by_day", "runs_by_day", "gpu_bill_by_day", "coverage"}


def test_a_chart_draws_so_many_series_and_no_more() -> None:
    """Of each day those with most; 3,000 agents are more than a browser draws."""
    charts = {panel.sql: panel for panel in PANELS if panel.kind == "timeseries"}
    assert set(charts) == set(MANY_SERIES) | FEW_SERIES
    for name, by in MANY_SERIES.items():
        assert re.search(
            rf"ORDER BY time, {by} DESC, \w+\nLIMIT 20 BY time$", charts[name].statement
        )
        assert "at most 20 a day" in charts[name].description, name


def test_the_largest_series_are_drawn(reader: Reader) -> None:
    """Dearest first; with one series a day it is beta alone."""
    statement = expanded(STATEMENTS["cost_by_agent"], all_agents=True)
    one = reader.sql(statement.replace("LIMIT 20 BY", "LIMIT 1 BY")).to_pylist()
    assert [row["agent_name"] for row in one] == ["beta"]
    assert len(reader.sql(statement).to_pylist()) == 3


def test_a_path_leads_to_its_box_of_the_flame_graph(reader: Reader) -> None:
    """The page takes kinds and names from the outermost, as JSON."""
    linked = links_of("Cost paths")["flame_graph"]
    rows = shown(reader, "cost_paths")
    assert len(rows) == len({row["flame_graph"] for row in rows})
    found = {}
    for row in rows:
        address = linked.replace("${__value.raw:percentencode}", quote(row["flame_graph"], safe=""))
        asked = dict(parse_qsl(urlsplit(address).query))
        found[row["path"]] = Asked("flame", asked, datetime.now(timezone.utc)).steps("at")
    assert found["alpha"] == (("agent", "alpha"),)
    assert found[f"{GAMMA} > m1"] == (("agent", GAMMA), ("model", "m1"))
