"""One call told by the roots of two traces is paid once, whichever arrives first."""

from typing import Any

import pytest

from spanledger_collector.store import Store

from . import scene

#: A framework's span without an id, and the client library's own one, which ran within it.
_OUTER: dict[str, Any] = {"trace": 1, "scope_name": "framework", "at": 10, "lasts": 3}
_INNER: dict[str, Any] = {"trace": 2, "scope_name": "sdk", "at": 11, "lasts": 1}


def _counted(store: Store) -> dict[int, tuple[bool, str, str]]:
    with store.connect() as connection:
        return {
            trace: (bool(row["counted"]), str(row["excluded_reason"]), str(row["duplicate_of"]))
            for trace in (1, 2)
            for row in scene.attempts(connection, trace)
        }


@pytest.mark.slow
@pytest.mark.parametrize("first", [1, 2])
def test_roots_of_two_traces_are_one_call(store: Store, first: int) -> None:
    """The trace that was settled before its other half arrived is settled again."""
    rows = [
        scene.call(1, 0, (9, 3), **_OUTER),
        scene.call(2, 0, (9, 3), response_id="x", **_INNER),
    ]
    settler = scene.settler(store)
    for row in rows if first == 1 else rows[::-1]:
        with store.connect() as connection:
            scene.load(connection, [row])
        settler.settle_due(everything=True)
    settler.settle_due(everything=True)
    settler.stop(drain=False)
    assert _counted(store) == {
        1: (False, "duplicate_beside", scene.hex16(2)),
        2: (True, "", ""),
    }


#: Told by both with its id; the output that the outer one tells (a stream's first token added).
@pytest.mark.slow
@pytest.mark.parametrize(("first", "output"), [(1, 3), (2, 3), (1, 4)])
def test_roots_with_one_response_id_are_one_call(store: Store, first: int, output: int) -> None:
    """The inner one counts, and the one that counted alone before is settled again."""
    rows = [
        scene.call(1, 0, (9, output), response_id="x", **_OUTER),
        scene.call(2, 0, (9, 3), response_id="x", **_INNER),
    ]
    settler = scene.settler(store)
    for row in rows if first == 1 else rows[::-1]:
        with store.connect() as connection:
            scene.load(connection, [row])
        settler.settle_due(everything=True)
    settler.settle_due(everything=True)
    settler.stop(drain=False)
    assert _counted(store) == {
        1: (False, "duplicate_response", scene.hex16(2)),
        2: (True, "", ""),
    }


#: The one that is told apart: inside an agent, or a root as well.
@pytest.mark.slow
@pytest.mark.parametrize("parent", ["", scene.hex16(7)])
@pytest.mark.parametrize("first", [1, 2])
def test_a_call_that_is_told_apart_counts_once(store: Store, first: int, parent: str) -> None:
    """LiteLLM's callback tells a stream in a trace of its own, with counts that it made up."""
    rows = [
        scene.call(1, 0, (8, 1), response_id="x", **_INNER | {"trace": 1}),
        scene.call(
            2,
            0,
            (9, 3),
            response_id="x",
            **_OUTER | {"trace": 2, "scope_name": "spanledger.litellm", "parent_span_id": parent},
            attributes={"spanledger.response.told_apart": "true"},
        ),
    ]
    settler = scene.settler(store)
    for row in rows if first == 1 else rows[::-1]:
        with store.connect() as connection:
            scene.load(connection, [row])
        settler.settle_due(everything=True)
    settler.settle_due(everything=True)
    settler.stop(drain=False)
    assert _counted(store) == {
        1: (False, "duplicate_response", scene.hex16(2)),
        2: (True, "", ""),
    }


#: What makes the two calls differ: outer, inner.
_DIFFERENT: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"response_id": "y"}, {"response_id": "x"}),
    ({"service_name": "other"}, {"response_id": "x"}),
    ({"scope_name": "sdk"}, {"response_id": "x"}),
    ({"request_model": "m2"}, {"response_id": "x"}),
    ({"output_tokens": 4}, {"response_id": "x"}),
    ({"status": "error"}, {"response_id": "x"}),
    ({}, {"response_id": "x", "at": 12, "lasts": 2}),
    ({"parent_span_id": scene.hex16(7)}, {"response_id": "x"}),
    ({"response_id": "x"}, {"response_id": "x", "scope_name": "framework"}),
    ({"response_id": "x"}, {"response_id": "x", "service_name": "other"}),
    ({"response_id": "x"}, {"response_id": "x", "at": 14}),
    ({"response_id": "x"}, {"response_id": "x", "parent_span_id": scene.hex16(7)}),
)


def test_roots_that_differ_are_two_calls(store: Store) -> None:
    """Two ids, another service, scope, model, count, outcome or time: every one counts.

    With one id: the same scope, another service or time, or what is no root.
    """
    rows = [
        scene.call(span, 0, (9, 3), workspace=f"w{number}", **row)
        for number, (outer, inner) in enumerate(_DIFFERENT)
        for span, row in ((1, _OUTER | outer), (2, _INNER | inner))
    ]
    settler = scene.settler(store)
    with store.connect() as connection:
        scene.load(connection, rows)
        settler.settle_traces([(row["workspace"], row["trace_id"]) for row in rows])
        settler.stop(drain=False)
        found = connection.rows(
            "SELECT workspace, sum(counted) AS n FROM attempts FINAL GROUP BY 1"
        )
    assert {row["workspace"]: row["n"] for row in found} == {
        f"w{number}": 2 for number in range(len(_DIFFERENT))
    }


@pytest.mark.slow
@pytest.mark.parametrize("response_id", ["", "x"])
@pytest.mark.parametrize(("outer", "counts"), [({}, 2), ({"at": 11, "lasts": 1}, 1)])
def test_the_inner_of_two_roots_counts(
    store: Store, outer: dict[str, Any], counts: int, response_id: str
) -> None:
    """Of two that began and ended together exactly one does."""
    rows = [
        scene.call(1, 0, (9, 3), response_id=response_id, **_OUTER | outer),
        scene.call(2, 0, (9, 3), response_id=response_id, **_INNER),
    ]
    with store.connect() as connection:
        scene.load(connection, rows)
    scene.settle(store, (1, 2))
    assert [trace for trace, told in _counted(store).items() if told[0]] == [counts]


def test_a_trace_that_has_the_innermost_root_of_an_answer_counts(store: Store) -> None:
    """Also where another of its roots is around the one in the other trace."""
    rows = [
        scene.call(1, 0, (9, 3), response_id="x", **_OUTER),
        scene.call(2, 0, (9, 3), response_id="x", **_INNER),
        scene.call(3, 0, (9, 3), response_id="x", trace=1, scope_name="c", at=11.2, lasts=0.5),
    ]
    with store.connect() as connection:
        scene.load(connection, rows)
        scene.settle(store, (1, 2))
        counted = [
            int(row["span_id"], 16)
            for trace in (1, 2)
            for row in scene.attempts(connection, trace)
            if row["counted"]
        ]
    assert counted == [3]
