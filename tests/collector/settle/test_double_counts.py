"""One call told by several tellers is paid once; two calls are never taken for one."""

from decimal import Decimal
from typing import Any

from spanledger_collector.store import Store

from . import scene

A, B = "otel.a", "otel.b"


def _told(store: Store, traces: list[list[scene.Row]]) -> list[dict[int, tuple[str, int]]]:
    """For every trace: span -> (reason it does not count or '', span counted instead or 0)."""
    with store.connect() as connection:
        spans = [
            {**row, "trace_id": scene.hex32(number), "service_name": f"app{number}"}
            for number, rows in enumerate(traces, 1)
            for row in rows
        ]
        scene.load(connection, spans)
        scene.settle(store, range(1, len(traces) + 1))
        found: list[dict[int, tuple[str, int]]] = []
        for number in range(1, len(traces) + 1):
            rows = scene.attempts(connection, number)
            assert all(row["counted"] == (row["excluded_reason"] == "") for row in rows)
            found.append(
                {
                    int(row["span_id"], 16): (
                        str(row["excluded_reason"]),
                        int(row["duplicate_of"] or "0", 16),
                    )
                    for row in rows
                    if row["outcome"] != "retried"
                }
            )
        return found


def test_equal_response_ids_are_one_call(store: Store) -> None:
    """Nested or not, the richest counts: provider's usage, ours, most buckets, innermost."""
    nested, siblings, estimated, three = _told(
        store,
        [
            [
                scene.call(1, 0, (9, 9), response_id="x", scope_name=A, dialect="otel", lasts=3),
                scene.call(2, 1, (9, 9), response_id="x", dialect="spanledger", lasts=2),
            ],
            [
                scene.call(1, 0, (9, 9), response_id="x", scope_name=A, dialect="otel"),
                scene.call(
                    2, 0, (5, 9), response_id="x", scope_name=B, dialect="otel",
                    cache_read_tokens=4,
                ),
            ],
            [
                scene.call(1, 0, (8, 8), response_id="x", usage_source="estimated"),
                scene.call(2, 1, (9, 9), response_id="x", scope_name=A, dialect="otel"),
            ],
            [
                scene.call(1, 0, (9, 9), response_id="x", scope_name=A, dialect="otel", lasts=3),
                scene.call(2, 1, (9, 9), response_id="x", scope_name=B, dialect="otel", lasts=2),
                scene.call(3, 1, (9, 9), response_id="y", scope_name=B, dialect="otel", lasts=2),
            ],
        ],
    )  # fmt: skip
    assert nested == {1: ("duplicate_response", 2), 2: ("", 0)}
    assert siblings == {1: ("duplicate_response", 2), 2: ("", 0)}
    assert estimated == {1: ("duplicate_response", 2), 2: ("", 0)}
    assert three == {1: ("duplicate_response", 2), 2: ("", 0), 3: ("", 0)}


def test_nested_calls_without_an_id_are_one_call_when_everything_agrees(store: Store) -> None:
    """Framework > provider > client library: the chain is one call, whoever lacks the id."""
    inner_id, outer_id, no_id, chain, unmetered = _told(
        store,
        [
            [
                scene.call(1, 0, (9, 9), scope_name=A, lasts=3, request_model="m1-2026-01-01"),
                scene.call(2, 1, (9, 9), scope_name=B, lasts=2, response_id="x"),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A, lasts=3, response_id="x"),
                scene.call(2, 1, (9, 9), scope_name=B, lasts=2, request_model="acme/m1"),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A, lasts=3),
                scene.span(2, 1),
                scene.call(3, 2, (9, 9), scope_name=B, lasts=2),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A, lasts=5),
                scene.call(2, 1, (9, 9), scope_name=B, lasts=4, response_id="x"),
                scene.call(3, 2, (9, 9), scope_name="c", lasts=3),
            ],
            [
                scene.call(1, 0, scope_name=A, lasts=3, usage_source="missing"),
                scene.call(2, 1, (9, 9), scope_name=B, lasts=2),
            ],
        ],
    )
    assert inner_id == {1: ("duplicate_nested", 2), 2: ("", 0)}
    assert outer_id == {1: ("duplicate_nested", 2), 2: ("", 0)}
    assert no_id == {1: ("duplicate_nested", 3), 3: ("", 0)}
    assert chain == {1: ("duplicate_nested", 3), 2: ("duplicate_nested", 3), 3: ("", 0)}
    assert unmetered == {1: ("duplicate_nested", 2), 2: ("", 0)}


