"""Answers of the API that are more than rows: what the Python API computes, as JSON.

| path | answer |
|---|---|
| ``GET /v1/agents`` | all agents with intervals and verdicts (``Ledger.agents_of``) |
| ``GET /v1/agents/{name}?by=&version=&tenant=`` | one agent, whole (``Ledger.agent``) |
| ``GET /v1/agents/{name}/comparison?by=&old=&new=&matters=`` | two groups (``Ledger.compare``) |
| ``GET /v1/break-even?agent=`` | when assets are earned back (``Ledger.break_even``) |
| ``GET /v1/frontier?agent=`` | cost beside latency, by model and GPUs (``Ledger.frontier``) |
| ``GET /v1/rework?by=&agent=`` | what was paid twice, and why (``Ledger.rework``) |
| ``GET /v1/quality?by=&agent=`` | cost of quality (``Ledger.quality``) |
| ``GET /v1/sums?by=`` | all agents together, by tenant or day (``Ledger.sums_by``) |
| ``GET /v1/agents/{name}/what-if?model=&tier=&cache_share=&host=`` | ``Ledger.what_if`` |

Every path takes ``workspace``; all but break-even ``since`` and ``until``. Where several may be
given (``tier=batch,flex``) a comma stands between. What a function here is
annotated to return is the schema of its answer in the OpenAPI document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from spanledger_collector.errors import PermanentError
from spanledger_collector.query import (
    AgentFigures,
    AgentReport,
    BreakEven,
    ComparisonReport,
    FrontierPoint,
    Ledger,
    QualityCost,
    ReworkReport,
    Slice,
    SumFigures,
    WhatIfReport,
)
from spanledger_collector.query.comparison import MATTERS
from spanledger_collector.query.hosting import hostings_of
from spanledger_collector.query.named import parse_moment

_COUNT = re.compile(r"0*[1-9]\d{0,5}", re.ASCII)

#: What is asked of a ledger: the part of the path that names it, and the query of the URL.
Answer = Callable[[Ledger, str, "Asked"], Any]


class Asked:
    """The parameters of a request; what nobody reads is refused.

    Args:
        given: as they stand in the URL.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._read: set[str] = {"workspace"}

    def text(self, name: str, default: str = "") -> str:
        """A word."""
        self._read.add(name)
        return self._given.get(name, default)

    def moment(self, name: str) -> datetime | None:
        """A time; None = not given.

        Raises:
            PermanentError: it is no time.
        """
        told = self.text(name)
        try:
            return parse_moment(told) if told else None
        except ValueError as error:
            raise PermanentError(f"parameter {name} = {told!r} cannot be used: {error}") from error

    def number(self, name: str, default: float) -> float:
        """A number.

        Raises:
            PermanentError: it is none.
        """
        told = self.text(name)
        return _number(name, told) if told else default

    def texts(self, name: str) -> Sequence[str]:
        """Several words, with a comma between; empty = not given."""
        return [word.strip() for word in self.text(name).split(",") if word.strip()]

    def numbers(self, name: str) -> Sequence[float]:
        """Several numbers, likewise.

        Raises:
            PermanentError: one of them is none.
        """
        return [_number(name, word) for word in self.texts(name)]

    def count(self, name: str) -> int:
        """How many; 1 where it is not given.

        Raises:
            PermanentError: it is no whole number from 1 on.
        """
        told = self.text(name, "1")
        if not _COUNT.fullmatch(told):
            raise PermanentError(f"parameter {name} = {told!r} is no whole number from 1 on")
        return int(told)

    def check(self) -> None:
        """Nothing was given that has no meaning here.

        Raises:
            PermanentError: something was.
        """
        unknown = sorted(set(self._given) - self._read)
        if unknown:
            known = ", ".join(sorted(self._read))
            raise PermanentError(f"no parameter {', '.join(unknown)} here; there are {known}")


def _number(name: str, told: str) -> float:
    try:
        number = float(told)
    except ValueError as error:
        raise PermanentError(f"parameter {name} = {told!r} is no number") from error
    if not math.isfinite(number):
        raise PermanentError(f"parameter {name} = {told!r} is no number")
    return number


