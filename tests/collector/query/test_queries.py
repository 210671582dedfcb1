"""Every named query, found by looking: it runs, it is documented, its typed row fits."""

import dataclasses
import re
from datetime import datetime, timezone
from typing import Any

import pytest
from tests.collector.settle.scene import hex16
from tests.support.filled_ledger import TRACE, fill

from spanledger_collector import sql
from spanledger_collector.query import (
    DirectReader,
    Ledger,
    agent_report,
    asset_rows,
    breakdown_rows,
    energy_rows,
    engine_rows,
    explanation,
    frontier_rows,
    hosting,
    moments,
    named,
    operations,
    origins,
    own_gpus,
    payback,
    pool_rows,
    quality,
    query_names,
    records,
    repricing,
    rework,
    rows,
    sum_figures,
    what_if,
    window_rows,
)
from spanledger_collector.query.named import DEFAULTS
from spanledger_collector.query.parsing import parse_rows
from spanledger_collector.store import Store

WHEN = datetime(2026, 11, 2, tzinfo=timezone.utc)
#: A value for each parameter that has no default.
GIVEN: dict[str, Any] = {
    "trace_id": TRACE,
    "span_id": hex16(2),
    "provider": "acme",
    "model": "m1",
    "at": WHEN,
    "known_at": WHEN,
    "slice_seconds": 600,
}
#: The agent that queries of one agent are asked for.
AGENT = "planner"  # fmt: skip
#: Which typed row reads a query; None = it is only read as it is.
TYPES: dict[str, type | None] = {
    "agent_assets": None,
    "agent_elsewhere": agent_report.ElsewhereRow,
    "agent_mix": None,
    "agent_statistics": moments.MomentsRow,
    "agent_traces": moments.AgentTracesRow,
    "agent_versions": payback.VersionRow,
    "agents": rows.AgentRow,
    "attempts_by": breakdown_rows.AttemptsRow,
    "cost_paths": breakdown_rows.CostPathRow,
    "economics_by": breakdown_rows.EconomicsRow,
    "prices_used": breakdown_rows.PriceUsedRow,
    "asset_contributions": payback.ContributionRow,
    "asset_charges": asset_rows.AssetChargeRow,
    "asset_entries": asset_rows.AssetEntryRow,
    "asset_shares": asset_rows.AssetShareRow,
    "asset_periods": asset_rows.AssetPeriodRow,
    "asset_use": asset_rows.AssetUseRow,
    "assets": asset_rows.AssetRow,
    "value_rules": rows.ValueRuleRow,
    "charges_by_day": rows.ChargeRow,
    "coverage": rows.CoverageRow,
    "earned_by": window_rows.EarnedByRow,
    "explain_attempts": explanation.ExplainedAttemptRow,
    "explain_charges": explanation.ChargeLineRow,
    "frontier": frontier_rows.FrontierRow,
    "frontier_traces": frontier_rows.FrontierTracesRow,
    "attempts_behind": origins.AttemptBehindRow,
    "models": rows.ModelRow,
    "model_operations": operations.ModelOperationsRow,
    "models_behind": origins.ModelsBehindRow,
    "gpu_hosts": own_gpus.GpuHostRow,
    "gpu_offers": own_gpus.GpuOfferRow,
    "energy": energy_rows.EnergyRow,
    "engines": engine_rows.EngineRow,
    "engine_minutes": engine_rows.EngineMinuteRow,
    "pools": pool_rows.PoolRow,
    "export_attempts": None,
    "export_days": None,
    "export_runs": None,
    "export_slices": None,
    "focus": None,
    "is_priced": None,
    "price_of": None,
    "price_tiers": None,
    "records": rows.RecordRow,
    "unplaced_amounts": records.UnplacedAmountRow,
    "unplaced_records": records.UnplacedRecordRow,
    "reprice": repricing.RepricedRow,
    "quality_costs": quality.QualityCostRow,
    "rework_ends": what_if.ReworkEndsRow,
    "rework_rates": rework.ReworkRateRow,
    "rework_reasons": rework.ReworkReasonRow,
    "runs": rows.RunRow,
    "spending": None,
    "spent_by": window_rows.SpentByRow,
    "token_calls": hosting.TokenCallsRow,
    "trace_attempts": rows.AttemptRow,
    "trace_runs": rows.RunRow,
    "trace_spans": rows.SpanRow,
    "trace_summary": rows.TraceRow,
    "what_if": what_if.SavingRow,
    "traces_by": sum_figures.TraceMomentsRow,
    "traces_of_span": explanation.SpanPlaceRow,
}
#: What queries say of an empty ledger that always have a row.
EMPTY: dict[str, list[dict[str, Any]]] = {
    "agent_elsewhere": [{"runs": 0, "traces": 0, "cost_usd": None}],
    "is_priced": [{"prices": 0, "output_prices": 0}],
    "rework_ends": [
        {
            "cheaper_usd": 0,
            "dearer_usd": 0,
            "made_again_usd": 0,
            "not_made_again_usd": 0,
            "costed_runs": 0,
            "made_again_mean_usd": None,
            "made_again_variance": 0,
            "made_again_skewness": 0,
            "costed_traces": 0,
            "trace_made_again_variance": 0,
            "trace_made_again_skewness": 0,
        }
    ],
    "spending": [
        dict.fromkeys(
            (
                *("spent_usd", "model_usd", "tool_usd", "effort_usd", "expense_usd"),
                *("calls", "unknown_calls"),
            ),
            0,
        )
    ],
}
#: What the filled ledger has nothing of, and which test finds some.
ELSEWHERE = {
    "agent_assets": "query/test_payback.py",
    "asset_charges": "settle/test_asset_books.py",
    "asset_shares": "settle/test_asset_books.py",
    "asset_periods": "query/test_remaining_life.py",
    "asset_use": "query/test_remaining_life.py",
    "gpu_hosts": "query/test_own_gpus.py",
    "gpu_offers": "query/test_own_gpus.py",
    "unplaced_amounts": "settle/test_records.py",
    "unplaced_records": "settle/test_records.py",
}
QUERIES = query_names()


