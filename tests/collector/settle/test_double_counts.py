"""One call told by several tellers is paid once; two calls are never taken for one."""

from spanledger_collector.store import Store

from . import scene
from .judging import verdicts

A, B = "otel.a", "otel.b"


def test_equal_response_ids_are_one_call(store: Store) -> None:
    """Nested or not, the richest counts: provider's usage, ours, most buckets, innermost."""
    nested, siblings, estimated, three = verdicts(
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
    inner_id, outer_id, no_id, chain, unmetered = verdicts(
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
    profile, apart, dotted = verdicts(
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
    inside, outside, other_input, other_output, both_cached = verdicts(
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
    inside, outside, three, beside, other = verdicts(
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
    beside, around, other = verdicts(
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
    results = verdicts(
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


def test_an_id_between_two_others_joins_no_more_than_one(store: Store) -> None:
    """In x > (no id) > y the one without id goes with x, above it; x and y stay apart."""
    between, two_below = verdicts(
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
