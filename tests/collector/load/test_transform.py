"""The engine's decode of a request equals a plain Python decode of the same request."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from tests.support.loaded_rows import JOURNAL, load, rows
from tests.support.loaded_rows import count as stored
from tests.support.otlp_requests import RECEIVED_AT_NS, PlainSpan, record
from tests.support.reference_decode import decode

from spanledger_collector.load.dialects import shipped
from spanledger_collector.store import Store

CANARY = "CANARY-9f2c-prompt-text"
_WORKSPACES = count(1)
_KEYS = [spelling.key for spelling in shipped().spellings()]
_JSON = [attribute.key for attribute in shipped().json]
_NUMBERS = ["12", "12.0", "1e3", "-1", "", "nan", "inf", "9" * 25, "0", " 7", "x", "+5", "0.1"]
_OBJECTS = [
    '{"input": 50, "output": 3, "total": 7, "input_cached_tokens": 30, "output_reasoning": "2"}',
    '{"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens": 1.0}',
    "{'cache_read': 600, 'audio': None, 'output_token_details': {'reasoning': True}}",
    '{"anthropic": {"usage": {"cache_creation": {"ephemeral_1h_input_tokens": 3}}}}',
    '"CHAT_MODEL"',
    '{"input": ',
    "{}",
]
_DAY_NS = 86_400_000_000_000

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_long = st.sampled_from(["é" * 200, "x" * 255 + "€", "y" * 300, "\U0001f600" * 80])
_scalars = st.one_of(
    st.sampled_from([0, 1, 7, 2**40 - 1, 2**40, -1, 2**63 - 1, -(2**63), 12, 1000]),
    st.integers(0, 5000),
    st.floats(),
    st.booleans(),
    st.sampled_from(_NUMBERS),
    st.sampled_from(["chat", "LLM", "invoke_agent", "tool", "provider", "estimated", "true", "1"]),
    st.sampled_from(_OBJECTS),
    _text,
    _long,
)
_values = st.one_of(
    _scalars,
    _scalars,
    st.lists(st.one_of(_scalars, st.just([1]), st.just({"a": 1})), max_size=3),
    st.dictionaries(_text, _scalars, max_size=2),
    st.binary(max_size=4),
    st.none(),
)
_keys = st.one_of(
    st.sampled_from(_KEYS),
    st.sampled_from(_KEYS[:40]),
    st.sampled_from(_JSON),
    st.sampled_from(["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"]),
    _text.map(lambda tail: f"spanledger.tag.{tail}"),
    st.sampled_from(
        [f"spanledger.usage.units.{name}" for name in ("web_searches", "images.a.b", "")]
    ),
    _text,
)
_scopes = st.sampled_from(
    [
        *("", "app", "spanledger", "spanledger.openai", "com.anthropic.sdk.python"),
        *("openinference.instrumentation.openai", "opentelemetry.instrumentation.botocore"),
        *("opentelemetry.instrumentation.google_generativeai", "traceloop.tracer", "é" * 200),
        *("openlit.instrumentation.openai", "com.anthropic.claude_code.tracing", "strands.x"),
    ]
)
_times = st.one_of(
    st.sampled_from([0, 1, 2**64 - 1, RECEIVED_AT_NS + 2 * _DAY_NS, RECEIVED_AT_NS]),
    st.integers(RECEIVED_AT_NS - 10**12, RECEIVED_AT_NS),
)
_spans = st.builds(
    PlainSpan,
    trace_id=st.binary(min_size=16, max_size=16).map(bytes.hex),
    parent_span_id=st.sampled_from(["", "00000000000000ff"]),
    name=st.one_of(_text, _long, st.just("anthropic.messages.count_tokens")),
    kind=st.sampled_from([0, 1, 2, 3, 4, 5, 77, -1]),
    start_ns=_times,
    end_ns=_times,
    status=st.sampled_from([0, 1, 2, 9]),
    attributes=st.lists(st.tuples(_keys, _values), max_size=14).map(tuple),
    events=st.lists(
        st.tuples(st.sampled_from(["exception", "First Token Stream Event"]), _times), max_size=2
    ).map(tuple),
    scope=_scopes,
    scope_version=_text,
    resource=st.lists(
        st.tuples(st.sampled_from(["service.name", "spanledger.tenant.id", "x"]), _values),
        max_size=3,
    ).map(tuple),
)


def numbered(spans: Sequence[PlainSpan]) -> list[PlainSpan]:
    """The same spans, each with an id of its own: its place."""
    return [replace(span, span_id=f"{at:016x}") for at, span in enumerate(spans, 1)]


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row in which two doubles that are not numbers are equal."""
    return {key: repr(value) if isinstance(value, float) else value for key, value in row.items()}


