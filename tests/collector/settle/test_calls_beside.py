"""Calls beside each other, in other traces, and answers that are fetched again: paid once."""

from decimal import Decimal
from typing import Any

from spanledger_collector.store import Store

from . import scene
from .judging import verdicts

A, B = "otel.a", "otel.b"


def test_calls_beside_each_other_are_one_call_when_everything_agrees(store: Store) -> None:
    """A teller that does not make its span current tells beside the others, often without an id."""
    whole, cousin, crossing, no_id, under_agent = verdicts(
        store,
        [
            [
                scene.call(1, 0, (9, 9), scope_name=A, at=1, lasts=5),
                scene.call(2, 0, (9, 9), scope_name=B, at=2, response_id="x"),
            ],
            [
                scene.span(1, 0, "task", at=1, lasts=5),
                scene.call(2, 1, (9, 9), scope_name=A, at=1, lasts=5),
                scene.call(3, 0, (9, 9), scope_name=B, at=2, response_id="x"),
                scene.call(4, 3, (9, 9), scope_name="c", at=2),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A, dialect="otel", at=1, lasts=9),
                scene.call(2, 0, (9, 9), at=2, lasts=9, response_id="x"),
                scene.call(3, 0, (9, 9), scope_name=B, dialect="otel", at=3, lasts=9),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A, at=1, lasts=5),
                scene.call(2, 0, (9, 9), scope_name=B, at=2),
            ],
            [
                scene.span(1, 0, "agent", at=0, lasts=20, run_id="r"),
                scene.call(2, 1, (9, 9), scope_name=A, at=1, lasts=5, run_id="r"),
                scene.call(3, 1, (9, 9), at=2, response_id="x", run_id="r"),
            ],
        ],
    )
    assert whole == {1: ("duplicate_beside", 2), 2: ("", 0)}
    assert cousin == {2: ("duplicate_beside", 3), 3: ("", 0), 4: ("duplicate_nested", 3)}
    assert crossing == {1: ("duplicate_beside", 2), 2: ("", 0), 3: ("duplicate_beside", 2)}
    assert no_id == {1: ("duplicate_beside", 2), 2: ("", 0)}
    assert under_agent == {2: ("duplicate_beside", 3), 3: ("", 0)}


def test_equal_calls_at_the_same_time_pair_one_to_one(store: Store) -> None:
    """Three equal calls at once, each told twice, are three; a fourth told once is a fourth."""
    calls = [
        *[scene.call(n, 0, (9, 9), scope_name=A, at=n / 10, lasts=5) for n in (1, 2, 3)],
        *[
            scene.call(n, 0, (9, 9), scope_name=B, at=n / 10, lasts=4, response_id=f"id{n}")
            for n in (4, 5, 6, 7)
        ],
    ]
    (told,) = verdicts(store, [calls])
    assert {n: told[n] for n in (4, 5, 6, 7)} == dict.fromkeys((4, 5, 6, 7), ("", 0))
    assert sorted(told[n] for n in (1, 2, 3)) == [("duplicate_beside", n) for n in (4, 5, 6)]


def test_calls_beside_each_other_stay_two_when_anything_differs(store: Store) -> None:
    """Other times, tokens, models, ids on both, one teller, other runs, or none with usage."""
    a: scene.Row = {"scope_name": A, "at": 1, "lasts": 5}
    b: scene.Row = {"scope_name": B, "at": 2, "lasts": 3}
    results = verdicts(
        store,
        [
            [scene.call(1, 0, (9, 9), **a), scene.call(2, 0, (9, 9), **b | {"at": 5})],
            [scene.call(1, 0, (9, 9), **a), scene.call(2, 0, (9, 8), **b)],
            [scene.call(1, 0, (9, 9), **a), scene.call(2, 0, (9, 9), **b, request_model="o")],
            [
                scene.call(1, 0, (9, 9), **a, response_id="x"),
                scene.call(2, 0, (9, 9), **b, response_id="y"),
            ],
            [scene.call(1, 0, (9, 9), **a), scene.call(2, 0, (9, 9), **b | {"scope_name": A})],
            [
                scene.call(1, 0, (9, 9), **a, run_id="r1"),
                scene.call(2, 0, (9, 9), **b, run_id="r2"),
            ],
            [
                scene.call(1, 0, **a, usage_source="missing"),
                scene.call(2, 0, **b, usage_source="missing"),
            ],
        ],
    )
    assert results == [{1: ("", 0), 2: ("", 0)}] * len(results)


def test_a_call_told_when_it_began_and_when_it_was_read_is_one(store: Store) -> None:
    """Some tell a stream twice: a span for the request, a point in time with the usage."""
    begun: scene.Row = {"scope_name": A, "lasts": 2, "usage_source": "missing"}
    read: scene.Row = {"scope_name": A, "lasts": 0}
    twice, never_read, other_model = verdicts(
        store,
        [
            [
                scene.call(1, 0, at=1, **begun),
                scene.call(2, 0, (9, 9), at=4, response_id="x", **read),
                scene.call(3, 0, at=5, **begun),
                scene.call(4, 0, (9, 9), at=8, **read),
            ],
            [
                scene.call(1, 0, at=1, **begun),
                scene.call(2, 0, at=2, **begun),
                scene.call(3, 0, (9, 9), at=4, response_id="x", **read),
            ],
            [
                scene.call(1, 0, at=1, **begun, request_model="other"),
                scene.call(2, 0, (9, 9), at=4, response_id="x", **read),
            ],
        ],
    )
    assert twice == {
        1: ("duplicate_beside", 2), 2: ("", 0), 3: ("duplicate_beside", 4), 4: ("", 0)
    }  # fmt: skip
    assert never_read == {1: ("duplicate_beside", 3), 2: ("", 0), 3: ("", 0)}
    assert other_model == {1: ("", 0), 2: ("", 0)}


