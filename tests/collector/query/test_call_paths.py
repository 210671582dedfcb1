"""Who called whom: a sub-agent's cost stands below its caller, on every path the money is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.collector.settle import scene

from spanledger_collector.query import Behind, CostPathRow, DirectReader, Ledger, Slice
from spanledger_collector.store import Store

RATE = Decimal("0.01")
Path = tuple[tuple[str, str], ...]


def _nested() -> list[scene.Row]:
    """A planner that asks a researcher by a tool; that one searches, and asks a critic itself."""
    return [
        scene.span(1, 0, "agent", agent_name="planner"),
        scene.call(2, 1, (1, 0)),
        scene.span(3, 1, "tool", tool_name="delegate"),
        scene.span(4, 3, "agent", agent_name="researcher"),
        scene.call(5, 4, (10, 0)),
        scene.span(6, 4, "tool", tool_name="search"),
        scene.call(7, 6, (100, 0), request_model="m2"),
        scene.span(8, 4, "agent", agent_name="critic"),
        scene.call(9, 8, (1000, 0)),
        # A tool of the same name as the one that called: another one.
        scene.span(10, 8, "tool", tool_name="delegate"),
        scene.call(11, 10, (10_000, 0)),
    ]


def _plain(trace: int, tenant: str, at: int) -> list[scene.Row]:
    """The researcher called by nobody, and a call outside any agent."""
    return [
        scene.span(1, 0, "agent", trace=trace, agent_name="researcher", tenant=tenant, at=at),
        scene.call(2, 1, (100_000, 0), trace=trace, at=at),
        scene.call(3, 0, (1_000_000, 0), trace=trace + 1, at=at, tenant=tenant),
    ]


def _unknown() -> list[scene.Row]:
    """Agents of two periods, (tokens, calls without a price) in each; -1 tokens = no such run."""
    periods = {
        "known": ((5, 0), (7, 0)),
        "new": ((-1, 0), (7, 0)),
        "partly-now": ((5, 0), (7, 1)),
        "partly-before": ((5, 1), (7, 0)),
        "partly-both": ((5, 1), (7, 1)),
        "unknown-now": ((5, 0), (0, 1)),
        "unknown-before": ((0, 1), (7, 0)),
        "new-and-unknown": ((-1, 0), (0, 1)),
    }
    rows: list[scene.Row] = []
    for number, (name, sides) in enumerate(periods.items()):
        for later, (tokens, without) in enumerate(sides):
            given: dict[str, Any] = {"trace": 700 + 2 * number + later, "tenant": "unknown"}
            given["at"] = 7200 * later
            if tokens >= 0:
                rows.append(scene.span(1, 0, "agent", agent_name=name, **given))
            if tokens > 0:
                rows.append(scene.call(2, 1, (tokens, 0), **given))
            if without:
                rows.append(scene.call(3, 1, (1, 0), request_model="unknown-1", **given))
    return rows


def _told_by_id() -> list[scene.Row]:
    """A helper whose caller is named, not around it; and two runs that name each other."""
    who = {"agent_name": "helper", "run_id": "h", "parent_run_id": "b"}
    rows = [
        scene.span(1, 0, "agent", agent_name="boss", run_id="b"),
        scene.span(2, 1, "tool", tool_name="other"),
        scene.span(3, 0, "agent", **who),
        scene.call(4, 3, (3, 0)),
        scene.span(5, 0, "agent", agent_name="ping", run_id="p", parent_run_id="q"),
        scene.call(6, 5, (5, 0)),
        scene.span(7, 0, "agent", agent_name="pong", run_id="q", parent_run_id="p"),
        scene.call(8, 7, (7, 0)),
        scene.span(9, 7, "agent", agent_name="below"),
        scene.call(10, 9, (9, 0)),
    ]
    return [row | {"trace_id": scene.hex32(20), "tenant": "ids"} for row in rows]


def _deep(depth: int) -> list[scene.Row]:
    """An agent that calls itself by a tool, again and again, and at last a model."""
    rows: list[scene.Row] = []
    for level in range(depth):
        tool, agent = 2 * level, 2 * level + 1
        if level:
            rows.append(scene.span(tool, tool - 1, "tool", tool_name="again"))
        rows.append(scene.span(agent, tool if level else 0, "agent", agent_name=f"a{level}"))
        rows.append(scene.call(1000 + level, agent, (1, 0)))
    return [row | {"trace_id": scene.hex32(30), "tenant": "deep"} for row in rows]


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    hour = int(timedelta(hours=1).total_seconds())
    nested = [row | {"tenant": "nested"} for row in _nested()]
    rows = [
        *nested, *_plain(2, "nested", 0), *_plain(4, "nested", 2 * hour), *_told_by_id(),
        *_deep(100), *_unknown(),
    ]  # fmt: skip
    with module_store.connect() as connection:
        prices = [scene.price(model, input=str(RATE)) for model in ("m1", "m2")]
        scene.publish(connection, prices)
        scene.load(connection, rows)
    scene.settle(module_store, [1, 2, 3, 4, 5, 20, 30, *range(700, 716)])
    with Ledger(DirectReader(module_store)) as found:
        yield found


def by_path(rows: Sequence[CostPathRow]) -> dict[Path, CostPathRow]:
    """Rows by the kinds and names of their steps."""
    return {tuple(zip(row.kinds, row.names, strict=True)): row for row in rows}


def check_conservation(rows: Sequence[CostPathRow]) -> None:
    """A path is the sum of those one step longer; those with none are the whole."""
    told = by_path(rows)
    below: dict[Path, Decimal] = {}
    for path, row in told.items():
        if path:
            below[path[:-1]] = below.get(path[:-1], Decimal(0)) + (row.cost_usd or 0)
    assert below
    assert {path: told[path].cost_usd or 0 for path in below} == below
    leaves = sum((row.cost_usd or Decimal(0) for path, row in told.items() if path not in below))
    assert leaves == told[()].cost_usd


PLANNER = ("agent", "planner")
DELEGATE = ("tool", "delegate")
RESEARCHER = ("agent", "researcher")
CRITIC = ("agent", "critic")


def test_a_sub_agent_stands_below_its_caller(ledger: Ledger) -> None:
    """Agent, the tool it called by, sub-agent, its tool, the model; with the cost of all below."""
    rows = ledger.cost_paths(Slice(tenant="nested", until=scene.START + timedelta(hours=1)))
    tokens = {path: int((row.cost_usd or 0) / RATE) for path, row in by_path(rows).items()}
    called = (PLANNER, DELEGATE, RESEARCHER)
    assert tokens == {
        (): 1_111_111,
        (("agent", ""),): 1_000_000,
        (("agent", ""), ("model", "m1")): 1_000_000,
        (RESEARCHER,): 100_000,
        (RESEARCHER, ("model", "m1")): 100_000,
        (PLANNER,): 11_111,
        (PLANNER, ("model", "m1")): 1,
        called[:2]: 11_110,
        called: 11_110,
        (*called, ("model", "m1")): 10,
        (*called, ("tool", "search")): 100,
        (*called, ("tool", "search"), ("model", "m2")): 100,
        (*called, CRITIC): 11_000,
        (*called, CRITIC, ("model", "m1")): 1000,
        (*called, CRITIC, DELEGATE): 10_000,
        (*called, CRITIC, DELEGATE, ("model", "m1")): 10_000,
    }
    assert [row.depth for row in rows] == sorted(row.depth for row in rows)
    check_conservation(rows)


def test_all_paths_are_the_money_of_the_period(ledger: Ledger) -> None:
    """Whatever calls whatever: the whole is what the attempts sum to."""
    rows = ledger.cost_paths()
    check_conservation(rows)
    (total,) = ledger.attempts_by("total")
    assert rows[0].cost_usd == total.cost_usd
    assert rows[0].attempts == total.attempts


def test_two_periods_of_nested_agents(ledger: Ledger) -> None:
    """Paths of the earlier period stand beside those of the later one, and are held against it."""
    split = scene.START + timedelta(hours=1)
    part = Slice(tenant="nested", since=split)
    rows = ledger.cost_paths(part, before=(scene.START - timedelta(hours=1), split))
    told = by_path(rows)
    gone = told[PLANNER, DELEGATE, RESEARCHER, CRITIC]
    assert (gone.cost_usd, gone.attempts) == (None, 0)
    assert gone.change_usd == -(gone.before_cost_usd or 0) == -11_000 * RATE
    assert told[RESEARCHER,].change_usd == 0
    assert (gone.before_attempts, gone.before_unpriced_attempts) == (2, 0)
    check_conservation(rows)


def test_a_caller_may_be_named_instead_of_around(ledger: Ledger) -> None:
    """By its run id; a tool elsewhere in its run did not call."""
    told = by_path(ledger.cost_paths(Slice(tenant="ids")))
    assert told[("agent", "boss"),].cost_usd == 3 * RATE
    assert told[("agent", "boss"), ("agent", "helper")].cost_usd == 3 * RATE


def test_runs_that_call_each_other_in_a_circle(ledger: Ledger) -> None:
    """They begin paths of their own, and nothing is lost."""
    rows = ledger.cost_paths(Slice(tenant="ids"))
    told = by_path(rows)
    assert told[("agent", "ping"),].cost_usd == 5 * RATE
    assert told[("agent", "pong"),].cost_usd == 7 * RATE
    assert told[("agent", "below"),].cost_usd == 9 * RATE
    check_conservation(rows)


def test_a_path_has_an_end(ledger: Ledger) -> None:
    """Of callers of callers the outermost 32 stand; what is deeper hangs below the last."""
    rows = ledger.cost_paths(Slice(tenant="deep"))
    assert max(row.depth for row in rows) == 2 * 32 + 2
    assert rows[0].cost_usd == 100 * RATE
    check_conservation(rows)


def test_the_attempts_below_a_path_are_what_it_sums(ledger: Ledger) -> None:
    """Every step of every path, with the models of them."""
    part = Slice(tenant="nested")
    for row in ledger.cost_paths(part):
        path = tuple(zip(row.kinds, row.names, strict=True))
        (first, *_) = ledger.models_behind(Behind(part, path=path))
        assert (first.all_cost_usd, first.all_attempts) == (row.cost_usd, row.attempts), path
    models = ledger.models_behind(Behind(part))
    assert len(models) > 1
    assert ledger.models_behind(Behind(part), offset=1) == models[1:]
    for one in models:
        ids = (
            one.provider, one.request_model, one.response_model, one.priced_provider,
            one.priced_model,
        )  # fmt: skip
        (alone,) = ledger.models_behind(Behind(part, model_ids=ids))
        assert (alone.all_cost_usd, alone.all_attempts) == (one.cost_usd, one.attempts)


def test_a_change_of_unknown_costs_is_a_bound_or_unknown(ledger: Ledger) -> None:
    """Never a difference to nothing: each side known, partly known, unknown, without attempts."""
    split = scene.START + timedelta(hours=1)
    part = Slice(tenant="unknown", since=split)
    told = by_path(ledger.cost_paths(part, before=(split - timedelta(hours=2), split)))
    changes = {path[0][1]: told[path] for path in told if len(path) == 1}
    assert {name: (row.change_usd, row.change_is) for name, row in changes.items()} == {
        "known": (2 * RATE, "exact"),
        "new": (7 * RATE, "exact"),
        "partly-now": (2 * RATE, "at_least"),
        "partly-before": (2 * RATE, "at_most"),
        "partly-both": (None, ""),
        "unknown-now": (None, ""),
        "unknown-before": (None, ""),
        "new-and-unknown": (None, ""),
    }
    total = told[()]
    assert (total.change_usd, total.change_is) == (None, "")
    [row] = [
        row
        for row in ledger.query("cost_paths", tenant="unknown", since=split,
                                since_before=split - timedelta(hours=2), until_before=split)
        if row["names"] == ["unknown-before"]
    ]  # fmt: skip
    assert (row["change_usd"], row["change_is"]) == (None, "")
