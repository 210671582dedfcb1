"""Which alerts fire: entered at the threshold, left well inside of it, kept over a restart."""

from __future__ import annotations

import heapq
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import TypeAdapter

from spanledger_collector.query.waste import Bound

from .evaluation import MAX_KEYS, Ask, Reading, Readings
from .rules import Condition, Direction, Rules, Unit

_LOG = logging.getLogger(__name__)
#: Rule, key, threshold.
AlertId = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert, now.

    Attributes:
        rule: name of the rule or budget.
        key: whose it is; empty = the whole workspace.
        unit: of ``threshold`` and ``value``: USD, a share of one, or so many.
        direction: it fires ``above`` the threshold, from it on, or ``below`` it.
        window: ``day``, ``month``, or the hours of a rolling one.
        since: where the window starts that ``value`` is of.
        until: where it ends.
        value: None where nobody can tell; then it stays as it was.
        firing_since: None where it does not fire.
        bound: what ``value`` is of the true one, where costs are not known; empty = it is that.
    """

    rule: str
    workspace: str
    per: str
    key: str
    metric: str
    unit: Unit
    direction: Direction
    window: str
    since: datetime
    until: datetime
    threshold: Decimal
    value: Decimal | None
    firing_since: datetime | None
    bound: Bound = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """An alert that began or ended."""

    status: Literal["firing", "resolved"]
    reading: Reading
    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class _Firing:
    """Since when an alert fires, and what it is one of; None = of an earlier release."""

    since: datetime
    condition: Condition | None


_CONDITION: TypeAdapter[Condition | None] = TypeAdapter(Condition | None)
_AS_JSON: Mapping[str, Any] = {"mode": "json", "exclude_defaults": True}


class Board:
    """What fires, and since when.

    Args:
        path: the file it is kept in; None = in memory only.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._firing: dict[AlertId, _Firing] = {} if path is None else _load(path)

    def firing_keys(self, condition: Condition) -> list[str]:
        """Whose alerts of this condition fire."""
        rule, threshold = condition.rule, f"{condition.threshold:f}"
        return [key for name, key, at in self._firing if (name, at) == (rule, threshold)]

    def update(
        self, readings: Iterable[Reading], now: datetime
    ) -> tuple[list[AlertRow], list[Transition]]:
        """Hold readings against what fires; alerts of rules and bounds that are gone end.

        Args:
            readings: those of a condition together.
            now: the moment.

        Returns:
            Of each condition the worst alerts, ``MAX_KEYS`` of them; and all that changed.
        """
        rows: list[AlertRow] = []
        changed: list[Transition] = []
        firing: dict[AlertId, _Firing] = {}
        gone = dict(self._firing)
        for condition, group in groupby(readings, key=attrgetter("condition")):
            found: list[AlertRow] = []
            for reading in group:
                place = _id(reading)
                before = gone.pop(place, None)
                since = before.since if before is not None else None
                fires = self._fires(reading, firing=since is not None)
                if fires:
                    firing[place] = _Firing(since or now, condition)
                    if since is None:
                        changed.append(Transition("firing", reading, now, now))
                elif since is not None:
                    changed.append(Transition("resolved", reading, since, now))
                found.append(_row(reading, (since or now) if fires else None))
            rows += _worst(found, above=condition.above)
        changed[:0] = _ended(gone, now)
        if firing != self._firing:
            self._firing = firing
            self._save()
        return rows, changed

    @staticmethod
    def _fires(reading: Reading, *, firing: bool) -> bool:
        condition = reading.condition
        if reading.value is None:
            return firing and reading.count > 0  # unknown is neither good nor bad
        if reading.count < condition.at_least and condition.limit_usd is None:
            return False  # too few to judge
        return condition.fires(reading.value, firing=firing, bound=reading.bound)

    def _save(self) -> None:
        if self._path is None:
            return
        told = [
            [*place, one.since.isoformat(), _CONDITION.dump_python(one.condition, **_AS_JSON)]
            for place, one in self._firing.items()
        ]
        partial = self._path.with_suffix(".partial")
        try:
            partial.write_text(json.dumps(told))
            os.replace(partial, self._path)  # noqa: PTH105 - atomic, as the journal does it
        except OSError as error:
            _LOG.warning(
                "which alerts fire cannot be kept in %s: after a restart they are told again: %s",
                self._path,
                error,
            )


def alerts_of(rules: Rules, ask: Ask, now: datetime) -> list[AlertRow]:
    """Every alert as it would begin now: what fired before, and goes on, nobody says."""
    readings = Readings(ask, now)
    found = [reading for condition in rules.conditions() for reading in readings.of(condition)]
    return Board(None).update(found, now)[0]


def _id(reading: Reading) -> AlertId:
    return (reading.condition.rule, reading.key, f"{reading.condition.threshold:f}")


def _row(reading: Reading, since: datetime | None) -> AlertRow:
    condition = reading.condition
    return AlertRow(
        rule=condition.rule,
        workspace=condition.source.workspace,
        per=condition.source.per,
        key=reading.key,
        metric=condition.metric,
        unit=condition.unit,
        direction=condition.direction,
        window=condition.source.window_name,
        since=reading.window.since,
        until=reading.window.until,
        threshold=condition.threshold,
        value=reading.value,
        firing_since=since,
        bound=reading.bound,
    )


def _worst(rows: list[AlertRow], *, above: bool) -> list[AlertRow]:
    """Those that fire before others, then by their value; as they are where they are few."""
    if len(rows) <= MAX_KEYS:
        return rows

    def place(row: AlertRow) -> tuple[bool, bool, Decimal]:
        value = row.value or Decimal(0)
        return row.firing_since is None, row.value is None, -value if above else value

    return heapq.nsmallest(MAX_KEYS, rows, key=place)


def _ended(gone: Mapping[AlertId, _Firing], now: datetime) -> Iterator[Transition]:
    """The ends of alerts that nothing is read for any longer; nobody can tell their value."""
    for (_, key, _), one in gone.items():
        if one.condition is not None:
            reading = Reading(one.condition, key, None, 0, one.condition.source.at(now))
            yield Transition("resolved", reading, one.since, now)


def _load(path: Path) -> dict[AlertId, _Firing]:
    try:
        told = cast("list[list[Any]]", json.loads(path.read_text()))
        return {
            (rule, key, at): _Firing(
                datetime.fromisoformat(since), _CONDITION.validate_python(*condition or [None])
            )
            for rule, key, at, since, *condition in told
        }
    except FileNotFoundError:
        return {}
    except (OSError, TypeError, ValueError) as error:
        _LOG.warning("%s cannot be read; alerts that fire are told again: %s", path, error)
        return {}
