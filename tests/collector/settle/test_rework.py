"""What the application asked again: the earlier call is the waste, whoever tells of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from spanledger_collector.store import Store

from . import scene

Told = dict[int, tuple[str, str, str, Decimal | None]]


def _settled(store: Store, *calls: scene.Row) -> tuple[Told, scene.Row]:
    """Span -> (why it was wasted, the span it retries, the span it answers anew, cost); the run."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01", output="0.02")])
        scene.load(connection, [scene.span(1, 0, "agent", agent_name="a", lasts=60), *calls])
        scene.settle(store)
        told = {
            int(row["span_id"], 16): (
                str(row["rework_reason"]),
                str(row["retry_of"]).lstrip("0"),
                str(row["rework_of"]).lstrip("0"),
                row["cost_usd"],
            )
            for row in scene.attempts(connection)
            if row["counted"] and row["outcome"] != "retried"
        }
        (run,) = scene.runs(connection).values()
    return told, run


def test_rework_costs_what_the_earlier_call_cost(any_store: Store) -> None:
    """A call fails, is made again, its answer is made anew twice: 0.10 and 0.04 were wasted."""
    told, run = _settled(
        any_store,
        scene.call(2, 1, (30, 0), status="error", error_type="timeout", usage_source="estimated"),
        scene.call(3, 1, (10, 0), retry_of=2),
        scene.call(4, 1, (2, 1), rework_of=3, rework_reason="regenerated"),
        scene.call(5, 1, (7, 0), rework_of=4),
        scene.call(6, 1, (1, 1)),
    )
    assert told == {
        2: ("application_retry", "", "", Decimal("0.30")),
        3: ("regenerated", "2", "", Decimal("0.10")),
        4: ("regenerated", "", "3", Decimal("0.04")),
        5: ("", "", "4", Decimal("0.07")),
        6: ("", "", "", Decimal("0.03")),
    }
    assert run["rework_cost_usd"] == Decimal("0.44")
    assert run["cost_usd"] == Decimal("0.54")
    assert run["failed_attempts"] == 1


def test_an_unbilled_failure_is_rework_that_costs_nothing(store: Store) -> None:
    told, run = _settled(
        store,
        scene.call(2, 1, status="error", error_type="503", usage_source="missing"),
        scene.call(3, 1, (10, 0), retry_of=2),
    )
    assert told[2] == ("application_retry", "", "", Decimal(0))
    assert run["rework_cost_usd"] == 0


def test_a_failure_that_nobody_repeats_is_rework_of_its_own(store: Store) -> None:
    told, _ = _settled(
        store,
        scene.call(2, 1, status="error", error_type="timeout", usage_source="missing"),
        scene.call(3, 1, (10, 0), rework_of=3),
    )
    assert told[2] == ("failed", "", "", None)
    assert told[3][0] == ""  # a call cannot make its own answer again


def test_the_mark_finds_the_teller_that_counts(store: Store) -> None:
    """Both calls are told twice; the mark is on the telling that is left out, and names another."""
    other = {"scope_name": "framework", "dialect": "otel"}
    told, run = _settled(
        store,
        scene.call(2, 1, (10, 0), response_id="x", lasts=3, **other),
        scene.call(3, 2, (10, 0), response_id="x"),
        scene.call(12, 1, (20, 0), response_id="y", lasts=3, rework_of=2, **other),
        scene.call(13, 12, (20, 0), response_id="y"),
    )
    assert told == {
        3: ("regenerated", "", "", Decimal("0.10")),
        13: ("", "", "3", Decimal("0.20")),
    }
    assert (run["rework_cost_usd"], run["calls"]) == (Decimal("0.10"), 2)


