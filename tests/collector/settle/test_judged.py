"""Answers judged wrong: what they cost, and what was built on them, is wasted."""

from __future__ import annotations

from dataclasses import asdict, replace
from decimal import Decimal

import pytest

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

from . import scene

Reasons = dict[int, str]


def _verdict(
    span_id: int, verdict: str, *, about: int = 0, run: str = "", at: int = 900
) -> scene.Row:
    """An evaluation, told in a trace of its own long after."""
    told = {
        "spanledger.evaluation.verdict": verdict,
        "spanledger.subject.trace_id": scene.hex32(1),
        "spanledger.record.id": f"of {about or run}",
    }
    if about:
        told["spanledger.subject.span_id"] = scene.hex16(about)
    if run:
        told["spanledger.subject.run_id"] = run
    return scene.span(span_id, role="record", trace=9, at=at, attributes=told)


def _settled(store: Store, *spans: scene.Row) -> tuple[Reasons, dict[str, scene.Row]]:
    """Span -> why it was wasted; the runs. A token costs a cent, a ``lookup`` a dollar."""
    with store.connect() as connection:
        scene.publish(
            connection,
            [
                scene.price(input="0.01", output="0.01"),
                scene.price("m2", input="0.01"),
                scene.price("lookup", "tool", units={"calls": ("1", 1)}),
            ],
        )
        scene.load(connection, [scene.span(1, 0, "agent", agent_name="a", at=0, lasts=600), *spans])
        scene.settle(store)
        told = {
            int(row["span_id"], 16): str(row["rework_reason"])
            for row in scene.attempts(connection)
            if row["counted"]
        }
        return told, scene.runs(connection)


@pytest.mark.slow
def test_a_wrong_answer_and_what_was_built_on_it_are_wasted(any_store: Store) -> None:
    """The second call makes it up; a tool, a sub-agent and a call rely on it."""
    told, runs = _settled(
        any_store,
        scene.call(2, 1, (1, 0), at=1, lasts=5),
        scene.call(3, 1, (2, 0), at=2, lasts=2),
        scene.span(4, 1, "tool", tool_name="lookup", at=5),
        scene.span(5, 1, "agent", agent_name="b", at=7, lasts=9),
        scene.call(6, 5, (4, 0), at=8),
        scene.call(7, 1, (8, 0), at=20),
        _verdict(90, "hallucinated", about=3),
    )
    assert told == {
        2: "",
        3: "hallucinated",
        4: "built_on_hallucinated",
        6: "built_on_hallucinated",
        7: "built_on_hallucinated",
    }
    top, sub = runs[scene.hex16(1)], runs[scene.hex16(5)]
    assert (top["cost_usd"], top["rework_cost_usd"]) == (Decimal("1.11"), Decimal("1.10"))
    assert (sub["cost_usd"], sub["rework_cost_usd"]) == (Decimal("0.04"), Decimal("0.04"))


@pytest.mark.slow
def test_what_follows_the_answer_that_was_made_again_is_built_on_that(store: Store) -> None:
    told, _ = _settled(
        store,
        scene.call(2, 1, (1, 0)),
        scene.call(3, 1, (1, 0), at=10),
        scene.span(6, 1, "task", at=19, lasts=3),
        scene.call(4, 6, (1, 0), at=20, rework_of=2),
        scene.call(5, 1, (1, 0), at=30),
        _verdict(90, "wrong", about=2),
    )
    assert told == {2: "wrong", 3: "built_on_wrong", 4: "", 5: ""}


def test_an_answer_of_a_sub_agent_is_got_by_the_run_that_called_it(store: Store) -> None:
    told, runs = _settled(
        store,
        scene.call(2, 1, (1, 0), at=1),
        scene.span(3, 1, "agent", agent_name="b", at=5, lasts=5),
        scene.call(4, 3, (1, 0), at=6),
        scene.call(5, 1, (1, 0), at=20),
        _verdict(90, "wrong", run=scene.hex16(3)),
    )
    assert told == {2: "", 4: "wrong", 5: "built_on_wrong"}
    assert [row["judged_wrong"] for row in runs.values()] == [False, True]


