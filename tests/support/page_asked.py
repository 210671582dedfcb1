"""A page as it was asked for, and the same of the ledger by the Python API."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal
from urllib.parse import parse_qsl

from spanledger_collector.query import AgentReport, Behind, Ledger, PoolRow, Slice
from spanledger_collector.query.rework import ReworkReport


@dataclass(frozen=True, slots=True)
class Asked:
    """One page as it was asked for.

    Attributes:
        ledger: the same by the Python API.
        given: the query of the URL.
        picture: what the watcher saw last; None = nothing.
        titles: of the columns of the table.
        place: the number at the end of the table's name.
    """

    ledger: Ledger
    given: Mapping[str, str]
    picture: Any = None
    titles: Sequence[str] = ()
    place: int = 0

    @property
    def part(self) -> Slice:
        """Its part of the ledger."""
        words = [self.given.get(name, "") for name in ("agent", "version", "tenant")]
        since, until = self.given.get("since"), self.given.get("until")
        if self.given.get("range") == "7d":
            return Slice(datetime.now(timezone.utc) - timedelta(days=7), None, *words)
        start = _day(since) if since else None
        return Slice(start, _end(until) if until else None, *words)

    @property
    def before(self) -> tuple[datetime, datetime] | None:
        """The period held against."""
        if "before_since" in self.given:
            first, last = (_day(self.given[name]) for name in ("before_since", "before_until"))
            return first, last + timedelta(days=1)
        if self.given.get("compare") != "before":
            return None
        start = self.part.since
        assert start is not None
        end = self.part.until or datetime.now(timezone.utc)
        return start - (end - start), start


def _day(text: str) -> datetime:
    told = datetime.fromisoformat(text)
    return told if told.tzinfo else told.replace(tzinfo=timezone.utc)


def _end(text: str) -> datetime:
    """A day with all its hours, or a time."""
    return _day(text) + timedelta(days=1 if len(text) == len("2026-11-02") else 0)


def given_by(path: str) -> Mapping[str, str]:
    """The query of a path."""
    return dict(parse_qsl(path.partition("?")[2]))


def behind(asked: Asked) -> Behind:
    """The attempts of a page."""
    words = {"by": "by", "key": "key", "only": "only", "reason": "rework_reason"}
    words |= {"price": "price_status", "usage": "usage_source", "row": "price_id"}
    told = {field: asked.given[word] for word, field in words.items() if word in asked.given}
    ids: list[str] = json.loads(asked.given.get("model", "[]"))
    steps: list[list[str]] = json.loads(asked.given.get("path", "[]"))
    path = tuple((kind, name) for kind, name in steps)
    return Behind(asked.part, **told, model_ids=tuple(ids), path=path)


def report(asked: Asked) -> AgentReport:
    """The agent of a page, whole."""
    part = asked.part
    by: Any = asked.given.get("by", "version")
    return asked.ledger.agent(
        part.agent_name, part.since, part.until, by=by, agent_version=part.agent_version,
        tenant=part.tenant,
    )  # fmt: skip


def rework(asked: Asked) -> ReworkReport:
    """What was wasted, of a page."""
    part = asked.part
    by: Any = asked.given.get("by", "agent")
    return asked.ledger.rework(
        part.since, part.until, by=by, agent_name=part.agent_name, tenant=part.tenant,
        agent_version=part.agent_version,
    )  # fmt: skip


def pools(asked: Asked, by: Literal["total", "day"]) -> Sequence[PoolRow]:
    """Pools of GPUs of the page's period."""
    return asked.ledger.pools(asked.part.since, asked.part.until, by=by)
