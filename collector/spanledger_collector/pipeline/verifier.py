"""The thread that looks now and then whether what was loaded is still there.

An operator's DELETE, a dropped partition, a TTL, a restored backup that is too old: sums would be
lower the next time they are asked for, and nobody would know. One query an hour over the days of
the last weeks; ``spanledger verify`` looks at any days.
"""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import cast

from spanledger_collector import sql
from spanledger_collector.errors import CollectorError
from spanledger_collector.store import Store

_LOG = logging.getLogger(__name__)
_DAYS = timedelta(days=35)
#: After the start, when there is much to load; and between the two looks that a doubt takes.
_FIRST_SECONDS = 60.0
_DOUBT_SECONDS = 5.0
#: Sums of traces that are larger than that wait on disk.
_ON_DISK_BYTES = 300_000_000
_LIMITS = {
    "max_execution_time": 120,
    "max_memory_usage": 1 << 30,
    "max_bytes_before_external_group_by": _ON_DISK_BYTES,
}

Missing = Mapping[tuple[str, date], int]


class Verifier:
    """Looks in a thread of its own.

    Args:
        store: the ledger.
        interval_seconds: between two looks; 0 = never.

    Attributes:
        missing_spans: what was missing at the last look; None before the first.
        looked_at: when that was, of the monotonic clock.
    """

    def __init__(self, store: Store, interval_seconds: float) -> None:
        self._store = store
        self._interval_seconds = interval_seconds
        self.missing_spans: int | None = None
        self.looked_at = 0.0
        self._told: Missing = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; does nothing where it is not wanted."""
        if self._interval_seconds:
            self._thread = threading.Thread(target=self._run, name="spanledger-verify", daemon=True)
            self._thread.start()

    def stop(self, timeout_seconds: float) -> bool:
        """End the thread; returns whether it ended in time."""
        self._stopping.set()
        if self._thread is None:
            return True
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def look(self, now: datetime) -> Missing:
        """Spans that are missing, by workspace and day; what is new among them is logged.

        Raises:
            CollectorError: the ledger does not answer.
        """
        since = (now - _DAYS).date()
        missing = self._asked(since)
        if missing:
            # Tables are read one after the other, so what just arrives may look like missing.
            self._stopping.wait(_DOUBT_SECONDS)
            again = self._asked(since)
            missing = {key: min(n, again[key]) for key, n in missing.items() if key in again}
        for (workspace, day), spans in missing.items():
            if self._told.get((workspace, day)) != spans:
                _LOG.error(
                    "%d spans of workspace %r of %s are not in the ledger any more: somebody "
                    "deleted rows of `spans`; `spanledger verify` tells more",
                    spans,
                    workspace,
                    day,
                )
        self._told = missing
        self.missing_spans, self.looked_at = sum(missing.values()), time.monotonic()
        return missing

    def _asked(self, since: date) -> Missing:
        with self._store.connect() as connection:
            rows = connection.rows(sql.read("store/missing_spans.sql"), {"since": since}, _LIMITS)
        return {
            (str(row["workspace"]), cast("date", row["day"])): cast("int", row["missing_spans"])
            for row in rows
        }

    def _run(self) -> None:
        self._stopping.wait(min(_FIRST_SECONDS, self._interval_seconds))
        while not self._stopping.is_set():
            try:
                self.look(datetime.now(timezone.utc))
            except CollectorError as error:
                _LOG.warning("whether all is there cannot be verified now: %s", error)
            except Exception:  # noqa: BLE001 -- told here; a thread that dies would verify no more
                _LOG.exception("whether all is there could not be verified: an unexpected error")
            self._stopping.wait(self._interval_seconds)
