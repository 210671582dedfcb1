"""Since when a ledger knows what a book says.

A book dates its rows itself, the operator's file with ``known_from`` or else ``valid_from``, which
may be long ago. A ledger that has billed calls before it was told cannot have known: such a row is
known from the moment it is published, whatever date it bears, so that settling an old call again,
or asking what was known then, gives what it gave. An empty ledger takes the dates as they are.
"""

from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TypeVar, cast

from spanledger_collector import sql
from spanledger_collector.store import Connection

K = TypeVar("K", bound=Hashable)
#: Resolution of instants in the ledger.
TICK = timedelta(milliseconds=1)


def floor(connection: Connection) -> datetime | None:
    """The first instant at which something new can be known; None = nothing was billed yet.

    It is after every call that was received, also one received by a clock ahead of this one.

    Raises:
        StoreUnavailableError: the ledger does not answer.
    """
    (row,) = connection.rows(sql.read("store/last_billed.sql"))
    if not row["calls"]:
        return None
    now = datetime.now(timezone.utc)
    last = max(now, cast("datetime", row["received_at"]))
    return last.replace(microsecond=last.microsecond // 1000 * 1000) + TICK


def learned(
    told: Iterable[tuple[K, datetime]], latest: Mapping[K, datetime], start: datetime | None
) -> list[datetime]:
    """Since when each of some new rows is known, of one key one after the other.

    Args:
        told: key and known time of the rows as the book has them, in the order of that time.
        latest: the newest known time the ledger holds of a key.
        start: what :func:`floor` said.
    """
    if start is None:
        return [known_from for _, known_from in told]
    newest = dict(latest)
    found: list[datetime] = []
    for key, known_from in told:
        known = max(known_from, start)
        if known > known_from and key in newest:
            known = max(known, newest[key] + TICK)
        newest[key] = max(known, newest.get(key, known))
        found.append(known)
    return found