def test_the_emitters_own_word_for_the_waste_is_kept(store: Store) -> None:
    """Of several repetitions of one call; a mark of a call that is not there is kept as told."""
    told, _ = _settled(
        store,
        scene.call(2, 1, (10, 0)),
        scene.call(3, 1, (10, 0), rework_of=2, rework_reason="hallucinated"),
        scene.call(4, 1, (10, 0), rework_of=2, rework_reason="regenerated"),
        scene.call(5, 1, (10, 0), rework_of=0xABC),
    )
    assert told[2][0] == "hallucinated"
    assert told[5] == ("", "", "abc", Decimal("0.10"))
    assert [told[span][0] for span in (3, 4, 5)] == [""] * 3


def test_the_attempts_inside_a_repeated_call_stay_transport_retries(store: Store) -> None:
    """The call was answered on its third attempt, and its answer thrown away."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        tried = {"retry_reasons": ["429", "timeout"], "attempt_number": 3}
        scene.load(
            connection, [scene.call(2, 0, (3, 0), **tried), scene.call(3, 0, (3, 0), rework_of=2)]
        )
        scene.settle(store)
        rows = scene.attempts(connection)
    assert [row["rework_reason"] for row in rows] == [
        "transport_retry", "transport_retry", "regenerated", "",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_run_that_is_run_again_is_wasted_with_all_below_it(store: Store) -> None:
    """By span id or run id; a tool in it too; the later work, wherever it is, is none."""

    def agent(number: int, parent: int, at: int, lasts: int = 10, **given: Any) -> scene.Row:
        name = {"agent_name": f"a{number}", "run_id": f"r{number}"}
        return scene.span(number, parent, "agent", at=at, lasts=lasts, **(name | given))

    def call(number: int, parent: int, at: int, **given: Any) -> scene.Row:
        return scene.call(number, parent, (100, 0), at=at, **given)

    spans = [
        agent(1, 0, 0, 300),
        # Run again by its span, with a sub-agent, a failed call, a judge's call and a paid tool.
        agent(2, 1, 1, status="error", error_type="ValueError"),
        *(call(3, 2, 2), call(4, 2, 3, status="error"), call(5, 2, 4) | {
            "attributes": {"spanledger.purpose": "appraisal"}}),
        *(agent(6, 2, 5, 2), call(7, 6, 5)),
        scene.span(8, 2, "tool", at=6, tool_name="paid"),
        *(agent(9, 1, 20, retry_of=2), call(10, 9, 21)),
        # By its run, with a reason; once more, which was the last.
        *(agent(12, 1, 40, rework_of="r9", rework_reason="off_topic"), call(13, 12, 41)),
        # A task that starts its own repetition inside; one that names what goes on, or nobody.
        *(scene.span(14, 1, "task", at=60, lasts=5), call(15, 14, 61)),
        *(scene.span(16, 14, "task", at=70, lasts=5, retry_of=14), call(17, 16, 71)),
        *(scene.span(18, 1, "task", at=80, lasts=5, retry_of=1), call(19, 18, 81)),
        *(agent(20, 1, 90, retry_of="nobody"), call(21, 20, 91)),
    ]  # fmt: skip
    with store.connect() as connection:
        paid = scene.price("paid", provider="tool", units={"calls": ("3", 1)})
        scene.publish(connection, [scene.price(input="0.01"), paid])
        scene.load(connection, spans)
        scene.settle(store)
        before = scene.attempts(connection)
        scene.settle(store)
        assert scene.attempts(connection) == before
        runs = scene.runs(connection)
    again = "application_retry"
    assert {int(row["span_id"], 16): row["rework_reason"] for row in before} == {
        3: again, 4: again, 5: "", 7: again, 8: again, 10: "off_topic", 13: "", 15: again, 17: "",
        19: "", 21: "",
    }  # fmt: skip
    wasted = {name: run["rework_cost_usd"] for name, run in runs.items() if run["rework_cost_usd"]}
    assert wasted == {"r1": 1, "r2": 5, "r6": 1, "r9": 1}
    assert runs["r1"]["inclusive_rework_cost_usd"] == 8
    assert runs["r1"]["inclusive_cost_usd"] == 13
