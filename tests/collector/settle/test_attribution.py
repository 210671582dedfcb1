"""Which run a span belongs to, in trees of any shape."""

from decimal import Decimal
from typing import Any

from spanledger_collector.store import Connection, Store

from . import scene


def _owners(rows: dict[str, scene.Row]) -> dict[int, str]:
    return {int(span_id, 16): str(row["run_id"]) for span_id, row in rows.items()}


def test_foreign_agents_are_runs_and_own_what_is_under_them(store: Store) -> None:
    """Without stamped ids: agent spans are runs, the rest goes to the nearest agent above."""
    with store.connect() as connection:
        scene.load(
            connection,
            [
                scene.span(1, 0, "agent", agent_name="outer", dialect="otel"),
                scene.call(2, 1, (1, 1)),
                scene.span(3, 1, "task"),
                scene.span(4, 3, "agent", dialect="otel"),
                scene.call(5, 4, (1, 1)),
                scene.span(6, 5),
            ],
        )
        scene.settle(store)
        outer, inner = scene.hex16(1), scene.hex16(4)
        assert _owners(scene.placed(connection)) == {
            1: outer,
            2: outer,
            3: outer,
            4: inner,
            5: inner,
            6: inner,
        }
        runs = scene.runs(connection)
    assert runs[inner]["parent_run_id"] == outer
    assert runs[inner]["agent_name"] == "agent 4"  # no name given: the span's own
    assert runs[outer]["parent_run_id"] == ""


def test_stamped_ids_win_and_reach_unstamped_spans_below(store: Store) -> None:
    """A service without the SDK, under a span that carries a run id, belongs to that run."""
    with store.connect() as connection:
        scene.load(
            connection,
            [
                scene.span(1, 0, "task", run_id="r", agent_name="remote", agent_version="7"),
                scene.span(2, 1, "agent", run_id="r", dialect="otel", agent_name="framework"),
                scene.call(3, 2, (1, 1), dialect="otel"),
            ],
        )
        scene.settle(store)
        assert set(_owners(scene.placed(connection)).values()) == {"r"}
        (run,) = scene.runs(connection).values()
    assert (run["kind"], run["agent_name"], run["agent_version"]) == ("agent", "framework", "7")


def test_broken_trees_fall_to_the_run_of_the_trace(store: Store) -> None:
    """Cycles, orphans and self-parents lose no span and do not hang."""
    with store.connect() as connection:
        scene.load(
            connection,
            [
                scene.call(1, 2, (1, 1)),
                scene.call(2, 3, (1, 1)),
                scene.call(3, 1, (1, 1)),  # 1 -> 2 -> 3 -> 1
                scene.call(4, 4, (1, 1)),  # its own parent
                scene.call(5, 99, (1, 1)),  # a parent that never came
            ],
        )
        scene.load(connection, [scene.span(1, 0, trace=2), scene.span(2, 1, trace=2)])
        scene.settle(store, (1, 2))
        assert set(_owners(scene.placed(connection)).values()) == {scene.hex32(1)}
        (run,) = scene.runs(connection).values()
        assert (run["kind"], run["calls"], run["agent_name"]) == ("trace", 5, "")
        # a trace that has nothing to do with models has no run
        assert scene.runs(connection, 2) == {}
        assert len(scene.placed(connection, 2)) == 2


def test_cycles_of_agents_end(store: Store) -> None:
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01", output="0.01")])
        scene.load(
            connection,
            [
                scene.span(1, 2, "agent"),
                scene.span(2, 1, "agent"),
                scene.call(3, 1, (1, 0)),
                scene.call(4, 2, (2, 0)),
            ],
        )
        scene.settle(store)
        runs = scene.runs(connection)
        assert scene.cost(connection, "runs") == scene.cost(connection, "attempts")
    assert runs[scene.hex16(1)]["cost_usd"] == Decimal("0.01")
    assert {run["inclusive_cost_usd"] for run in runs.values()} == {Decimal("0.03")}