def test_a_model_is_the_same_with_and_without_its_region_and_vendor(store: Store) -> None:
    """Bedrock's ids: OpenLLMetry takes both off; a version with a dot is no vendor."""
    profile, apart, dotted = _told(
        store,
        [
            [
                scene.call(
                    1, 0, (9, 9), scope_name=A, lasts=3, request_model="us.anthropic.m1-v1:0"
                ),
                scene.call(2, 1, (9, 9), scope_name=B, lasts=2, request_model="m1-v1:0"),
            ],
            [
                scene.call(
                    1, 0, (9, 9), scope_name=A, lasts=3, request_model="us.anthropic.m1-v1:0"
                ),
                scene.call(2, 1, (9, 9), scope_name=B, lasts=2, request_model="anthropic.m2-v1:0"),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A, lasts=3, request_model="gpt-4.1"),
                scene.call(2, 1, (9, 9), scope_name=B, lasts=2, request_model="1"),
            ],
        ],
    )
    assert profile == {1: ("duplicate_nested", 2), 2: ("", 0)}
    assert apart == {1: ("", 0), 2: ("", 0)}
    assert dotted == {1: ("", 0), 2: ("", 0)}


def test_a_call_inside_that_leaves_the_cached_input_out_is_the_same_call(store: Store) -> None:
    """A framework that sums the API's counts, around a client whose instrumentation reads one."""
    cached = {"cache_read_tokens": 6, "cache_write_5m_tokens": 3}
    inside, outside, other_input, other_output, both_cached = _told(
        store,
        [
            [
                scene.call(1, 0, (9, 2), scope_name=A, lasts=3, **cached),
                scene.call(2, 1, (9, 2), scope_name=B, lasts=2),
            ],
            [
                scene.call(1, 0, (9, 2), scope_name=A, lasts=3),
                scene.call(2, 1, (9, 2), scope_name=B, lasts=2, **cached),
            ],
            [
                scene.call(1, 0, (9, 2), scope_name=A, lasts=3, **cached),
                scene.call(2, 1, (8, 2), scope_name=B, lasts=2),
            ],
            [
                scene.call(1, 0, (9, 2), scope_name=A, lasts=3, **cached),
                scene.call(2, 1, (9, 1), scope_name=B, lasts=2),
            ],
            [
                scene.call(1, 0, (9, 2), scope_name=A, lasts=3, **cached),
                scene.call(2, 1, (9, 2), scope_name=B, lasts=2, cache_read_tokens=5),
            ],
        ],
    )
    assert inside == {1: ("", 0), 2: ("duplicate_nested", 1)}
    assert outside == {1: ("duplicate_nested", 2), 2: ("", 0)}
    assert [other_input, other_output, both_cached] == [{1: ("", 0), 2: ("", 0)}] * 3


