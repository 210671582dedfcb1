"""The thread that looks every few seconds whether the database answers and the disk takes again.

Nobody has to read or send for a fault to show: ``/readyz``, ``/healthz`` and Prometheus tell what
this saw last. A disk that refused a write is tried here, for a balancer that sends nothing to a
collector that takes nothing would never see it recover.
"""

import logging
import threading

from spanledger_collector.errors import CollectorError, JournalUnavailableError
from spanledger_collector.journal import Journal
from spanledger_collector.store import Store

_LOG = logging.getLogger(__name__)
_INTERVAL_SECONDS = 5.0
#: A server that hangs is as good as one that is away.
_LIMITS = {"max_execution_time": 5}


class Pulse:
    """Looks in a thread of its own.

    Args:
        journal: the open journal.
        interval_seconds: between two looks.

    Attributes:
        database_up: whether the database answered last; None before the ledger is open.
    """

    def __init__(self, journal: Journal, interval_seconds: float = _INTERVAL_SECONDS) -> None:
        self._journal = journal
        self._interval_seconds = interval_seconds
        self.database_up: bool | None = None
        self._store: Store | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spanledger-pulse", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def opened(self, store: Store) -> None:
        """From now on there is a database to ask."""
        self._store, self.database_up = store, True

    def stop(self, timeout_seconds: float) -> bool:
        """End the thread; returns whether it ended in time."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_seconds):
            try:
                self._look()
            except Exception:  # noqa: BLE001 -- told here; a thread that dies would see nothing more
                if not self._stopping.is_set():  # else the ledger is closed meanwhile
                    _LOG.exception("whether the collector can work could not be seen")

    def _look(self) -> None:
        if not self._journal.is_writable:
            try:
                self._journal.try_again()
            except JournalUnavailableError as error:
                _LOG.debug("the journal still takes nothing: %s", error)
        # An engine in this process is not away without us.
        if self._store is not None and not self._store.address.embedded:
            self._ask(self._store)

    def _ask(self, store: Store) -> None:
        try:
            with store.connect(_LIMITS) as connection:
                connection.rows("SELECT 1 AS one")
        except CollectorError as error:
            if self.database_up:
                _LOG.warning("the database does not answer; spans wait in the journal: %s", error)
            self.database_up = False
            return
        if not self.database_up:
            _LOG.info("the database answers again")
        self.database_up = True