def _agents(ledger: Ledger, _: str, asked: Asked) -> Sequence[AgentFigures]:
    since, until = asked.moment("since"), asked.moment("until")
    part = Slice(since, until, asked.text("agent"), **_narrowed(asked))
    asked.check()
    return ledger.agents_of(part)


def _narrowed(asked: Asked) -> dict[str, str]:
    """Whose runs or work."""
    return {"agent_version": asked.text("version"), "tenant": asked.text("tenant")}


def _agent(ledger: Ledger, name: str, asked: Asked) -> AgentReport:
    since, until = asked.moment("since"), asked.moment("until")
    by: Any = asked.text("by", "version")
    narrowed = _narrowed(asked)
    asked.check()
    return ledger.agent(name, since, until, by=by, **narrowed)


def _comparison(ledger: Ledger, name: str, asked: Asked) -> ComparisonReport:
    since, until = asked.moment("since"), asked.moment("until")
    by: Any = asked.text("by", "version")
    old, new = asked.text("old"), asked.text("new")
    matters = asked.number("matters", MATTERS)
    narrowed = _narrowed(asked)
    asked.check()
    return ledger.compare(name, old, new, since, until, by=by, matters=matters, **narrowed)


def _break_even(ledger: Ledger, _: str, asked: Asked) -> Sequence[BreakEven]:
    agent_name = asked.text("agent")
    asked.check()
    return ledger.break_even(agent_name)


def _frontier(ledger: Ledger, _: str, asked: Asked) -> Sequence[FrontierPoint]:
    since, until = asked.moment("since"), asked.moment("until")
    agent_name = asked.text("agent")
    asked.check()
    return ledger.frontier(agent_name, since, until)


def _rework(ledger: Ledger, _: str, asked: Asked) -> ReworkReport:
    since, until = asked.moment("since"), asked.moment("until")
    by: Any = asked.text("by", "agent")
    agent_name = asked.text("agent")
    narrowed = _narrowed(asked)
    asked.check()
    return ledger.rework(since, until, by=by, agent_name=agent_name, **narrowed)


def _quality(ledger: Ledger, _: str, asked: Asked) -> Sequence[QualityCost]:
    since, until = asked.moment("since"), asked.moment("until")
    by: Any = asked.text("by", "agent")
    agent_name = asked.text("agent")
    narrowed = _narrowed(asked)
    asked.check()
    return ledger.quality(since, until, by=by, agent_name=agent_name, **narrowed)


def _sums(ledger: Ledger, _: str, asked: Asked) -> Sequence[SumFigures]:
    since, until = asked.moment("since"), asked.moment("until")
    by: Any = asked.text("by", "total")
    part = Slice(since, until, asked.text("agent"), **_narrowed(asked))
    asked.check()
    return ledger.sums_by(by, part)


def _what_if(ledger: Ledger, name: str, asked: Asked) -> WhatIfReport:
    since, until = asked.moment("since"), asked.moment("until")
    models = [_model(told) for told in asked.texts("model")]
    tiers, weights = asked.texts("tier"), asked.texts("weights")
    cache_shares, rework_shares = asked.numbers("cache_share"), asked.numbers("rework_share")
    hostings = hostings_of(
        asked.text("host"), asked.text("gpu"), next(iter(asked.numbers("gpu_rate")), None),
        gpus=asked.count("gpus"), weight_formats=weights,
    )  # fmt: skip
    asked.check()
    return ledger.what_if(
        name, since, until, models=models or None, tiers=tiers or ("batch",),
        cache_shares=cache_shares or (0.9,), rework_shares=rework_shares or (1.0,),
        hostings=hostings, weight_formats=() if hostings else weights,
    )  # fmt: skip


def _model(told: str) -> tuple[str, str]:
    provider, _, model = told.partition("/")
    return provider, model


#: By path.
ANSWERS: Mapping[str, Answer] = {
    "/v1/agents": _agents,
    "/v1/agents/{name}": _agent,
    "/v1/agents/{name}/comparison": _comparison,
    "/v1/agents/{name}/what-if": _what_if,
    "/v1/break-even": _break_even,
    "/v1/frontier": _frontier,
    "/v1/quality": _quality,
    "/v1/rework": _rework,
    "/v1/sums": _sums,
}