def test_a_bill_and_what_the_model_saw_are_one_call(store: Store) -> None:
    """Cohere bills fewer tokens than its models read: some tell these, some those, ours both."""
    both = {
        "attributes": {
            "spanledger.usage.processed.input_tokens": "19",
            "spanledger.usage.processed.output_tokens": "11",
        }
    }
    inside, outside, three, beside, other = _told(
        store,
        [
            [
                scene.call(1, 0, (19, 11), scope_name=A, dialect="otel", lasts=3),
                scene.call(2, 1, (9, 9), lasts=2, response_id="x", **both),
            ],
            [
                scene.call(1, 0, (9, 9), lasts=3, response_id="x", **both),
                scene.call(2, 1, (19, 11), scope_name=A, dialect="otel", lasts=2),
            ],
            [
                scene.call(1, 0, (19, 11), scope_name=A, dialect="otel", lasts=9),
                scene.call(2, 1, (9, 9), scope_name=B, dialect="otel", lasts=7),
                scene.call(3, 2, (9, 9), lasts=5, response_id="x", **both),
            ],
            [
                scene.call(1, 0, (19, 11), scope_name=A, dialect="otel", at=1, lasts=5),
                scene.call(2, 0, (9, 9), at=2, lasts=5, response_id="x", **both),
            ],
            [
                scene.call(1, 0, (19, 12), scope_name=A, dialect="otel", lasts=3),
                scene.call(2, 1, (9, 9), lasts=2, response_id="x", **both),
            ],
        ],
    )
    assert inside == {1: ("duplicate_nested", 2), 2: ("", 0)}
    assert outside == {1: ("", 0), 2: ("duplicate_nested", 1)}
    assert three == {1: ("duplicate_nested", 3), 2: ("duplicate_nested", 3), 3: ("", 0)}
    assert beside == {1: ("duplicate_beside", 2), 2: ("", 0)}
    assert other == {1: ("", 0), 2: ("", 0)}


def test_an_answer_is_one_call_by_either_of_its_ids(store: Store) -> None:
    """Groq's answers have an id and their requests another: others tell the one or the other."""
    both = {"response_id": "x", "attributes": {"spanledger.response.request_id": "req-1"}}
    beside, around, other = _told(
        store,
        [
            [
                scene.call(1, 0, (9, 9), **both),
                scene.call(2, 0, (9, 9), response_id="req-1", scope_name=A, dialect="otel"),
                scene.call(3, 0, (9, 9), response_id="x", scope_name=B, dialect="otel"),
            ],
            [
                scene.call(1, 0, (8, 9), scope_name=A, response_id="req-1", dialect="otel"),
                scene.call(2, 1, (9, 9), **both),
            ],
            [
                scene.call(1, 0, (9, 9), **both),
                scene.call(2, 0, (9, 9), response_id="req-2", scope_name=A, dialect="otel"),
            ],
        ],
    )
    assert beside == {1: ("", 0), 2: ("duplicate_response", 1), 3: ("duplicate_response", 1)}
    assert around == {1: ("duplicate_response", 2), 2: ("", 0)}
    assert other == {1: ("", 0), 2: ("", 0)}


def test_different_calls_stay_different(store: Store) -> None:
    """Other ids, other tokens, other models, or one failed or made anew: every one counts."""
    results = _told(
        store,
        [
            [
                scene.call(1, 0, (9, 9), scope_name=A, response_id="x"),
                scene.call(2, 1, (9, 9), scope_name=B, response_id="y"),
            ],
            [scene.call(1, 0, (9, 9), scope_name=A), scene.call(2, 1, (9, 7), scope_name=B)],
            [
                scene.call(1, 0, (9, 9), scope_name=A),
                scene.call(2, 1, (9, 9), scope_name=B, request_model="other"),
            ],
            [scene.call(1, 0, (9, 9), scope_name=A), scene.call(2, 1, (9, 8), scope_name=A)],
            [
                scene.call(1, 0, (9, 9), scope_name=A, response_id="x"),
                scene.call(2, 1, (9, 9), scope_name=A, response_id="y"),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A),
                scene.call(2, 1, (9, 9), scope_name=A, rework_of=1),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A),
                scene.call(2, 1, scope_name=B, usage_source="missing", status="error"),
            ],
            [scene.call(1, 0, (9, 9), scope_name=A), scene.call(2, 0, (9, 9), scope_name=B)],
        ],
    )
    assert results == [{1: ("", 0), 2: ("", 0)}] * len(results)


