"""What questions of the Python API are asked with: the wrong kind is an error that says so."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, NoReturn

import pytest

from spanledger_collector.errors import PermanentError
from spanledger_collector.export import export, tables
from spanledger_collector.query import (
    Behind,
    DirectReader,
    Hosting,
    Ledger,
    NamedQuery,
    Scenario,
    Slice,
    named,
)
from spanledger_collector.query.settling import Asked
from spanledger_collector.store import Store

#: What is right for a parameter without a default.
RIGHT: Final[Mapping[str, Any]] = {
    "name": "agents", "agent_name": "writer", "trace_id": "0" * 32, "identifier": "0" * 32,
    "asset_id": "ft", "text": "SELECT 1", "records": [], "provider": "openai", "model": "gpt-4o",
    "old": "1", "new": "2", "path": "x.csv",
}  # fmt: skip
PERIODS: Final = [("2026-11-01", "2026-11-02"), ("2026-11-03", "2026-11-04")]


class Unasked:
    """A reader that no question may get to."""

    def rows(self, name: str, parameters: Mapping[str, object]) -> NoReturn:
        raise AssertionError(f"{name} was asked with {parameters}")

    arrow = rows

    def sql(self, text: str) -> NoReturn:
        raise AssertionError(text)

    def close(self) -> None:
        """Nothing is open."""


UNASKED: Final = Ledger(Unasked())


def questions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public method of a ledger, and the functions that take one."""
    for name, method in inspect.getmembers(UNASKED, inspect.ismethod):
        if not name.startswith("_"):
            yield name, method
    for function in (export, tables):
        yield function.__name__, function


def arguments() -> Iterator[Any]:
    for name, method in questions():
        for one in inspect.signature(method).parameters.values():
            if one.kind is not one.VAR_KEYWORD:
                yield pytest.param(method, one, id=f"{name}-{one.name}")


def right(method: Callable[..., Any], name: str) -> dict[str, Any]:
    """Right arguments for all that have to be given, but for one."""
    chosen = {**RIGHT, "ledger": UNASKED}
    if method.__name__ == "compare_periods":
        chosen |= {"old": PERIODS[0], "new": PERIODS[1]}
    needed = inspect.signature(method).parameters.values()
    return {
        one.name: chosen[one.name]
        for one in needed
        if one.default is one.empty and one.kind is not one.VAR_KEYWORD and one.name != name
    }


@pytest.mark.parametrize(("method", "parameter"), list(arguments()))
def test_each_argument_of_the_wrong_kind_is_refused_by_name(
    method: Callable[..., Any], parameter: inspect.Parameter
) -> None:
    """Nothing is asked of the ledger: the message says which, what it was and what to give."""
    strange: list[Any] = [object(), {"a": object()}, b"bytes"]
    if "Sequence" in str(parameter.annotation):
        strange += ["batch", [object()]]
    for value in strange:
        with pytest.raises(PermanentError) as raised:
            method(**{**right(method, parameter.name), parameter.name: value})
        message = str(raised.value)
        assert message.startswith((f"{parameter.name} ", f"{parameter.name}[")), message
        assert "give" in message
        assert len(message) < 300


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"models": ["x"]}, r"models\[0\] 'x' .*\(provider, model\)"),
        ({"models": "openai/gpt-4o"}, r"models 'openai/gpt-4o' is one text; give a list"),
        ({"tiers": "batch"}, r"tiers 'batch' is one text; give a list, such as \['batch'\]"),
        ({"tiers": ["batch", 2]}, r"tiers\[1\] 2 cannot be used; give a text"),
        ({"cache_shares": 0.5}, "cache_shares 0.5 cannot be used; give a list"),
        ({"cache_shares": [float("nan")]}, r"cache_shares\[0\] nan cannot be used; give a number"),
        ({"rework_shares": [True]}, r"rework_shares\[0\] True cannot be used; give a number"),
        ({"hostings": [("a", "b")]}, r"hostings\[0\] .* give a Hosting"),
        ({"hostings": Hosting("a", "b", 1)}, "hostings Hosting.* give a list"),
        ({"since": 1}, "since 1 cannot be used; give a time such as 2026-11-01T12:00:00Z"),
        ({"since": "yesterday"}, "since 'yesterday' cannot be used; give a time such as"),
        (
            {"until": datetime.max.replace(tzinfo=timezone.utc)},
            "until .*; give a time between 1970 and 2149",
        ),
    ],
)
def test_what_if_says_what_to_give(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(PermanentError, match=words):
        UNASKED.what_if("writer", **asked)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), "2.95", True, None])