def test_a_late_parent_moves_the_cost_and_buries_the_run(store: Store) -> None:
    """The agent span arrives last, as it does when it ends last: its calls move to its run."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01", output="0.01")])
        scene.load(connection, [scene.call(2, 1, (3, 4))])
        scene.settle(store)
        (before,) = scene.runs(connection).values()
        assert (before["kind"], before["cost_usd"]) == ("trace", Decimal("0.07"))
        scene.load(connection, [scene.span(1, 0, "agent", agent_name="late", at=0)])
        scene.settle(store)
        (after,) = scene.runs(connection).values()
        assert (after["run_id"], after["agent_name"]) == (scene.hex16(1), "late")
        assert after["cost_usd"] == Decimal("0.07") == scene.cost(connection, "runs")


def _by_tenant(connection: Connection, table: str) -> dict[str, object]:
    rows = connection.rows(f"SELECT tenant, sum(cost_usd) AS usd FROM {table} GROUP BY tenant")
    return {str(row["tenant"]): row["usd"] for row in rows}


def test_a_run_has_one_tenant_and_its_attempts_have_no_other(store: Store) -> None:
    """So every view says the same of a tenant; what is in no run is charged to whom it names."""
    traces: list[tuple[list[scene.Row], dict[int, str]]] = [
        # A call that names another tenant than its agent is the agent's.
        (
            [
                scene.span(1, 0, "agent", tenant="a"),
                scene.call(2, 1, (1, 1), tenant="b"),
                scene.call(3, 1, (1, 1)),
                scene.span(4, 1, "agent", tenant="c"),
                scene.call(5, 4, (1, 1), tenant="a"),
            ],
            {2: "a", 3: "a", 5: "c"},
        ),
        # A run without a tenant takes the one that its spans name, and of two none.
        (
            [
                scene.span(1, 0, "agent"),
                scene.call(2, 1, (1, 1), tenant="b"),
                scene.call(3, 1, (1, 1)),
                scene.span(4, 0, "agent"),
                scene.call(5, 4, (1, 1), tenant="a"),
                scene.call(6, 4, (1, 1), tenant="b"),
            ],
            {2: "b", 3: "b", 5: "", 6: ""},
        ),
        # A worker that serves several tenants in one trace charges each its own calls.
        (
            [
                scene.span(1, 0),
                scene.call(2, 1, (1, 1), tenant="a"),
                scene.call(3, 1, (2, 1), tenant="b"),
                scene.call(4, 1, (3, 1), tenant="b"),
                scene.call(5, 1, (4, 1)),
            ],
            {2: "a", 3: "b", 4: "b", 5: ""},
        ),
        # A tenant is inherited from the trace only if the trace has just one.
        (
            [
                scene.span(1, 0, "agent", tenant="a"),
                scene.call(2, 1, (1, 1)),
                scene.span(3, 0, "agent", tenant="b"),
                scene.call(4, 3, (1, 1)),
                scene.call(5, 0, (1, 1)),
            ],
            {2: "a", 4: "b", 5: ""},
        ),
    ]
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01", output="0.01")])
        for number, (spans, _) in enumerate(traces, 1):
            rows = [row | {"trace_id": scene.hex32(number)} for row in spans]
            scene.load(connection, rows)
        scene.settle(store, range(1, len(traces) + 1))
        total: dict[str, Decimal] = {}
        for number, (_, expected) in enumerate(traces, 1):
            attempts = scene.attempts(connection, number)
            assert {int(row["span_id"], 16): row["tenant"] for row in attempts} == expected, number
            for row in attempts:
                total[row["tenant"]] = total.get(row["tenant"], Decimal(0)) + row["cost_usd"]
        for view in ("runs FINAL", "agent_unit_economics", "quality_cost", "cost_as_billed"):
            assert _by_tenant(connection, view) == total, view


def test_the_first_copy_of_a_span_counts_and_workspaces_do_not_mix(store: Store) -> None:
    """A span sent again, even on another day, is one; the same ids elsewhere are others."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01", output="0.01")])
        scene.load(connection, [scene.call(1, 0, (1, 0))], sequence=1)
        scene.load(connection, [scene.call(1, 0, (5, 0))], sequence=2)
        scene.load(connection, [scene.call(1, 0, (9, 0), at=90_000)], sequence=3)
        scene.load(connection, [scene.call(1, 0, (2, 0), workspace="other")], sequence=4)
        scene.settle(store)
        scene.settle(store, workspace="other")
        assert scene.cost(connection, "attempts", "workspace = 'default'") == Decimal("0.01")
        assert scene.cost(connection, "attempts", "workspace = 'other'") == Decimal("0.02")
        assert scene.cost(connection, "runs") == Decimal("0.03")


