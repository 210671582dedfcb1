"""Records told again: which telling counts, and of which run."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

from . import scene
from .told import agent_span, record_span


def test_the_newest_telling_of_a_record_counts_and_all_are_kept(store: Store) -> None:
    with store.connect() as connection:
        scene.load(connection, [agent_span(1, run_id="r")])
        scene.load(connection, [record_span(2, 1, record__id="sale", revenue__amount="10")])
        later = record_span(
            3, trace=2, subject__run_id="r", record__id="sale", revenue__amount="6.5"
        )
        later["received_at"] = scene.moment(scene.START.replace(day=20))
        scene.load(connection, [later])
        scene.settle(store)
        (run,) = scene.runs(connection).values()
        kept = connection.rows("SELECT amount FROM records FINAL ORDER BY amount")
        (told,) = connection.rows("SELECT tellings FROM run_records FINAL")
    assert run["revenue_usd"] == Decimal("6.5")
    assert [row["amount"] for row in kept] == [Decimal("6.5"), Decimal(10)]
    assert told["tellings"] == 2


@pytest.mark.slow
def test_a_telling_that_comes_again_undoes_no_amendment(store: Store) -> None:
    """A sender in doubt repeats the first telling after it was amended: recognised, not counted."""
    first = record_span(2, 1, record__id="sale", revenue__amount="10")
    later = record_span(3, trace=2, subject__run_id="r", record__id="sale", revenue__amount="6.5")
    with store.connect() as connection:
        for place, telling in enumerate((first, later, first), 20):
            at = scene.moment(scene.START.replace(day=place))
            scene.load(connection, [agent_span(1, run_id="r"), telling | {"received_at": at}])
            scene.settle(store)
        (run,) = scene.runs(connection).values()
        (told,) = connection.rows("SELECT tellings, received_at FROM run_records FINAL")
    assert run["revenue_usd"] == Decimal("6.5")
    assert told["tellings"] == 2
    assert str(told["received_at"]).startswith("2026-11-21")


_SAID = "2026-11-02T12:00:00.00000000{}Z"
_TELLINGS: tuple[dict[str, Any], ...] = (
    {"outcome": "failure", "record__id": "end", "record__recorded_at": _SAID.format(1)},
    {"outcome": "partial", "record__id": "end", "record__recorded_at": _SAID.format(2)},
    {"outcome": "success", "record__id": "end"},  # said when it happened: before the others
)


@pytest.mark.slow
def test_the_telling_that_was_said_last_counts_in_whatever_order_they_come(store: Store) -> None:
    """Every order of arrival, each in a trace of its own; of two said at once the later name."""
    orders = list(permutations(range(len(_TELLINGS))))
    with store.connect() as connection:
        traces = range(1, len(orders) + 1)
        scene.load(connection, [agent_span(1, trace=trace) for trace in traces])
        for turn in range(len(_TELLINGS)):
            at = scene.moment(scene.START.replace(day=20 + turn))
            rows: list[scene.Row] = []
            for trace, order in zip(traces, orders, strict=True):
                number = order[turn]
                rows.append(record_span(2 + number, 1, trace=trace, **_TELLINGS[number]))
                rows.append(
                    record_span(
                        5 + number, 1, trace=trace, record__id="sale", revenue__amount=10 + number
                    )
                )
            scene.load(connection, [row | {"received_at": at} for row in rows])
            scene.settle(store, traces)
        runs = [run for trace in traces for run in scene.runs(connection, trace).values()]
    assert [(run["outcome"], run["revenue_usd"]) for run in runs] == [
        ("partial", Decimal(12)) for _ in orders
    ]


def _of_ticket(ticket: str, number: int, minute: int, **told: Any) -> scene.Row:
    """A telling from elsewhere, said and received at this minute."""
    record = record_span(
        number, trace=900 + number, at=minute * 60, subject__external_key=ticket, **told
    )
    return record | {"received_at": scene.moment(scene.START.replace(day=20, minute=minute))}


def _ticket(trace: int, ticket: str) -> scene.Row:
    key = {"spanledger.external_key": ticket}
    return agent_span(1, trace=trace, run_id=f"of {ticket}", attributes=key)


@pytest.mark.slow
def test_a_telling_that_names_another_run_moves_the_record(store: Store) -> None:
    """From the ticket it was keyed to by mistake to the right one: it counts once, in any order.

    Each case has two tickets; only what arrives is settled. A second collector has a journal and a
    settler of its own. What was told within the runs themselves is theirs, whatever its name.
    """
    cases = ("in order", "before", "at once", "and back", "not there yet", "elsewhere", "late")
    wrong = {case: _of_ticket(f"{case} 1", n, 1, record__id=case, revenue__amount="20")
             for n, case in enumerate(cases, 10)}  # fmt: skip
    right = {case: _of_ticket(f"{case} 2", n, 2, record__id=case, revenue__amount="20")
             for n, case in enumerate(cases, 20)}  # fmt: skip
    elsewhere = {"journal_id": "of another collector"}
    spent = {"record__id": "x", "effort__minutes": "5", "effort__role": "reviewer"}
    steps: list[list[scene.Row]] = [
        [
            *(wrong[case] for case in ("in order", "and back", "not there yet", "elsewhere")),
            right["before"],
            _of_ticket("in order 1", 40, 1, **spent),
        ],
        [*(right[case] for case in ("in order", "and back", "not there yet")), wrong["before"]],
        [right["elsewhere"] | elsewhere, wrong["at once"], right["at once"]],
        [
            _of_ticket("and back 1", 41, 3, record__id="and back", revenue__amount="7"),
            _of_ticket("in order 2", 42, 2, **spent),
            wrong["late"],
            right["late"],
        ],
        [_ticket(90, "not there yet 2"), _ticket(91, "late 2"), _ticket(92, "late 1")],
    ]
    own: dict[str, Any] = {"record__id": "own", "revenue__amount": "1"}
    runs = [
        _ticket(10 * n + half, f"{case} {half}")
        for n, case in enumerate(cases[:-1], 1)
        for half in (1, 2)
        if (case, half) != ("not there yet", 2)
    ]
    with store.connect() as connection:
        scene.publish(connection, [scene.price("reviewer", "human", units={"minutes": ("1", 1)})])
        settlers = [scene.settler(store), scene.settler(store, journal_id="of another collector")]
        scene.load(connection, runs)
        scene.load(connection, [record_span(5, 1, trace=trace, **own) for trace in (11, 12)])
        for rows in [[], *steps]:
            scene.load(connection, rows)
            for one in settlers:
                one.settle_due(everything=True)
        for one in settlers:
            one.stop(drain=False)
        earned = {
            str(row["run_id"]).removeprefix("of "): (row["revenue_usd"], row["effort_cost_usd"])
            for row in connection.rows("SELECT * FROM runs FINAL")
        }
    expected = {f"{case} {half}": (Decimal(20) if half == 2 else None, None)
                for case in cases for half in (1, 2)}  # fmt: skip
    expected |= {
        "in order 1": (Decimal(1), None),
        "in order 2": (Decimal(21), Decimal(5)),
        "and back 1": (Decimal(7), None),
        "and back 2": (None, None),
    }
    assert earned == expected
    with Ledger(DirectReader(store)) as ledger:
        for ticket, counts in (("elsewhere 1", [False]), ("elsewhere 2", [True])):
            assert [one.counts for one in ledger.records(external_key=ticket)] == counts