@pytest.mark.slow
def test_a_bad_answer_inside_a_sub_agent_reaches_who_called_it(any_store: Store) -> None:
    """Up to the top: what each of them began after it got an answer that was made of it."""
    told, runs = _settled(
        any_store,
        scene.span(2, 1, "agent", agent_name="b", at=1, lasts=50),
        scene.call(3, 2, (1, 0), at=2),
        scene.span(4, 2, "agent", agent_name="c", at=5, lasts=10),
        scene.call(5, 4, (1, 0), at=6),
        scene.call(6, 2, (1, 0), at=7),
        scene.call(7, 2, (2, 0), at=20),
        scene.call(8, 1, (1, 0), at=30),
        scene.span(9, 1, "tool", tool_name="lookup", at=60),
        _verdict(90, "hallucinated", about=5),
    )
    assert told == {
        3: "",
        5: "hallucinated",
        6: "",
        7: "built_on_hallucinated",
        8: "",
        9: "built_on_hallucinated",
    }
    assert runs[scene.hex16(1)]["rework_cost_usd"] == Decimal(1)


def test_a_sub_agent_that_made_its_bad_answer_again_hands_on_nothing_bad(store: Store) -> None:
    """The first before its end, the second when it was called again; the third ended without it."""
    told, _ = _settled(
        store,
        scene.span(2, 1, "agent", agent_name="b", at=1, lasts=9),
        scene.call(3, 2, (1, 0), at=2),
        scene.call(4, 2, (1, 0), at=4, rework_of=3),
        scene.call(5, 1, (1, 0), at=11),
        scene.span(10, 1, "agent", agent_name="b", at=20, lasts=20),
        scene.span(11, 10, "agent", agent_name="c", at=21, lasts=5),
        scene.call(12, 11, (1, 0), at=22),
        scene.call(13, 10, (1, 0), at=27),
        scene.span(14, 10, "agent", agent_name="c", at=30, lasts=5),
        scene.call(15, 14, (1, 0), at=31, rework_of=12),
        scene.call(16, 1, (1, 0), at=41),
        scene.span(20, 1, "agent", agent_name="b", at=50, lasts=5),
        scene.call(21, 20, (1, 0), at=51, lasts=9),
        scene.call(22, 1, (1, 0), at=61),
        *(_verdict(90 + about, "wrong", about=about) for about in (3, 12, 21)),
    )
    wasted = {number: reason for number, reason in told.items() if reason}
    assert wasted == {3: "wrong", 12: "wrong", 13: "built_on_wrong", 21: "wrong"}


def test_a_judged_run_is_wasted_whole_but_for_the_judging(store: Store) -> None:
    told, runs = _settled(
        store,
        scene.call(2, 1, (1, 0)),
        scene.span(3, 1, "other", operation="evaluator", at=5, lasts=5),
        scene.call(4, 3, (2, 0), at=6),
        scene.call(5, 1, (4, 0), at=20, attributes={"spanledger.purpose": "prevention"}),
        scene.call(6, 1, (8, 0), at=30, status="error", error_type="timeout"),
        _verdict(90, "wrong", run=scene.hex16(1)),
    )
    assert told == {2: "wrong", 4: "", 5: "", 6: "wrong"}
    (run,) = runs.values()
    assert run["rework_cost_usd"] == Decimal("0.09")
    assert run["appraisal_cost_usd"] == Decimal("0.02")
    assert run["prevention_cost_usd"] == Decimal("0.04")
    with store.connect() as connection:
        (success,) = connection.rows("SELECT succeeded, value_source FROM run_economics")
    assert success["succeeded"] == 0  # nobody recorded an outcome, and the verdict is one


