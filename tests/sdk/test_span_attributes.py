"""Facts written onto a span at once are those that ``set_attributes`` would have written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import Span, SpanLimits, TracerProvider

from spanledger._calls import span_attributes


class _Text(str):
    """No plain string."""

    __slots__ = ()


PLAIN = st.one_of(st.text(max_size=5), st.integers(), st.floats(allow_nan=False), st.booleans())
VALUES = st.one_of(
    PLAIN,
    st.lists(st.one_of(st.text(max_size=3), st.floats(allow_nan=False)), max_size=3).map(tuple),
    st.lists(PLAIN, max_size=2),
    st.builds(_Text, st.text(max_size=5)),
    st.just(object),
    st.just((object, "x")),
    st.none(),
)
ATTRIBUTES = st.dictionaries(st.sampled_from("abcdefgh"), VALUES, max_size=8)
LIMITS = st.builds(
    SpanLimits,
    max_span_attributes=st.sampled_from([4, 8, 128]),
    max_span_attribute_length=st.sampled_from([None, 2]),
)


def _span(limits: SpanLimits | None = None) -> Span:
    span = TracerProvider(span_limits=limits).get_tracer("test").start_span("call")
    assert isinstance(span, Span)
    return span


def _by_name(span: Span) -> dict[str, Any]:
    return dict(span.attributes or {})


@given(asked=ATTRIBUTES, facts=ATTRIBUTES, limits=LIMITS)
def test_they_are_what_the_span_would_have_kept(
    asked: Mapping[str, Any], facts: Mapping[str, Any], limits: SpanLimits
) -> None:
    """Whatever the values, the limits, and what was there; also how many were dropped."""
    told, expected = _span(limits), _span(limits)
    for span in (told, expected):
        span.set_attributes(asked)
    span_attributes.write(told, dict(facts))
    expected.set_attributes(facts)
    assert _by_name(told) == _by_name(expected)
    assert told.dropped_attributes == expected.dropped_attributes
    told.end()
    assert _by_name(told) == _by_name(expected)


def test_plain_values_go_in_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what it is for."""
    span = _span()
    monkeypatch.setattr(type(span), "set_attributes", None)
    span_attributes.write(span, {"a": 1, "b": ("x",)})
    assert _by_name(span) == {"a": 1, "b": ("x",)}


def test_a_span_that_ended_keeps_what_it_had() -> None:
    span = _span()
    span.end()
    span_attributes.write(span, {"a": 1})
    assert _by_name(span) == {}


@pytest.mark.parametrize("name", ["_attributes", "_lock", "_end_time"])
def test_a_name_that_moved_is_no_loss(name: str) -> None:
    """The span is asked as ever."""
    given: list[Mapping[str, Any]] = []

    class Moved:
        __module__ = "opentelemetry.sdk.trace"

        def set_attributes(self, attributes: Mapping[str, Any]) -> None:
            given.append(attributes)

        def __getattr__(self, asked: str) -> Any:
            if asked == name:
                raise AttributeError(asked)
            return getattr(inner, asked)

    inner: Any = _span()
    moved: Any = Moved()
    span_attributes.write(moved, {"a": 1})
    assert given == [{"a": 1}]
    assert _by_name(inner) == {}
