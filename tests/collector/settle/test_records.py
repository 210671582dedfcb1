"""What applications say of their runs: found by run, span, trace, key; early, late, amended."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from spanledger_collector.query import DirectReader, Ledger, waiting
from spanledger_collector.store import Store

from . import scene
from .told import agent_span, record_span


def _told(run: scene.Row) -> tuple[str, Decimal | None, Decimal | None, int]:
    return (run["outcome"], run["revenue_usd"], run["outcome_value_usd"], run["records"])


def test_a_record_without_a_subject_is_of_the_run_around_it(any_store: Store) -> None:
    with any_store.connect() as connection:
        scene.load(
            connection,
            [
                agent_span(1, run_id="outer"),
                agent_span(2, 1, run_id="inner", parent_run_id="outer"),
                record_span(3, 2, outcome="success", value__amount="4.50", value__currency="USD"),
                record_span(4, 1, revenue__amount="20.000000000001", revenue__currency="USD"),
                record_span(5, 1, revenue__amount="-1", revenue__currency="USD"),
            ],
        )
        scene.settle(any_store)
        runs = scene.runs(connection)
    assert _told(runs["inner"]) == ("success", None, Decimal("4.5"), 1)
    assert _told(runs["outer"]) == ("", Decimal("19.000000000001"), None, 2)


def test_attributes_of_an_agents_own_span_are_records_too(store: Store) -> None:
    """How a program in another language tells them."""
    told = {"spanledger.outcome": "failure", "spanledger.revenue.amount": "3"}
    with store.connect() as connection:
        scene.load(connection, [agent_span(1, attributes=told)])
        scene.settle(store)
        (run,) = scene.runs(connection).values()
    assert _told(run) == ("failure", Decimal(3), None, 2)


@pytest.mark.slow
def test_a_record_names_a_run_in_another_trace_before_or_after_it_came(store: Store) -> None:
    """By run id, by external key (the topmost run that carries it) and by trace id."""
    key = {"spanledger.external_key": "ticket-77"}
    records = [
        record_span(11, trace=9, subject__run_id="inner", outcome="success"),
        record_span(12, trace=9, subject__external_key="ticket-77", revenue__amount="7"),
        record_span(13, trace=9, subject__trace_id=scene.hex32(1), revenue__amount="8"),
        record_span(14, trace=9, subject__external_key="nobody", revenue__amount="9"),
    ]
    runs = [
        agent_span(1, run_id="outer"),
        agent_span(2, 1, run_id="middle", parent_run_id="outer", attributes=key),
        agent_span(3, 2, run_id="inner", parent_run_id="middle", attributes=key),
    ]
    for batches in ((records, runs), (runs, records)):
        with store.connect() as connection:
            for table in (
                *("spans", "arrivals", "records", "record_tellings"),
                *("run_keys", "run_records", "runs"),
            ):
                connection.execute(f"TRUNCATE TABLE {table}")
            one = scene.settler(store, quiet_seconds=0)
            for batch in batches:
                scene.load(connection, batch)
                one.settle_due(everything=True)
            one.stop(drain=False)
            told = {name: _told(run) for name, run in scene.runs(connection).items()}
        assert told == {
            "outer": ("", Decimal(8), None, 1),
            "middle": ("", Decimal(7), None, 1),
            "inner": ("success", None, None, 1),
        }


def test_tenants_of_one_workspace_trust_each_other_and_workspaces_do_not(store: Store) -> None:
    """What docs/collector.md says of keys: a tenant is a label, the workspace is the wall."""
    key = {"spanledger.external_key": "ticket-77"}
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(connection, [agent_span(1, run_id="r", tenant="acme", attributes=key)])
        for workspace, revenue in (("default", "7"), ("elsewhere", "100")):
            record = record_span(
                11, trace=9, subject__external_key="ticket-77", revenue__amount=revenue
            )
            call = scene.call(2, 1, (1, 0), run_id="r")
            copy = agent_span(1, run_id="r", attributes=key) | {"agent_name": "not the first"}
            owner = {"workspace": workspace, "tenant": "beta"}
            scene.load(connection, [row | owner for row in (record, call, copy)])
        scene.settle(store, [1, 9])
        scene.settle(store, [1, 9], "elsewhere")
        rows = connection.rows("SELECT * FROM runs FINAL WHERE run_id = 'r'")
    runs = {str(row["workspace"]): row for row in rows}
    assert {name: row["revenue_usd"] for name, row in runs.items()} == {
        "default": 7, "elsewhere": 100,
    }  # fmt: skip
    mine = runs["default"]
    assert (mine["tenant"], mine["agent_name"]) == ("acme", "a")
    assert mine["cost_usd"] == Decimal("0.01")


def test_what_is_said_of_a_trace_is_said_of_its_outermost_agent(store: Store) -> None:
    """Of the one agent below a workflow; of the top run where several stand side by side, or none.

    An agent inside an agent is not outermost, also with a workflow between the two.
    """

    def of(span_id: int, parent: int = 0, *, trace: int, role: str = "agent") -> scene.Row:
        given = {"agent_name": "a"} if role == "agent" else {"workflow_name": "w"}
        name = f"{trace}.{span_id}"
        return scene.span(span_id, parent, role, trace=trace, lasts=60, run_id=name, **given) | (
            {"parent_run_id": f"{trace}.{parent}"} if parent else {}
        )

    with store.connect() as connection:
        scene.load(
            connection,
            [
                *(of(1, trace=1, role="workflow"), of(2, 1, trace=1)),
                *(of(3, 2, trace=1, role="workflow"), of(4, 3, trace=1)),
                *(of(1, trace=2, role="workflow"), of(2, 1, trace=2), of(3, 1, trace=2)),
                *(of(1, trace=3, role="workflow"), scene.call(2, 1, (1, 0), trace=3)),
            ],
        )
        records = [
            record_span(
                90 + trace, trace=9, subject__trace_id=scene.hex32(trace), outcome="success"
            )
            for trace in (1, 2, 3)
        ]
        scene.load(connection, records)
        scene.settle(store, [1, 2, 3, 9])
        told = [
            name
            for trace in (1, 2, 3)
            for name, run in scene.runs(connection, trace).items()
            if run["outcome"] == "success"
        ]
        [row] = connection.rows(
            "SELECT sum(runs) AS runs, sum(successful_runs) AS won, sum(failed_runs) AS lost "
            "FROM agent_unit_economics WHERE agent_name = ''"
        )
    with Ledger(DirectReader(store)) as ledger:
        [outside] = [agent for agent in ledger.agents() if not agent.agent_name]
    assert told == ["1.2", "2.1", "3.1"]
    # Four workflows: the two that somebody called a success are; the others are nothing.
    assert (row["runs"], row["won"], row["lost"]) == (4, 2, 0)
    assert (outside.runs, outside.successful_runs, outside.failed_runs) == (4, 2, 0)


def test_amounts_that_cannot_be_used_are_in_no_sum(store: Store) -> None:
    """No number is no amount; a currency without a rate is counted as such."""
    with store.connect() as connection:
        scene.load(
            connection,
            [
                agent_span(1),
                record_span(2, 1, revenue__amount="much"),
                record_span(3, 1, revenue__amount="5", revenue__currency="XTS"),
            ],
        )
        scene.settle(store)
        (run,) = scene.runs(connection).values()
    assert _told(run) == ("", None, None, 2)
    assert run["unconverted_records"] == 1


def test_a_judged_answer_marks_its_run(store: Store) -> None:
    with store.connect() as connection:
        scene.load(
            connection,
            [
                agent_span(1, run_id="r"),
                scene.call(2, 1, (1, 1)),
                record_span(
                    3,
                    trace=2,
                    subject__trace_id=scene.hex32(1),
                    subject__span_id=scene.hex16(2),
                    evaluation__verdict="hallucinated",
                ),
            ],
        )
        scene.settle(store)
        (run,) = scene.runs(connection).values()
        (told,) = connection.rows("SELECT run_id, subject_span_id FROM run_records FINAL")
    assert run["judged_wrong"]
    assert told == {"run_id": "r", "subject_span_id": scene.hex16(2)}


def test_a_label_says_right_or_wrong_by_one_rule(store: Store) -> None:
    """Where the judge gives no verdict; what its own words may mean stays open."""
    said = {
        ("", "Hallucinated"): "hallucinated",
        ("hallucination_check", "yes"): "hallucinated",
        ("hallucination", "fail"): "hallucinated",
        ("correctness", "yes"): "",
        ("correctness", "FAIL"): "wrong",
        ("qa", "incorrect"): "wrong",
        ("qa", "correct"): "acceptable",
        ("hallucination", "factual"): "acceptable",
        ("relevance", "not_relevant"): "",
        ("tone", ""): "",
    }
    records = [
        scene.span(number, 1, "record", attributes={
            "gen_ai.evaluation.name": name, "gen_ai.evaluation.score.label": label,
        })
        for number, (name, label) in enumerate(said, 2)
    ]  # fmt: skip
    own = record_span(99, 1, evaluation__verdict="acceptable")
    own["attributes"]["gen_ai.evaluation.score.label"] = "fail"
    with store.connect() as connection:
        scene.load(connection, [agent_span(1), *records, own])
        found = connection.rows("SELECT name, label, verdict, span_id FROM records")
    told = {(str(row["name"]), str(row["label"])): row["verdict"] for row in found if row["name"]}
    told[("", "Hallucinated")] = next(
        row["verdict"] for row in found if row["label"] == "Hallucinated"
    )
    assert told == said
    assert next(row["verdict"] for row in found if row["span_id"] == scene.hex16(99)) == (
        "acceptable"
    )


def test_a_trace_of_records_alone_is_no_run(store: Store) -> None:
    with store.connect() as connection:
        scene.load(connection, [record_span(1, outcome="success")])
        scene.settle(store)
        assert not scene.runs(connection)


def test_what_found_no_run_is_told_with_its_amounts(store: Store) -> None:
    """By kind and currency, since when; what finds its run later, or is amended to one, leaves."""
    early, late = (scene.moment(scene.START.replace(day=day)) for day in (3, 4))

    def told(trace: int, **given: Any) -> scene.Row:
        return record_span(900 + trace, trace=trace, **given)

    wrong = [
        told(11, subject__external_key="tikcet", expense__amount="50"),
        told(12, subject__external_key="tikcet", revenue__amount="70"),
        told(13, revenue__amount="9", record__id="of-nothing"),
        told(14, subject__run_id="nobody", effort__minutes="12"),
        told(15, subject__trace_id=scene.hex32(99), evaluation__verdict="wrong"),
        told(16, subject__external_key="to-come", revenue__amount="0.5"),
        told(17, record__id="moved", subject__run_id="r", revenue__amount="1", at=1),
        # A trace that is there, and a run of it that is not.
        told(18, subject__trace_id=scene.hex32(1), subject__run_id="R", revenue__amount="2",
             revenue__currency="EUR"),
    ]  # fmt: skip
    right = [
        told(21, subject__run_id="r", revenue__amount="100"),
        told(22, subject__trace_id=scene.hex32(1), expense__amount="5"),
        record_span(3, 1, outcome="success"),
    ]
    moved = told(23, record__id="moved", subject__run_id="s", revenue__amount="1", at=9)
    come = agent_span(1, trace=2, run_id="later", attributes={"spanledger.external_key": "to-come"})
    with store.connect() as connection, Ledger(DirectReader(store)) as ledger:
        one = scene.settler(store)
        first = [agent_span(1, run_id="r"), scene.call(2, 1, (1, 0)), *wrong, *right]
        scene.load(connection, [row | {"received_at": early} for row in first])
        one.settle_due(everything=True)
        before = {row.record_id: row for row in ledger.unplaced_records()}
        scene.load(connection, [row | {"received_at": late} for row in (come, moved)])
        one.settle_due(everything=True)
        after = ledger.unplaced_records()
        amounts = ledger.unplaced_amounts()
        one.stop(drain=False)
        (run,) = scene.runs(connection).values()
        none = Ledger(DirectReader(store), workspace="elsewhere").unplaced_amounts()
    assert (run["outcome"], run["expense_cost_usd"]) == ("success", Decimal(5))
    assert {row.told_in for row in before.values()} == {
        scene.hex32(trace) for trace in (11, 12, 13, 14, 15, 16, 18)
    }
    nothing = before["of-nothing"]
    assert (nothing.subject_kind, nothing.subject, nothing.amount) == ("none", "", Decimal(9))
    assert {row.told_in for row in after} == {
        scene.hex32(trace) for trace in (11, 12, 13, 14, 15, 18, 23)
    }
    moved_row = next(row for row in after if row.record_id == "moved")
    assert (moved_row.tellings, moved_row.subject) == (2, "s")
    assert [
        (a.kind, a.currency, a.records, a.of_nothing, a.amount, a.minutes) for a in amounts
    ] == [
        ("effort", "", 1, 0, None, Decimal(12)),
        ("evaluation", "", 1, 0, None, None),
        ("expense", "USD", 1, 0, Decimal(50), None),
        ("revenue", "EUR", 1, 0, Decimal(2), None),
        ("revenue", "USD", 3, 1, Decimal(80), None),
    ]
    assert {row.waits_since.day for row in amounts} == {3}
    assert waiting(amounts) == (
        "7 records of no run (effort 12 minutes, expense 50 USD, revenue 2 EUR, revenue 80 USD) "
        "are in no sum; the oldest waits since 2026-11-03 10:00 UTC."
    )
    assert (none, waiting(none)) == ([], "")