def test_a_verdict_on_the_span_of_an_agent_is_one_on_its_run(store: Store) -> None:
    """By the trace, by the run, by the agent's span: the way of OpenTelemetry's event; one answer.

    A run that two spans tell is judged by either, what is of it elsewhere is wasted with it; a
    sub-agent's is its own.
    """
    ways: dict[int, dict[str, str]] = {
        1: {},
        2: {"run_id": "top"},
        3: {"span_id": scene.hex16(1)},
        4: {"run_id": "top", "span_id": scene.hex16(1)},
        5: {"span_id": scene.hex16(2)},
        6: {"span_id": scene.hex16(4)},
        7: {"span_id": scene.hex16(3)},
    }
    told: list[scene.Row] = []
    for trace, way in ways.items():
        about = {"trace_id": scene.hex32(trace), **way}
        attributes = {f"spanledger.subject.{name}": text for name, text in about.items()}
        attributes["spanledger.evaluation.verdict"] = "wrong"
        told += [
            scene.span(1, 0, "agent", trace=trace, agent_name="a", run_id="top", lasts=60),
            scene.span(2, 1, "agent", trace=trace, agent_name="a", run_id="top", lasts=50),
            scene.call(3, 2, (1, 0), trace=trace, at=3),
            scene.span(4, 2, "agent", trace=trace, agent_name="b", run_id="sub", at=9, lasts=9),
            scene.call(5, 4, (2, 0), trace=trace, at=10),
            scene.call(6, 77, (4, 0), trace=trace, at=1, run_id="top"),
            scene.span(90 + trace, 0, "record", trace=90, lasts=0, attributes=attributes),
        ]
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(connection, told)
        scene.settle(store, list(ways))
        runs = connection.rows(
            "SELECT run_id, succeeded, judged_wrong_whole AS whole, rework_cost_usd AS wasted "
            "FROM run_economics ORDER BY trace_id, run_id DESC"
        )
    found = [tuple(row.values())[1:] for row in runs]
    cent = scene.CENT
    whole = [(0, True, 5 * cent), (1, False, 2 * cent)]
    assert found[:10] == whole * 5
    # The sub-agent's answer, and what a call is judged by: that call, and what was built on it.
    assert found[10:12] == [(1, False, 0), (0, True, 2 * cent)]
    assert found[12:] == [(1, False, cent), (1, False, 2 * cent)]


def test_a_verdict_is_found_on_whichever_teller_of_the_call_it_names(store: Store) -> None:
    """The framework's span of the same call was judged; ours counts."""
    told, _ = _settled(
        store,
        scene.call(2, 1, (1, 0), scope_name="framework", dialect="otel", at=1, lasts=4),
        scene.call(3, 2, (1, 0), response_id="r", at=2, lasts=2),
        scene.call(4, 1, (1, 0), at=9),
        _verdict(90, "wrong", about=2),
    )
    assert told == {3: "wrong", 4: "built_on_wrong"}


@pytest.mark.slow
def test_an_amended_verdict_takes_its_waste_back(store: Store) -> None:
    spans = (scene.call(2, 1, (1, 0)), scene.call(3, 1, (1, 0), at=10))
    told, _ = _settled(store, *spans, _verdict(90, "wrong", about=2))
    assert told == {2: "wrong", 3: "built_on_wrong"}
    with store.connect() as connection:
        scene.load(connection, [_verdict(91, "acceptable", about=2, at=1900)])
        scene.settle(store)
        assert {row["rework_reason"] for row in scene.attempts(connection)} == {""}
        (run,) = scene.runs(connection).values()
    assert (run["judged_wrong"], run["rework_cost_usd"]) == (False, Decimal(0))