def test_the_counted_teller_keeps_the_retries_another_one_saw(store: Store) -> None:
    verdicts(
        store,
        [
            [
                scene.call(
                    1, 0, (8, 8), response_id="x", usage_source="estimated",
                    retry_reasons=["503"], retry_wait_seconds=[1.5], attempt_number=2,
                ),
                scene.call(2, 1, (9, 9), response_id="x", scope_name=A, dialect="otel"),
            ]
        ],
    )  # fmt: skip
    with store.connect() as connection:
        rows = scene.attempts(connection)
    assert [
        (int(row["span_id"], 16), row["attempt_number"], row["outcome"], row["counted"])
        for row in rows
    ] == [(1, 1, "ok", False), (2, 1, "retried", True), (2, 2, "ok", True)]


def test_a_duplicate_that_was_retried_adds_no_attempts(store: Store) -> None:
    """Retries that both tellers saw are told once, by the counted one."""
    seen = {"response_id": "x", "retry_reasons": ["429", "429"], "attempt_number": 3}
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(
            connection,
            [
                scene.call(1, 0, (5, 0), scope_name="other", dialect="other", **seen),
                scene.call(2, 1, (5, 0), **seen),
            ],
        )
        scene.settle(store)
        rows = scene.attempts(connection)
        assert [(row["span_id"], row["counted"], row["outcome"]) for row in rows] == [
            (scene.hex16(1), False, "ok"),
            (scene.hex16(2), True, "retried"),
            (scene.hex16(2), True, "retried"),
            (scene.hex16(2), True, "ok"),
        ]
        (run,) = scene.runs(connection).values()
        assert (run["calls"], run["retries"], run["cost_usd"]) == (1, 2, Decimal("0.05"))


def test_ids_shared_by_traces_workspaces_and_months_are_kept_apart(store: Store) -> None:
    """Span, run and response ids count within one trace of one workspace, over any months."""
    month = 31 * 24 * 3600
    shared = {"run_id": "run-1", "response_id": "x"}
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(
            connection,
            [
                scene.call(1, 0, (1, 0), **shared),
                scene.call(2, 1, (20, 0), run_id="run-1", response_id="y", at=month),
                scene.call(1, 0, (300, 0), trace=2, **shared),
                scene.call(1, 0, (4000, 0), workspace="other", **shared),
            ],
        )
        settler = scene.settler(store)
        first, second = scene.hex32(1), scene.hex32(2)
        for _again in range(2):
            settler.settle_traces([("default", first), ("default", second), ("other", first)])
        settler.stop(drain=False)
        rows = connection.rows(
            "SELECT workspace, trace_id, cost_usd FROM runs FINAL ORDER BY workspace, trace_id"
        )
        assert [tuple(row.values()) for row in rows] == [
            ("default", first, Decimal("0.21")),
            ("default", second, Decimal("3.00")),
            ("other", first, Decimal("40.00")),
        ]
        assert scene.cost(connection, "attempts") == Decimal("43.21")


def _deferred(span_id: int, response_id: str, **given: Any) -> scene.Row:
    attributes = {"spanledger.response.deferred": "true"}
    return scene.call(span_id, 0, (9, 9), response_id=response_id, attributes=attributes, **given)


def test_an_answer_that_is_fetched_again_counts_once_in_the_ledger(store: Store) -> None:
    """In another trace too, and whoever fetches it: who was received first counts.

    A background call that was asked in one trace and fetched in another keeps its row without
    usage, because when it was settled nobody knew better.
    """
    unanswered = {"usage_source": "missing"}
    first, again, asked, polled, ordinary = verdicts(
        store,
        [
            [_deferred(1, "x"), _deferred(2, "x")],
            [_deferred(3, "x"), _deferred(4, "y")],
            [_deferred(5, "z", **unanswered)],
            [_deferred(6, "z"), _deferred(7, "z")],
            [scene.call(8, 0, (9, 9), response_id="w")],
        ],
    )
    assert first == {1: ("", 0), 2: ("duplicate_response", 1)}
    assert again == {3: ("duplicate_response", 1), 4: ("", 0)}
    assert asked == {5: ("", 0)}
    assert polled == {6: ("", 0), 7: ("duplicate_response", 6)}
    assert ordinary == {8: ("", 0)}


def test_who_told_an_answer_first_does_not_change_when_settled_again(store: Store) -> None:
    """Another workspace's answer of the same id is another answer."""
    with store.connect() as connection:
        later = _deferred(1, "x", trace=1)
        scene.load(connection, [later, _deferred(2, "x", trace=3, workspace="other")])
        scene.settle(store, [1])
        assert scene.attempt(connection, 1)["counted"]
        scene.load(connection, [_deferred(3, "x", trace=2)])
        scene.settle(store, [2, 1])
        scene.settle(store, [3], "other")
        assert scene.attempt(connection, 1)["counted"]
        assert not scene.attempt(connection, 3, trace=2)["counted"]
        assert scene.attempt(connection, 2, trace=3)["counted"]