@settings(
    max_examples=30,
    deadline=None,
    # An example takes 0.2 s: shrinking one would take minutes.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(spans=st.lists(_spans, min_size=1, max_size=12))
@example(spans=[PlainSpan(attributes=tuple((key, 5) for key in _KEYS))])
@example(spans=[PlainSpan(attributes=tuple((key, "") for key in _KEYS))])
@example(spans=[PlainSpan(attributes=tuple((key, value) for key in _KEYS for value in (0, 3)))])
@example(spans=[PlainSpan(attributes=tuple((key, '{"total_tokens": 1.50}') for key in _JSON))])
@pytest.mark.slow
def test_the_engine_decodes_like_python(store: Store, spans: list[PlainSpan]) -> None:
    """Every column of every span, whatever the values are."""
    workspace = f"w{next(_WORKSPACES)}"
    sent = numbered(spans)
    kept = record(sent, sequence=next(_WORKSPACES), workspace=workspace)
    load(store, [kept])
    found = {row["span_id"]: plain(row) for row in rows(store, workspace)}
    for span in sent:
        assert found[span.span_id] == plain(decode(span, kept))
    assert len(found) == len(sent)


def row_without(row: dict[str, Any], *columns: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in columns}


CALLS = [
    PlainSpan(
        trace_id=f"{at % 3 + 1:032x}",
        span_id=f"{at:016x}",
        scope=("spanledger.openai", "openinference.x")[at % 2],
        attributes=(
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.usage.input_tokens", 1000 + at),
            ("gen_ai.usage.output_tokens", at),
            ("spanledger.tag.n", str(at)),
        ),
    )
    for at in range(1, 9)
]


@pytest.mark.parametrize("order", [CALLS, CALLS[::-1], CALLS[::2] + CALLS[1::2]])
@pytest.mark.parametrize("size", [1, 3, 8])
def test_neither_order_nor_requests_matter(store: Store, order: list[PlainSpan], size: int) -> None:
    """The same spans make the same rows in one request or in many, in any order."""
    requests = [order[at : at + size] for at in range(0, len(order), size)]
    load(store, [record(spans, number) for number, spans in enumerate(requests, 1)])
    found = {row["span_id"]: row_without(row, "sequence") for row in rows(store)}
    for span in CALLS:
        assert found[span.span_id] == row_without(decode(span, record([span])), "sequence")


def test_a_batch_sent_twice_is_stored_once(any_store: Store) -> None:
    """The token makes the database drop the second copy, in both tables."""
    records = [record(CALLS, 1)]
    load(any_store, records)
    load(any_store, records)
    assert stored(any_store, "spans") == len(CALLS)
    assert stored(any_store, "arrivals") == 3


def test_a_span_sent_in_two_batches_is_read_once(store: Store) -> None:
    """A client's retry is stored and not counted; the first copy wins."""
    first, again = record(CALLS[:1], 1), record(CALLS[:1], 2, tenant="later")
    load(store, [again])
    load(store, [first])
    assert [(row["sequence"], row["tenant"]) for row in rows(store)] == [(1, "")]


def test_arrivals_tell_which_record_touched_which_trace(store: Store) -> None:
    """One row a record, trace and day, with the number of spans."""
    load(store, [record(CALLS[:4], 5), record(CALLS[4:], 6)])
    with store.connect() as connection:
        found = connection.rows(
            "SELECT sequence, trace_id, spans, toString(day) AS day, journal_id FROM arrivals "
            "ORDER BY sequence, trace_id"
        )
    assert {row["day"] for row in found} == {"2026-11-24"}
    assert {row["journal_id"] for row in found} == {JOURNAL}
    counts = [(row["sequence"], str(row["trace_id"])[-1], row["spans"]) for row in found]
    assert counts == [(5, "1", 1), (5, "2", 2), (5, "3", 1), (6, "1", 1), (6, "2", 1), (6, "3", 2)]


def _content_keys() -> list[str]:
    return [
        key
        for pattern in shipped().content
        for key in ([pattern[:-1] + "0.content", pattern[:-1]] if "%" in pattern else [pattern])
    ]


def test_content_is_never_stored(store: Store) -> None:
    """Text planted under every content name, in unread kinds of values and in events is gone."""
    planted = [(key, CANARY) for key in _content_keys()]
    nested = [(key, [CANARY, {"text": CANARY}]) for key in _content_keys()]
    hidden = [(key, {"text": CANARY}) for key in _KEYS] + [("unlisted.key", CANARY)]
    inside = [(key, [[CANARY], {"text": CANARY}, CANARY.encode()]) for key in _KEYS]
    spans = numbered(
        [
            PlainSpan(attributes=tuple(pairs), events=((CANARY, 1),))
            for pairs in (planted, nested, hidden, inside)
        ]
    )
    load(store, [record(spans)])
    found = rows(store)
    assert len(found) == 4
    assert not [row for row in found if CANARY in repr(row)]


def test_one_bad_value_spoils_nothing_else(store: Store) -> None:
    """A value of an unreadable kind is skipped; its neighbours are read."""
    good = ("gen_ai.usage.output_tokens", 7)
    broken: list[Any] = [{"a": 1}, None, b"\xff", [[1], [2]], "many", float("nan"), -3, 2**60]
    spans = numbered(
        [
            PlainSpan(
                attributes=(
                    ("gen_ai.operation.name", "chat"),
                    ("gen_ai.request.max_tokens", value),
                    ("gen_ai.usage.input_tokens", 5),
                    good,
                )
            )
            for value in broken
        ]
    )
    load(store, [record(spans)])
    seen = {(row["input_uncached_tokens"], row["output_tokens"]) for row in rows(store)}
    assert seen == {(5, 7)}


def test_payload_cannot_choose_its_ledger(store: Store) -> None:
    """A request that brings fields with our own numbers never gets into another ledger."""
    forged = b"\xca\x3e\x05other" + b"\xd2\x3e\x05other"
    kept = record(CALLS[:1], 1, workspace="mine", tenant="mine")
    for payload in (forged + kept.payload, kept.payload + forged):
        load(store, [replace(kept, payload=payload)])
    assert rows(store, "other") == []
    assert {row["tenant"] for row in rows(store, "") + rows(store, "mine")} <= {"mine", ""}


def test_spans_without_an_identity_are_left_out(store: Store) -> None:
    """OTLP calls such spans invalid: they cannot be told apart, so they cannot be priced once."""
    spans = [CALLS[0], PlainSpan(trace_id="", span_id="01" * 8), PlainSpan(span_id="")]
    load(store, [record(spans)])
    assert [row["span_id"] for row in rows(store)] == [CALLS[0].span_id]


def test_the_embedded_engine_needs_no_working_directory(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written where the process happens to stand."""
    monkeypatch.chdir(tmp_path)
    load(store, [record(CALLS)])
    assert len(rows(store)) == len(CALLS)
    assert list(tmp_path.iterdir()) == []