def test_one_execution_told_by_two_instrumentations_is_one_run(store: Store) -> None:
    """An agent that calls itself, twice or with work between, is as many runs as executions."""

    def told(number: int, parent: int, teller: str, **given: Any) -> scene.Row:
        told: dict[str, Any] = {"agent_name": "a", "at": number, "lasts": 100 - 2 * number}
        told |= {"dialect": "otel", "scope_name": teller} | given
        return scene.span(number, parent, "agent", **told)

    traces = [
        # Told twice inside another agent, with a sub-agent of another name below.
        [told(1, 0, "x", agent_name="top"), told(2, 1, "x"), told(3, 2, "y", at=2, lasts=96),
         scene.call(4, 3, (1, 0), at=5), told(5, 3, "x", agent_name="b"),
         scene.span(6, 2, "record", attributes={"spanledger.outcome": "success"})],
        # Calls itself, told by one; told by two; with a call between; another name; another time.
        [told(1, 0, "x"), told(2, 1, "x")],
        [told(1, 0, "x"), told(2, 1, "y"), scene.call(9, 2, (1, 0), at=2), told(3, 2, "x"),
         told(4, 3, "y")],
        [told(1, 0, "x"), scene.call(2, 1, (1, 0), at=3), told(3, 1, "y")],
        [told(1, 0, "x"), told(2, 1, "y", agent_name="b")],
        [told(1, 0, "x"), told(2, 1, "y", lasts=500)],
        [told(1, 0, "x"), told(2, 1, "y", service_name="elsewhere")],
        # Ours inside another's: its id is stamped on what is below, and it is the run's.
        [told(1, 0, "x", agent_name="top"), told(2, 1, "x"),
         told(3, 2, "spanledger", run_id="ours", dialect="spanledger"),
         scene.call(4, 3, (1, 0), at=5, run_id="ours")],
        # Another's inside ours: stamped with its id it is that run, else one of its own.
        [told(1, 0, "spanledger", run_id="ours", dialect="spanledger"),
         told(2, 1, "x", run_id="ours"), scene.call(4, 2, (1, 0), at=5)],
        [told(1, 0, "spanledger", run_id="ours", dialect="spanledger"), told(2, 1, "x"),
         scene.call(4, 2, (1, 0), at=5)],
    ]  # fmt: skip
    with store.connect() as connection:
        for trace, spans in enumerate(traces, 1):
            scene.load(connection, [span | {"trace_id": scene.hex32(trace)} for span in spans])
        scene.settle(store, range(1, len(traces) + 1))
        runs = [scene.runs(connection, trace) for trace in range(1, len(traces) + 1)]
    top, once, below = (scene.hex16(number) for number in (1, 3, 5))
    assert [len(found) for found in runs] == [3, 2, 2, 2, 2, 2, 2, 2, 1, 2]
    assert {name: (run["agent_name"], run["parent_run_id"]) for name, run in runs[0].items()} == {
        top: ("top", ""), once: ("a", top), below: ("b", once),
    }  # fmt: skip
    assert (runs[0][once]["calls"], runs[0][once]["outcome"]) == (1, "success")
    assert runs[2][scene.hex16(4)]["parent_run_id"] == scene.hex16(2)
    assert (runs[7]["ours"]["parent_run_id"], runs[7]["ours"]["calls"]) == (top, 1)
    assert (runs[8]["ours"]["calls"], runs[9]["ours"]["calls"]) == (1, 0)
    assert runs[9][scene.hex16(2)]["parent_run_id"] == "ours"
