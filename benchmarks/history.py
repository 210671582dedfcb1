"""A year of a busy ledger: made-up attempts and runs, no two alike, made in the engine.

The models are those of the shipped price book, as the real settler resolves them; the rest is
written as it would have written it, in order of time and in INSERTs of its usual kind, which the
engine merges as it pleases.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from spanledger_collector.price import PriceBook, publish
from spanledger_collector.settle import Settler
from spanledger_collector.store import Connection, Store, migrate

_HERE = Path(__file__)
_SPANS = _HERE.with_name("told_spans.sql")
_SPAN_RUNS = _HERE.with_name("span_runs.sql")
_CHARGES = _HERE.with_name("charges.sql")
_ATTEMPTS = _HERE.with_name("attempts.sql")
_RUNS = _HERE.with_name("runs.sql")
_MODELS = _HERE.with_name("models.sql")
SINCE = datetime(2025, 11, 1, tzinfo=timezone.utc)
_ALIASES_TRACE = "f" * 32
_MODEL_COUNT = 60
_AT_ONCE = 100_000
NO_LIMITS = {"max_execution_time": 0, "max_memory_usage": 0}


def tell(connection: Connection, attempts: int) -> None:
    """The spans that these attempts are of, eleven for every ten, and which run each is of."""
    for first in range(0, attempts, _AT_ONCE):
        part = {"first": first, "count": min(_AT_ONCE, attempts - first)}
        asked = {**part, "total": attempts, "since": SINCE}
        connection.execute(_SPANS.read_text(encoding="utf-8"), asked, NO_LIMITS)
    for month in range(13):
        since, until = (SINCE + timedelta(days=30 * each) for each in (month, month + 1))
        asked = {"since": since, "until": until}
        connection.execute(_SPAN_RUNS.read_text(encoding="utf-8"), asked, NO_LIMITS)


def charge(connection: Connection, agent_name: str, asset_id: str) -> None:
    """What the runs of an agent carry of an asset."""
    asked = {"agent_name": agent_name, "asset_id": asset_id}
    connection.execute(_CHARGES.read_text(encoding="utf-8"), asked, NO_LIMITS)


def fill(store: Store, connection: Connection, attempts: int) -> None:
    """Make a ledger of that many attempts of model calls, and a run for every ten of them."""
    migrate(connection)
    book = PriceBook.shipped()
    publish(connection, book)
    asked = {"models": _MODEL_COUNT, "trace_id": _ALIASES_TRACE, "at": SINCE}
    connection.execute(_MODELS.read_text(encoding="utf-8"), asked)
    settler = Settler(store, journal_id="benchmark", resolve=book.resolve, book_id=book.book_id)
    settler.settle_traces([("aliases", _ALIASES_TRACE)])
    for first in range(0, attempts, _AT_ONCE):
        connection.execute(
            _ATTEMPTS.read_text(encoding="utf-8"),
            {
                "first": first,
                "count": min(_AT_ONCE, attempts - first),
                "total": attempts,
                "since": SINCE,
            },
            NO_LIMITS,
        )
    connection.execute(_RUNS.read_text(encoding="utf-8"), None, NO_LIMITS)