def test_a_verdict_comes_before_other_reasons_except_a_retry_of_the_transport(store: Store) -> None:
    told, _ = _settled(
        store,
        scene.call(2, 1, (1, 0), retry_reasons=["503"], retry_wait_seconds=[1.0]),
        scene.call(3, 1, (1, 0), at=10, rework_of=2),
        scene.call(4, 1, (1, 0), at=5, status="error", error_type="timeout"),
        _verdict(90, "wrong", about=2),
    )
    assert told == {2: "wrong", 3: "", 4: "failed"}
    with store.connect() as connection:
        assert scene.attempt(connection, 2, 1)["rework_reason"] == "transport_retry"


def test_purpose_is_that_of_the_nearest_span_that_tells_one(store: Store) -> None:
    def told(value: str) -> dict[str, str]:
        return {"spanledger.purpose": value}

    _settled(
        store,
        scene.span(2, 1, "task", attributes=told("appraisal"), lasts=9),
        scene.span(3, 2, "other"),
        scene.call(4, 3, (1, 0)),
        scene.call(5, 3, (1, 0), attributes=told("work")),
        scene.call(6, 1, (1, 0), operation="moderation"),
        scene.call(7, 1, (1, 0), attributes={"spanledger.prompt.version": "v3"}),
    )
    with store.connect() as connection:
        rows = {int(row["span_id"], 16): row for row in scene.attempts(connection)}
    assert {number: row["purpose"] for number, row in rows.items()} == {
        4: "appraisal",
        5: "work",
        6: "prevention",
        7: "work",
    }
    assert [row["prompt_version"] for row in rows.values()] == ["", "", "", "v3"]


def test_the_cost_of_quality_is_the_cost_of_the_ledger_in_parts(any_store: Store) -> None:
    """Used 0.01, guarded 0.02, judged 0.04, wasted 0.08; and what was built on that, a dollar."""
    _settled(
        any_store,
        scene.call(2, 1, (1, 0), at=1),
        scene.call(3, 1, (2, 0), at=1, operation="moderation"),
        scene.call(4, 1, (4, 0), at=9, attributes={"spanledger.purpose": "appraisal"}),
        scene.call(5, 1, (8, 0), at=1, request_model="m2"),
        scene.span(6, 1, "tool", tool_name="lookup", at=9),
        _verdict(90, "wrong", about=5),
    )
    with any_store.connect() as connection:
        (quality,) = connection.rows("SELECT * FROM quality_cost")
        rates = {
            row["model"]: (row["rework_ratio"], row["rework_cost_ratio"], row["rework_multiplier"])
            for row in connection.rows("SELECT * FROM rework_rate")
        }
        reasons = {
            (row["model"], row["rework_reason"]): row["cost_usd"]
            for row in connection.rows("SELECT * FROM rework")
        }
        assert quality["cost_usd"] == scene.cost(connection, "attempts")
    with Ledger(DirectReader(any_store)) as ledger:
        [told] = ledger.quality(by="version", agent_name=str(quality["agent_name"]))
        assert ledger.quality(agent_name="another") == []
        assert [replace(row, key=told.key) for row in ledger.quality(by="total")] == [told]
    assert told.key == str(quality["agent_name"])
    assert {name: value for name, value in asdict(told).items() if name in quality} == {
        name: value
        for name, value in quality.items()
        if name.endswith(("_usd", "_ratio", "_attempts"))
    }
    assert (told.quality_share.low, told.quality_share.n) == (None, 1)
    assert [
        quality[f"{part}_cost_usd"] for part in ("good", "prevention", "appraisal", "failure")
    ] == [
        Decimal("0.01"),
        Decimal("0.02"),
        Decimal("0.04"),
        Decimal("1.08"),
    ]
    assert quality["quality_cost_usd"] == Decimal("1.14")
    assert quality["quality_cost_ratio"] == pytest.approx(1.14 / 1.15)
    assert rates == {"m1": (0.0, 0.0, 1.0), "m2": (1.0, 1.0, None), "lookup": (1.0, 1.0, None)}
    assert reasons == {("m2", "wrong"): Decimal("0.08"), ("lookup", "built_on_wrong"): Decimal(1)}
