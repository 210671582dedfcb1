"""Parameters of named queries: defaults, types, and what is refused."""

import math
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.errors import CollectorError, NotFoundError, PermanentError
from spanledger_collector.query import named

TEN_CET = datetime(2026, 11, 1, 10, tzinfo=timezone(timedelta(hours=1)))


def test_an_unknown_query_is_not_found() -> None:
    """The message lists the queries there are."""
    with pytest.raises(NotFoundError, match="no query named 'nope'; there are: agent_"):
        named("nope")


@pytest.mark.parametrize("name", ["../views/trace_cost", "agents.sql", "", "agents\0"])
def test_a_query_name_is_no_path(name: str) -> None:
    """Only the names of ``sql/queries`` are read."""
    with pytest.raises(NotFoundError):
        named(name)


def test_defaults_fill_what_is_not_given() -> None:
    """Everything that has a sensible default may be left out."""
    bound = named("runs").bind({})
    assert bound["workspace"] == "default"
    assert bound["limit"] == 1000
    assert bound["agent_name"] == ""


@pytest.mark.parametrize(
    ("query", "given_values", "told"),
    [
        ("runs", {"limits": 3}, "query 'runs' has no parameter limits; it takes agent_name, "),
        ("trace_runs", {}, "query 'trace_runs' needs the parameter trace_id"),
        ("runs", {"limit": "many"}, "limit = 'many' cannot be used: give a whole number"),
        ("runs", {"limit": "-1"}, "give a number between 0 and 4294967295"),
        ("runs", {"limit": 1 << 32}, "give a number between 0 and 4294967295"),
        ("runs", {"limit": "1.5"}, "give a whole number"),
        ("runs", {"since": "yesterday"}, "give a time such as 2026-11-01T12:00:00Z"),
        ("runs", {"since": "0001-01-01T00:00:00+14:00"}, "give a time between 1970 and 2149"),
        ("runs", {"until": "9999-12-31"}, "give a time between 1970 and 2149"),
        ("runs", {"agent_name": "a\0b"}, "it holds a zero byte"),
    ],
)
def test_what_cannot_be_used_is_told(
    query: str, given_values: dict[str, object], told: str
) -> None:
    """The message names the query, the parameter, the value and what to give instead."""
    with pytest.raises(PermanentError) as caught:
        named(query).bind(given_values)
    assert told in str(caught.value)
    assert query in str(caught.value)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-01T09:00:00Z", TEN_CET),
        ("2026-11-01T10:00:00+01:00", TEN_CET),
        ("2026-11-01 09:00:00", TEN_CET),
        (TEN_CET, TEN_CET),
        (datetime(2026, 11, 1, 9), TEN_CET),  # noqa: DTZ001 - a naive time is what is tested
    ],
)
def test_times_are_utc_unless_they_say_otherwise(value: object, moment: datetime) -> None:
    """ISO 8601 with Z, with an offset, or bare."""
    bound = named("runs").bind({"since": value})["since"]
    assert isinstance(bound, datetime)
    assert bound == moment
    assert bound.tzinfo is not None


@given(
    st.dictionaries(
        st.sampled_from(["workspace", "since", "until", "limit", "agent_name"]),
        st.text() | st.integers() | st.floats() | st.datetimes() | st.none() | st.just(math.inf),
    )
)
def test_any_value_is_bound_or_refused(values: dict[str, object]) -> None:
    """Whatever is given, the answer is values of the right type or our error."""
    try:
        bound = named("runs").bind(values)
    except CollectorError:
        return
    assert isinstance(bound["limit"], int)
    assert 0 <= bound["limit"] < 1 << 32
    assert isinstance(bound["since"], datetime)
    assert isinstance(bound["agent_name"], str)
