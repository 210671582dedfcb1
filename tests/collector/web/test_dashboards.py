"""The dashboards of Grafana: as described, and every panel asks a view what it answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timezone

import pytest
from dashboards.description import SQL, Panel, text
from sqlglot import exp, parse_one
from sqlglot.optimizer.scope import build_scope
from tests.collector.settle import scene
from tests.support.dashboards import MADE, PANELS, check_nested_set, expanded, links_of

from spanledger_collector import sql
from spanledger_collector.demo.show import Shown
from spanledger_collector.query import DirectReader, Ledger, Reader
from spanledger_collector.store import Store
from spanledger_collector.web.pages import PAGES

BY_SQL = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.sql)


@pytest.fixture
def reader(shown: Store) -> Iterator[Reader]:
    reader = DirectReader(shown)
    yield reader
    reader.close()


@pytest.fixture
def demo_reader(demonstrated: tuple[Store, Shown]) -> Iterator[Reader]:
    reader = DirectReader(demonstrated[0])
    yield reader
    reader.close()


@pytest.fixture
def empty_reader(module_store: Store) -> Iterator[Reader]:
    reader = DirectReader(module_store)
    yield reader
    reader.close()


def test_the_committed_dashboards_are_those_described() -> None:
    """`python -m dashboards.build` writes them."""
    pytest.importorskip("grafana_foundation_sdk", reason="it needs Python 3.11")
    from dashboards.build import built

    made = dict(built())
    assert {path.name for path in MADE.glob("*")} == set(made)
    for name, told in made.items():
        assert MADE.joinpath(name).read_text() == told, f"{name} is stale: run dashboards.build"


def test_every_statement_is_used() -> None:
    """A file of ``sql/`` is a panel's, or the variable's."""
    assert {path.stem for path in SQL.glob("*.sql")} == {panel.sql for panel in PANELS} | {
        "agents",
        "versions",
    }


MARGIN = "value_usd - total_cost_usd AS margin_usd"
#: A sum leaves out groups that have no value as one of their amounts has no rate: then it has none.
VALUE = "CASE WHEN SUM(unconverted_records) > 0 THEN NULL ELSE SUM(value_usd) END AS value_usd"


@BY_SQL
def test_a_panel_asks_one_view_without_arithmetic(panel: Panel) -> None:
    """Sums, largest values and times only: what is computed is computed in the view.

    But for value and margin of a sum: values of groups cannot be summed where one is unknown, and
    margins cannot, as groups without a value have none and still cost.
    """
    tree = parse_one(expanded(panel.statement), dialect="clickhouse")
    assert isinstance(tree, exp.Select)
    scope = build_scope(tree)
    assert scope is not None
    assert not scope.subquery_scopes
    (table,) = tree.find_all(exp.Table)
    assert table.name in sql.names("views")
    computed = (exp.Binary, exp.If, exp.Case)
    for column in tree.expressions:
        if column.sql() in (MARGIN, VALUE):
            continue
        assert not list(column.find_all(*computed)), column.sql()
        assert not re.search(r"SUM\(\w*(value|margin)_usd\)", column.sql())
        for function in column.find_all(exp.Func):
            name = function.sql(dialect="clickhouse").partition("(")[0].lower()
            assert name in ("sum", "max", "todatetime", "nullif"), function.sql()


#: What the demo has not: it books no asset, and pays for no GPU.
NOT_IN_THE_DEMO = ("assets", "gpu_bill_by_day", "gpu_pools")


@pytest.mark.slow
@BY_SQL
def test_a_panel_is_answered(
    panel: Panel, reader: Reader, demo_reader: Reader, empty_reader: Reader
) -> None:
    """By the embedded engine: of a ledger worth looking at, of the demo's, of an empty one."""
    statement = expanded(panel.statement)
    found = reader.sql(statement)
    assert found.num_rows > 0
    assert reader.sql(expanded(panel.statement, all_agents=True)).num_rows >= found.num_rows
    columns = found.column_names
    demo = demo_reader.sql(expanded(panel.statement, all_agents=True))
    assert demo.column_names == columns
    assert (demo.num_rows > 0) == (panel.sql not in NOT_IN_THE_DEMO)
    assert empty_reader.sql(statement).column_names == columns
    if panel.kind == "timeseries":
        assert columns[0] == "time"