def parameters(name: str) -> dict[str, object]:
    wanted = named(name).parameters
    given: dict[str, object] = {key: value for key, value in GIVEN.items() if key in wanted}
    of_agent = name.startswith(("agent_", "what_if")) or name == "rework_ends"
    return given | {"agent_name": AGENT} if of_agent else given


def header(name: str) -> str:
    lines = sql.read(f"queries/{name}.sql").splitlines()
    body = next(place for place, line in enumerate(lines) if not line.startswith("--"))
    return "\n".join(line.removeprefix("--") for line in lines[:body])


def columns_listed(name: str) -> bool:
    """The header lists columns by name, rather than referring to a view or describing them."""
    return TYPES[name] is not None and "columns: those of" not in header(name)


def test_every_query_says_which_row_reads_it() -> None:
    """A new query fails here until the table above names its row."""
    assert set(TYPES) == set(QUERIES)


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_is_documented(name: str) -> None:
    """The header names the query, its parameters, grain and columns."""
    text = header(name)
    assert text.strip().startswith(f"{name}: ")
    for part in ("parameters:", "grain:", "columns:"):
        assert part in text
    told = text[text.index("parameters:") : text.index("grain:")]
    for parameter in named(name).parameters:
        assert re.search(rf"\b{parameter}\b", told), f"{parameter} is not documented"


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_can_be_called(name: str) -> None:
    """A parameter has a default or a value in this test, and every one is used."""
    query = named(name)
    assert set(query.parameters) <= set(DEFAULTS) | set(GIVEN)
    assert set(query.bind(parameters(name))) == set(query.parameters)


@pytest.mark.slow
def test_every_query_runs_on_an_empty_ledger(any_store: Store) -> None:
    """No rows, the columns are there, no error."""
    reader = DirectReader(any_store)
    for name in QUERIES:
        empty = EMPTY.get(name, [])
        assert reader.rows(name, parameters(name)) == empty
        table = reader.arrow(name, parameters(name))
        assert table.num_rows == len(empty)
        kind = TYPES[name]
        if kind is not None:
            wanted = {field.name for field in dataclasses.fields(kind)}
            assert wanted <= set(table.column_names), name
    reader.close()


@pytest.mark.slow
def test_every_query_finds_something(any_store: Store) -> None:
    """On a filled ledger each query answers, and the rows fit their types."""
    fill(any_store)
    reader = DirectReader(any_store)
    for name in QUERIES:
        found = reader.rows(name, parameters(name))
        assert found or name in ELSEWHERE, name
        kind = TYPES[name]
        if kind is not None:
            assert len(parse_rows(kind, found)) == len(found)
    reader.close()


@pytest.mark.parametrize("name", [name for name in QUERIES if columns_listed(name)])
def test_listed_columns_are_given(name: str, filled: Store) -> None:
    """A header that lists columns lists exactly those that the query gives."""
    told = header(name).partition("columns:")[2]
    listed = re.findall(r"\b[a-z][a-z0-9_]*\b", re.sub(r"\([^)]*\)", "", told))
    with Ledger(DirectReader(filled)) as ledger:
        assert listed == ledger.arrow(name, **parameters(name)).column_names


def test_a_workspace_sees_its_own_rows_only(filled: Store) -> None:
    """No query tells one workspace about another."""
    with Ledger(DirectReader(filled)) as ledger:
        assert TRACE in {row.trace_id for row in ledger.runs()}
    with Ledger(DirectReader(filled), workspace="other") as other:
        assert {row.trace_id[-1] for row in other.runs()} == {"4"}
        for name in QUERIES:
            if "workspace" in named(name).parameters and "trace_id" in named(name).parameters:
                assert other.query(name, trace_id=TRACE) == []