def test_a_call_that_sums_the_calls_inside_it_is_an_aggregate(store: Store) -> None:
    """Of whatever scope and however deep, cached input told or not; never one with an id."""
    cached = {"cache_read_tokens": 4}
    results = _told(
        store,
        [
            [
                scene.call(1, 0, (30, 3), scope_name=A, lasts=9),
                scene.call(2, 1, (10, 1), scope_name=B, response_id="x"),
                scene.call(3, 1, (20, 2), scope_name=B, response_id="y"),
            ],
            [
                scene.call(1, 0, (30, 3), scope_name=A, lasts=9),
                scene.span(2, 1, "task", lasts=8),
                scene.call(3, 2, (10, 1), scope_name=A, request_model="m2"),
                scene.call(4, 2, (20, 2), scope_name=A),
            ],
            [
                scene.call(1, 0, (30, 3), scope_name="c", response_id="w", lasts=9),
                scene.call(2, 1, (30, 3), scope_name=A, lasts=8),
                scene.call(3, 2, (10, 1), scope_name=B),
                scene.call(4, 2, (20, 2), scope_name=B),
            ],
            [
                scene.call(1, 0, (30, 3), scope_name=A, lasts=9),
                scene.call(2, 1, (10, 1), scope_name=B, **cached),
                scene.call(3, 1, (20, 2), scope_name=B),
            ],
            [
                scene.call(1, 0, (60, 6), scope_name=A, lasts=9),
                scene.call(2, 1, (30, 3), scope_name=A, lasts=4),
                scene.call(3, 2, (10, 1), scope_name=A),
                scene.call(4, 2, (20, 2), scope_name=A),
                scene.call(5, 1, (30, 3), scope_name=A),
            ],
            [
                scene.call(1, 0, (30, 3), scope_name=A, lasts=9, response_id="w"),
                scene.call(2, 1, (10, 1), scope_name=B),
                scene.call(3, 1, (20, 2), scope_name=B),
            ],
            [
                scene.call(1, 0, (20, 2), scope_name=A, lasts=9),
                scene.call(2, 1, (10, 1), scope_name=B),
                scene.call(3, 1, (20, 2), scope_name=B),
            ],
        ],
    )
    counts, sums = ("", 0), ("aggregate", 0)
    assert results == [
        {1: sums, 2: counts, 3: counts},
        {1: sums, 3: counts, 4: counts},
        {1: sums, 2: sums, 3: counts, 4: counts},
        {1: sums, 2: counts, 3: counts},
        {1: sums, 2: sums, 3: counts, 4: counts, 5: counts},
        {1: counts, 2: counts, 3: counts},
        {1: ("duplicate_nested", 3), 2: counts, 3: counts},
    ]


def test_a_wrapper_that_counts_an_output_token_more_is_its_only_call(store: Store) -> None:
    """Some add the token that an Anthropic stream begins with; with two inside, one is another."""
    more, less, alone, other_input = _told(
        store,
        [
            [
                scene.call(1, 0, (9, 9), scope_name=A, lasts=3),
                scene.call(2, 1, (9, 8), scope_name=B, response_id="x"),
            ],
            [
                scene.call(1, 0, (9, 8), scope_name=A, lasts=3),
                scene.call(2, 1, (9, 9), scope_name=B, response_id="x"),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A, lasts=9),
                scene.call(2, 1, (9, 8), scope_name=B),
                scene.call(3, 1, (5, 5), scope_name=B),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A, lasts=3),
                scene.call(2, 1, (8, 8), scope_name=B, response_id="x"),
            ],
        ],
    )
    assert more == less == {1: ("duplicate_nested", 2), 2: ("", 0)}
    assert alone == {1: ("", 0), 2: ("", 0), 3: ("", 0)}
    assert other_input == {1: ("", 0), 2: ("", 0)}