@pytest.fixture
def rateless_reader(store: Store) -> Iterator[Reader]:
    """Two agents earned something on one day, the second in a currency without a rate."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.001", output="0.001")])
        for trace, (amount, currency) in enumerate([("10", "USD"), ("500", "XTS")], 1):
            who = {"agent_name": f"a{trace}", "run_id": f"r{trace}", "trace": trace}
            earned = {
                "spanledger.revenue.amount": amount,
                "spanledger.revenue.currency": currency,
            }
            told = scene.span(3, 1, "record", trace=trace, attributes=earned)
            agent, call = scene.span(1, 0, "agent", **who), scene.call(2, 1, (1000, 1000), **who)
            scene.load(connection, [agent, call, told])
    scene.settle(store, [1, 2])
    with closing(DirectReader(store)) as reader:
        yield reader


@pytest.mark.slow
def test_sums_are_those_of_the_pages(
    reader: Reader, demo_reader: Reader, rateless_reader: Reader
) -> None:
    """Cost, value and margin of all and by day, on ledgers with runs that nobody gave a value."""
    asked = {panel.sql: expanded(panel.statement, all_agents=True) for panel in PANELS}
    (total,) = rateless_reader.sql(asked["totals"]).to_pylist()
    assert (total["total_cost_usd"], total["value_usd"], total["margin_usd"]) == (4, None, None)
    for each in (reader, demo_reader, rateless_reader):
        ledger = Ledger(each)
        valueless = "SELECT count() FROM agent_unit_economics WHERE value_usd IS NULL"
        assert each.sql(valueless).column(0)[0].as_py() > 0
        (total,), (row,) = each.sql(asked["totals"]).to_pylist(), ledger.economics_by("total")
        for name in set(total) - {"attempts_of_unknown_cost"}:
            assert total[name] == getattr(row, name), name
        assert total["attempts_of_unknown_cost"] == row.unpriced_attempts
        by_day = ledger.economics_by("day")
        found = [
            (f"{datetime.fromtimestamp(day.pop('time'), timezone.utc):%Y-%m-%d}", *day.values())
            for day in each.sql(asked["economics_by_day"]).to_pylist()
        ]
        told = [(row.key, row.total_cost_usd, row.value_usd, row.margin_usd) for row in by_day]
        assert found == sorted(told, key=lambda day: day[0])


def test_paths_cost_what_the_flame_graph_of_the_pages_says(reader: Reader) -> None:
    """The view by days, summed, is the query behind the page: path by path, all at the top."""
    statement = "SELECT steps, sum(attempts) AS attempts, sum(cost_usd) AS usd FROM cost_by_path"
    found = reader.sql(f"{statement} WHERE workspace = 'default' GROUP BY steps").to_pylist()
    view = {
        tuple((step["kind"], step["name"]) for step in row["steps"]): (row["attempts"], row["usd"])
        for row in found
    }
    rows = Ledger(reader).cost_paths()
    query = {
        tuple(zip(row.kinds, row.names, strict=True)): (row.attempts, row.cost_usd) for row in rows
    }
    assert len(query) > 5
    assert view == query


def offered(reader: Reader, variable: str, agent: Sequence[str] = ()) -> dict[str, str]:
    """Name -> value of a variable; of two columns the plug-in takes the first as value."""
    statement = expanded(text(variable).partition("\n")[2], chosen={"agent": agent})
    found = reader.sql(statement)
    assert found.column_names == ["__value", "__text"]
    return {row["__text"]: row["__value"] for row in found.to_pylist()}


def test_the_variable_offers_the_agents(reader: Reader) -> None:
    """All names but the empty one."""
    assert list(offered(reader, "agents"))[1:] == ["analyst", "even", "support", "unpriced"]
    versions = offered(reader, "versions")
    assert versions
    assert "" not in versions


#: What ends a string of SQL where a quote is doubled and a backslash is not, and plain names.
NAMES = ("x\\') OR 1=1 --", "team\\billing", "it's", "plain")


@pytest.mark.slow
def test_names_stay_names(store: Store) -> None:
    """Whatever an agent or a version is called, choosing it shows it and nothing else."""
    asked = {panel.sql: panel.statement for panel in PANELS}
    with store.connect() as connection:
        for number, name in enumerate(NAMES, 1):
            who = {"agent_name": name, "agent_version": f"v{name}", "trace": number}
            agent = scene.span(1, 0, "agent", run_id="r", **who)
            scene.load(connection, [agent, scene.call(2, 1, (1, 1), run_id="r", **who)])
    scene.settle(store, range(1, len(NAMES) + 1))
    with closing(DirectReader(store)) as reader:
        agents = offered(reader, "agents")
        assert sorted(agents) == sorted(NAMES)
        for name, value in agents.items():
            versions = offered(reader, "versions", [value])
            assert list(versions) == [f"v{name}"]
            mine = {"agent": [value], "version": list(versions.values())}
            for panel in ("runs", "unit_economics", "cost_by_agent"):
                rows = reader.sql(expanded(asked[panel], chosen=mine)).to_pylist()
                assert [row["agent_name"] for row in rows] == [name], panel
            others = {**mine, "version": [value]}
            assert reader.sql(expanded(asked["runs"], chosen=others)).num_rows == 0
        for workspace in (*NAMES[:3], "default' OR '1'='1", "default%27", "default\\"):
            totals = expanded(asked["totals"], all_agents=True, chosen={"workspace": [workspace]})
            assert reader.sql(totals).to_pylist()[0]["runs"] == 0, workspace


def test_what_is_cut_says_so() -> None:
    """A table with a limit tells it, and begins with what matters most."""
    limited = 0
    for panel in PANELS:
        tree = parse_one(expanded(panel.statement), dialect="clickhouse")
        limit, order = tree.args.get("limit"), tree.args.get("order")
        if limit is None or limit.args.get("expressions"):  # LIMIT BY: test_dashboard_figures.py
            continue
        limited += 1
        assert f"at most {limit.expression}" in panel.description, panel.sql
        assert order is not None
        first = order.expressions[0]
        assert first.args["desc"], panel.sql
        by = "started_at" if panel.sql == "runs" else r"\w+_usd|energy_kwh_high"
        assert re.fullmatch(by, first.this.name), panel.sql
    assert limited == 8


def test_the_version_narrows_what_has_one() -> None:
    """Wherever the agent narrows rows that tell a version, the version does."""
    for panel in PANELS:
        view = next(parse_one(expanded(panel.statement), dialect="clickhouse").find_all(exp.Table))
        has_version = "    agent_version," in sql.read(f"views/{view.name}.sql")
        if "$agent" in panel.statement and has_version:
            assert "$version" in panel.statement, panel.sql


def test_the_flame_graph_is_a_nested_set(reader: Reader, demo_reader: Reader) -> None:
    """Else Grafana's panel throws; with credits in test_dashboard_figures.py."""
    (panel,) = [panel for panel in PANELS if panel.kind == "flamegraph"]
    for each in (reader, demo_reader):
        check_nested_set(each.sql(expanded(panel.statement, all_agents=True)).to_pylist())


@pytest.mark.parametrize("panel", [panel for panel in PANELS if panel.kind == "table"])
def test_what_a_row_names_leads_to_its_page(panel: Panel, reader: Reader) -> None:
    """In every table: a trace, an agent, a tenant, an asset; pages that are there."""
    linked = links_of(panel.title)
    columns = reader.sql(expanded(panel.statement)).column_names
    named = {"trace_id": "trace", "agent_name": "agent", "tenant": "runs", "asset_id": "asset"}
    named |= {"flame_graph": "flame"}
    for column, page in named.items():
        if column in columns:
            assert linked[column].startswith(f"${{web}}/ui/{page}?")
    assert set(named.values()) <= set(PAGES)
