"""Writes the rules into the ledger's table ``value_rules``: append only, a rule taken out is ended.

Value is management's estimate, not a bill: a rule that is changed holds for past runs too, and
what it said before stays in the table with the time since when it does not hold.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import cast

from spanledger_collector import sql
from spanledger_collector.store import Connection

from .document import ValueRule

_KEY = ("workspace", "agent_name", "agent_version", "tenant", "per", "valid_from")
_TOLD = (
    "valid_to",
    "amount",
    "currency",
    "grace_seconds",
    "half_life_seconds",
    "zero_after_seconds",
    "why",
)
_COLUMNS = (*_KEY, *_TOLD, "known_from", "ended")


def publish(connection: Connection, rules: Sequence[ValueRule]) -> int:
    """Append the rules that are new or changed, and the end of those that are gone.

    Safe to repeat: rules that the ledger holds as they are are not written again.

    Returns:
        How many rows were appended.

    Raises:
        StoreUnavailableError: the ledger does not answer.
    """
    held = {
        tuple(row[name] for name in _KEY): row
        for row in connection.rows(sql.read("store/published_values.sql"))
    }
    given = {rule.key(): _values(rule) for rule in rules}
    now = datetime.now(timezone.utc)
    rows = [
        (*key, *values, _after(held.get(key), now), False)
        for key, values in given.items()
        if key not in held or held[key]["ended"] or values != _held_values(held[key])
    ]
    rows += [
        (*key, *_held_values(row), _after(row, now), True)
        for key, row in held.items()
        if key not in given and not row["ended"]
    ]
    if rows:
        connection.insert_rows("value_rules", _COLUMNS, rows)
    return len(rows)


def _values(rule: ValueRule) -> tuple[object, ...]:
    decay = rule.decay
    return (
        rule.valid_to,
        rule.amount,
        rule.currency,
        decay.grace_seconds,
        decay.half_life_seconds,
        decay.zero_after_seconds,
        rule.why,
    )


def _held_values(row: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in _TOLD)


def _after(row: Mapping[str, object] | None, now: datetime) -> datetime:
    """Now, but later than what the ledger holds, whatever the clocks say."""
    if row is None:
        return now
    return max(now, cast("datetime", row["known_from"]) + timedelta(milliseconds=1))