def test_a_rate_is_above_zero(rate: Any) -> None:
    with pytest.raises(PermanentError, match=r"usd_per_gpu_hour .* a rate is above zero"):
        Hosting("llama-3.1-8b", "l4", rate)
    for count in ("gpus", "batch"):
        with pytest.raises(PermanentError, match=f"{count} 0 cannot be used; give a whole number"):
            Hosting("llama-3.1-8b", "l4", Decimal("2.95"), **{count: 0})  # pyright: ignore[reportArgumentType] -- one of two


@pytest.mark.parametrize("name", ["model", "gpu", "weight_format"])
def test_what_is_hosted_is_named_by_texts(name: str) -> None:
    asked: dict[str, Any] = {"model": "llama-3.1-8b", "gpu": "l4", "usd_per_gpu_hour": 1, name: 5}
    with pytest.raises(PermanentError, match=f"{name} 5 cannot be used; give a text"):
        Hosting(**asked)


@pytest.mark.parametrize("share", ["x", True, object(), 1.5, float("nan"), -0.1])
def test_a_share_is_a_number_from_0_to_1(share: Any) -> None:
    scenario = Scenario(cache_read_share=share)
    with pytest.raises(PermanentError, match=r"cache_read_share is .*; give a share from 0 to 1"):
        UNASKED.reprice(scenario=scenario)


def test_words_and_numbers(filled: Store) -> None:
    """Of a choice the words are told; numbers are numbers; a text is no None."""
    with pytest.raises(PermanentError, match="by 'colour' is none of version, tenant, model"):
        UNASKED.agent("writer", by="colour")  # pyright: ignore[reportArgumentType] -- wrong by intent
    with pytest.raises(PermanentError, match=r"limit 1\.5 cannot be used; give a whole number"):
        UNASKED.runs(limit=1.5)  # pyright: ignore[reportArgumentType] -- wrong by intent
    ledger, remote = Ledger(DirectReader(filled)), Ledger.connect("spanledger://127.0.0.1:1")
    for query, given in (
        (ledger.query, {"agent_name": None}), (ledger.arrow, {"agent_name": 5}),
        (remote.query, {"agent_name": None}),
    ):  # fmt: skip
        with pytest.raises(PermanentError, match=r"agent_name = .* cannot be used: give a text"):
            query("runs", **given)
    assert ledger.what_if("planner", cache_shares=[Decimal("0.5"), 1], tiers=iter(["batch"]))  # pyright: ignore[reportArgumentType] -- taken, not promised


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Slice(since=1), "since = 1"),  # pyright: ignore[reportArgumentType] -- wrong by intent
        (Slice(agent_name=5), "agent_name = 5"),  # pyright: ignore[reportArgumentType] -- wrong by intent
    ],
)
def test_a_part_of_the_ledger_is_checked_too(filled: Store, part: Slice, words: str) -> None:
    ledger = Ledger(DirectReader(filled))
    with pytest.raises(PermanentError, match=words):
        ledger.attempts_behind(Behind(part))
    with pytest.raises(PermanentError, match=words):
        ledger.economics_by(part=part)


def test_a_time_is_a_time_however_it_is_given(filled: Store, tmp_path: Any) -> None:
    """With and without a zone, as text and as a day: of everything that takes a period."""
    ledger = Ledger(DirectReader(filled))
    aware = datetime(2026, 11, 3, tzinfo=timezone.utc)
    tokyo = aware.astimezone(timezone(timedelta(hours=9)))
    given: list[Any] = [aware, aware.replace(tzinfo=None), tokyo, date(2026, 11, 3), "2026-11-03"]
    path = str(tmp_path / "runs.csv")
    assert len({len(ledger.runs(since=one)) for one in given}) == 1
    assert len({export(ledger, path, since=one).rows for one in given}) == 1
    assert len({export(ledger, path, grain="attempt", until=one).rows for one in given}) == 1
    assert len({Asked.of("", "", one, one) for one in (aware, tokyo)}) == 1
    reports = [
        ledger.reprice(since=one, scenario=Scenario(tier="standard"), as_known_at=one)
        for one in given
    ]
    assert all(report == reports[0] for report in reports)


@pytest.mark.parametrize("query", [named("agents"), named("cost_paths"), named("view:coverage")])
def test_a_period_that_ends_before_it_starts_is_refused(query: NamedQuery) -> None:
    late, early = "2026-11-03", "2026-11-01T12:00:00+09:00"
    with pytest.raises(PermanentError, match=r"since 2026-11-03T.* after until 2026-11-01T03:00"):
        query.bind({"since": late, "until": early})
    query.bind({"since": late, "until": late})