def test_an_id_between_two_others_joins_no_more_than_one(store: Store) -> None:
    """In x > (no id) > y the one without id goes with x, above it; x and y stay apart."""
    between, two_below = _told(
        store,
        [
            [
                scene.call(1, 0, (9, 9), scope_name=A, response_id="x", lasts=5),
                scene.call(2, 1, (9, 9), scope_name=B, lasts=4),
                scene.call(3, 2, (9, 9), scope_name="c", response_id="y", lasts=3),
            ],
            [
                scene.call(1, 0, (9, 9), scope_name=A, lasts=9),
                scene.call(2, 1, (9, 9), scope_name=B, response_id="x"),
                scene.call(3, 1, (9, 9), scope_name=B, response_id="y"),
            ],
        ],
    )
    assert between == {1: ("duplicate_nested", 2), 2: ("", 0), 3: ("", 0)}
    assert two_below == {1: ("duplicate_nested", 3), 2: ("", 0), 3: ("", 0)}


def test_calls_beside_each_other_are_one_call_when_everything_agrees(store: Store) -> None:
    """A teller that does not make its span current tells beside the others, often without an id."""
    whole, cousin, crossing, no_id, under_agent = _told(
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
    (told,) = _told(store, [calls])
    assert {n: told[n] for n in (4, 5, 6, 7)} == dict.fromkeys((4, 5, 6, 7), ("", 0))
    assert sorted(told[n] for n in (1, 2, 3)) == [("duplicate_beside", n) for n in (4, 5, 6)]


def test_calls_beside_each_other_stay_two_when_anything_differs(store: Store) -> None:
    """Other times, tokens, models, ids on both, one teller, other runs, or none with usage."""
    a: scene.Row = {"scope_name": A, "at": 1, "lasts": 5}
    b: scene.Row = {"scope_name": B, "at": 2, "lasts": 3}
    results = _told(
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
    twice, never_read, other_model = _told(
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


def test_aggregates_count_only_when_nothing_is_below_them(store: Store) -> None:
    usage = {"usage_source": "provider", "input_uncached_tokens": 9, "request_model": "m1"}
    leaf, alone, nested, deep = _told(
        store,
        [
            [scene.span(1, 0, "agent", **usage), scene.call(2, 1, (9, 0))],
            [scene.span(1, 0, "agent", **usage), scene.span(2, 1, "tool")],
            [scene.span(1, 0, "workflow", **usage), scene.span(2, 1, "agent", **usage)],
            [
                scene.span(1, 0, "agent", **usage),
                *[scene.span(number, number - 1) for number in range(2, 40)],
                scene.call(40, 39, (9, 0)),
            ],
        ],
    )
    assert leaf == {1: ("aggregate", 0), 2: ("", 0)}
    assert alone == {1: ("", 0)}
    assert nested == {1: ("aggregate", 0), 2: ("", 0)}
    assert deep == {1: ("aggregate", 0), 40: ("", 0)}
    with store.connect() as connection:
        assert scene.attempt(connection, 1, trace=2)["usage_quality"] == "aggregate_only"


def test_an_aggregate_of_calls_without_usage_counts(store: Store) -> None:
    """Calls whose usage nobody told would leave the only known number out."""
    usage = {"usage_source": "provider", "input_uncached_tokens": 9, "request_model": "m1"}
    none, some = _told(
        store,
        [
            [
                scene.span(1, 0, "agent", **usage),
                scene.call(2, 1, usage_source="missing"),
                scene.call(3, 1, usage_source="missing"),
            ],
            [
                scene.span(1, 0, "agent", **usage),
                scene.call(2, 1, (5, 0)),
                scene.call(3, 1, usage_source="missing"),
            ],
        ],
    )
    assert none == {1: ("", 0), 2: ("", 0), 3: ("", 0)}
    assert some == {1: ("aggregate", 0), 2: ("", 0), 3: ("", 0)}


def test_an_engine_counts_when_nobody_told_its_call(store: Store) -> None:
    """Alone, or under an agent that sums it up; not inside a call or beside one with its tokens."""
    usage = {"usage_source": "provider", "input_uncached_tokens": 9, "output_tokens": 3}
    alone, summed, beside, elsewhere = _told(
        store,
        [
            [scene.span(1, 0), scene.span(2, 1, "engine", **usage)],
            [scene.span(1, 0, "agent", **usage), scene.span(2, 1, "engine", **usage)],
            [
                scene.span(1, 0, "agent"),
                scene.call(2, 1, (9, 3)),
                scene.span(3, 1, "engine", **usage),
            ],
            [
                scene.span(1, 0, "agent"),
                scene.call(2, 1, (7, 3)),
                scene.span(3, 1, "engine", **usage),
            ],
        ],
    )
    assert alone == {2: ("", 0)}
    assert summed == {1: ("aggregate", 0), 2: ("", 0)}
    assert beside == {2: ("", 0), 3: ("engine", 0)}
    assert elsewhere == {2: ("", 0), 3: ("", 0)}


def test_a_wrapper_is_its_call_though_it_failed_or_told_all_the_usage(store: Store) -> None:
    """An answer that a wrapper refuses was billed once; an inner span may be without numbers."""
    refused, inner = _told(
        store,
        [
            [
                scene.call(1, 0, (9, 9), scope_name=A, lasts=3, status="error"),
                scene.call(2, 1, (9, 9), scope_name=B, lasts=2, response_id="x"),
            ],
            [
                scene.call(1, 0, (9, 0), scope_name=A, lasts=3),
                scene.call(2, 1, scope_name=A, lasts=2, usage_source="missing"),
            ],
        ],
    )
    assert refused == {1: ("duplicate_nested", 2), 2: ("", 0)}
    assert inner == {1: ("", 0), 2: ("duplicate_nested", 1)}


def test_engines_inside_calls_and_lookups_never_count(store: Store) -> None:
    usage = {"usage_source": "provider", "input_uncached_tokens": 9, "request_model": "m1"}
    (told,) = _told(
        store,
        [
            [
                scene.call(1, 0, (9, 0)),
                scene.span(2, 1, "engine", **usage),
                scene.span(3, 0, "ignore", **usage),
                scene.span(4, 0, "ignore"),
            ]
        ],
    )
    assert told == {1: ("", 0), 2: ("engine", 0), 3: ("not_billable", 0)}


def test_the_counted_teller_keeps_the_retries_another_one_saw(store: Store) -> None:
    _told(
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
    first, again, asked, polled, ordinary = _told(
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


def test_an_agent_that_claims_nothing_is_unmetered_not_free(store: Store) -> None:
    """0 of everything is no usage: the cost of what no call tells is unknown, and said once."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(
            connection,
            [
                scene.span(1, 0, "agent", usage_source="missing", request_model="m1"),
                scene.span(1, 0, "agent", trace=2, usage_source="missing", request_model="m1"),
                scene.call(2, 1, (3, 0), trace=2),
                scene.span(1, 0, "agent", trace=3, usage_source="missing", request_model="m1"),
                scene.call(2, 1, trace=3, usage_source="missing"),
            ],
        )
        scene.settle(store, (1, 2, 3))
        alone = scene.attempt(connection, 1)
        above = scene.attempt(connection, 1, trace=2)
        beside = [row for row in scene.attempts(connection, 3) if row["counted"]]
    assert (alone["counted"], alone["price_status"], alone["cost_usd"]) == (True, "unmetered", None)
    assert (above["counted"], above["excluded_reason"]) == (False, "aggregate")
    assert [(row["span_id"], row["price_status"]) for row in beside] == [
        (scene.hex16(2), "unmetered")
    ]
