"""Turns: of the collectors over one server, one at a time posts charges and takings.

What is posted depends on what was posted before and is never rewritten: two collectors that settle
one trace at once would each charge it, and the books of the asset would count it twice. So posting
is done in turns. A turn is a numbered row of ``posting_turns``; of those who insert one number at
once, one wins, because its deduplication token is known to the server already when the others come.

A turn that is not given back, because its collector died, is free again after ``LEASE_SECONDS`` of
the server's clock. Its holder begins no statement that could still run then: there are never two.
Nor is it given back where the answer of a statement was lost: the server may still be running it.

The embedded engine has one process and one settler: no turns are taken there.
"""

import logging
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple, cast

from spanledger_collector import sql
from spanledger_collector.errors import CollectorError, RetryableError
from spanledger_collector.store import Connection

_LOG = logging.getLogger(__name__)
#: How long a turn lasts at most.
LEASE_SECONDS = 60.0
#: Longest that one statement of a turn may run; some more until the server really ends it.
_STATEMENT_SECONDS = 20
_ENDING_SECONDS = 10.0
_PAUSE_SECONDS = 0.05
_WHAT = "posting"
# Codes by which a server tells that another one did not answer it.
_UNANSWERED = frozenset({209, 210})
_COLUMNS = ("what", "step", "holder", "until")
_LIMITS: Mapping[str, object] = MappingProxyType({"max_execution_time": _STATEMENT_SECONDS})
_NO_LIMITS: Mapping[str, object] = MappingProxyType({})


class TurnTakenError(RetryableError):
    """Another collector posts, or a turn took too long: settle again later."""


class Turn:
    """The right to post.

    Args:
        ends_at: moment of the monotonic clock when it is over; None = never.
    """

    def __init__(self, ends_at: float | None) -> None:
        self._ends_at = ends_at

    def limits(self) -> Mapping[str, object]:
        """Settings for the next statement, which keep it within the turn.

        Raises:
            TurnTakenError: too little is left of it.
        """
        if self._ends_at is None:
            return _NO_LIMITS
        if time.monotonic() + _STATEMENT_SECONDS + _ENDING_SECONDS > self._ends_at:
            raise TurnTakenError("posting took longer than a turn lasts")
        return _LIMITS


class _Taken(NamedTuple):
    step: int
    holder: str
    until: datetime
    ends_at: float


@contextmanager
def turn(connection: Connection) -> Generator[Turn]:
    """Wait for a turn, hold it, and give it back.

    Args:
        connection: of the calling thread.

    Raises:
        TurnTakenError: others held it for longer than a turn lasts.
        CollectorError: the server does not answer.
    """
    if connection.embedded:
        yield Turn(None)
        return
    taken = _take(connection)
    try:
        yield Turn(taken.ends_at)
    except CollectorError as error:
        if _ended(error):
            _give_back(connection, taken)
        else:
            _LOG.warning("nobody posts for up to %.0f s: %s", LEASE_SECONDS, error)
        raise
    else:
        _give_back(connection, taken)


def try_turn(connection: Connection) -> None:
    """Ask whose turn it is, and try to insert one, taking none.

    Raises:
        CollectorError: nobody could take a turn.
    """
    if not connection.embedded:
        _last(connection)
        connection.try_insert("posting_turns", _COLUMNS)


def _ended(error: CollectorError) -> bool:
    """Whether nothing of the turn runs any more."""
    if isinstance(error, TurnTakenError):
        return True
    return error.clickhouse_code is not None and error.clickhouse_code not in _UNANSWERED


def _give_back(connection: Connection, taken: _Taken) -> None:
    try:
        _insert(connection, taken.step + 1, taken.holder, taken.until)
    except CollectorError as error:
        _LOG.warning("others post in %.0f s at the latest: %s", LEASE_SECONDS, error)


def _take(connection: Connection) -> _Taken:
    holder = uuid.uuid4().hex
    waiting_since = time.monotonic()
    dropped_at, seen = waiting_since, -1
    while True:
        asked = time.monotonic()
        step, _, is_free, at = _last(connection)
        if is_free:
            # A number that is known to the server and is nowhere, after a power cut of its, is
            # passed over when it would have run out: counted from our own row that was dropped,
            # for only then had somebody else's come.
            passed_over = int((asked - dropped_at) / LEASE_SECONDS) if step == seen else 0
            wanted = step - step % 2 + 2 + 2 * passed_over
            until = at + timedelta(seconds=LEASE_SECONDS)
            _insert(connection, wanted, holder, until)
            if _last(connection)[:2] == (wanted, holder):
                return _Taken(wanted, holder, until, asked + LEASE_SECONDS)
            if step != seen:
                dropped_at, seen = time.monotonic(), step
        if asked > waiting_since + 2 * LEASE_SECONDS:
            raise TurnTakenError("another collector has been posting for too long")
        time.sleep(_PAUSE_SECONDS)


def _last(connection: Connection) -> tuple[int, str, bool, datetime]:
    (row,) = connection.rows(sql.read("transforms/last_turn.sql"))
    asked_at = cast("datetime", row["asked_at"])
    return cast("int", row["step"]), str(row["holder"]), bool(row["is_free"]), asked_at


def _insert(connection: Connection, step: int, holder: str, until: datetime) -> None:
    """A step; dropped by the server where somebody else has inserted it."""
    connection.insert_rows(
        "posting_turns",
        _COLUMNS,
        [(_WHAT, step, holder, until)],
        {"insert_deduplicate": 1, "insert_deduplication_token": f"{_WHAT}-{step}"},
    )
