"""What is around calls, or below them, and tells their usage again: never paid beside them."""

from spanledger_collector.store import Store

from . import scene
from .judging import verdicts

A, B = "otel.a", "otel.b"


def test_a_call_that_sums_the_calls_inside_it_is_an_aggregate(store: Store) -> None:
    """Of whatever scope and however deep, cached input told or not; never one with an id."""
    cached = {"cache_read_tokens": 4}
    results = verdicts(
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
    more, less, alone, other_input = verdicts(
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


def test_aggregates_count_only_when_nothing_is_below_them(store: Store) -> None:
    usage = {"usage_source": "provider", "input_uncached_tokens": 9, "request_model": "m1"}
    leaf, alone, nested, deep = verdicts(
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
    none, some = verdicts(
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
    alone, summed, beside, elsewhere = verdicts(
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
    refused, inner = verdicts(
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
    (told,) = verdicts(
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
