"""The thread that brings acknowledged records into the ledger, once each, in order.

::

    wait for a record -> linger for more -> freeze a batch -> INSERT -> release -> on_loaded
                                                  ^              |
                                                  +--- again ----+  after a fault that may pass

Spans and metrics lie in the journal side by side and go to tables of their own: what is frozen is a
batch of each, sent one after the other and released together. When the outcome of an INSERT is
unknown the same batch is sent again: its token makes the database drop what it has. A batch cut
short by a crash is found by asking the ledger for the last record of its signal that arrived: what
arrived and was not released is that batch. Should the database have lost its log of tokens (a power
cut; it is not synced) rows are stored twice and read once, because ``spans`` is keyed by span,
``arrivals`` by record, ``gpu_samples`` by device and time, ``engine_samples`` by server and time.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from spanledger_collector.errors import CollectorError
from spanledger_collector.load.batch import Batch, by_signal, fitting, room_left
from spanledger_collector.load.frame import LoadRecord
from spanledger_collector.load.insert import StoreInserter
from spanledger_collector.load.metrics import LoadMetrics
from spanledger_collector.load.sender import Sender
from spanledger_collector.load.source import LoadJournal
from spanledger_collector.signals import SIGNALS, Signal
from spanledger_collector.store import Store

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.2
_FIRST_DELAY_SECONDS = 0.25
_LONGEST_DELAY_SECONDS = 15.0
_MAX_RECORDS = 10_000


@dataclass(slots=True)
class _Frozen:
    """What is on its way to the ledger, unchanged until it is released.

    Attributes:
        batches: at least one.
        last: sequence of the last record in any of them.
        sent: how many of them the ledger has.
    """

    batches: tuple[Batch, ...]
    last: int
    sent: int = 0


class Loader:
    """Moves records from the journal to the ledger, in a thread of its own.

    Args:
        journal: where acknowledged records are.
        store: where the ledger is.
        on_loaded: called in the loader's thread after each batch; must not block.
        linger_seconds: how long a batch waits for more records. An INSERT costs about 0.1 s of one
            core whatever it holds, so this bounds what a thin stream costs.
        batch_spans: spans in one INSERT at most (a record is never split).
        registry: where the metrics go; a private one if not given.
    """

    def __init__(
        self,
        journal: LoadJournal,
        store: Store,
        on_loaded: Callable[[], None],
        *,
        linger_seconds: float = 1.0,
        batch_spans: int = 20_000,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._journal = journal
        self._on_loaded = on_loaded
        self._linger_seconds = linger_seconds
        self._batch_spans = batch_spans
        self._metrics = LoadMetrics(registry or CollectorRegistry())
        self._inserter = StoreInserter(store)
        self._sender = Sender(self._inserter, journal.set_aside, self._metrics)
        self._frozen: _Frozen | None = None
        self._recovered = False
        self._draining = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spanledger-load", daemon=True)

    @property
    def running(self) -> bool:
        """The thread lives; after :meth:`stop` that means an INSERT that does not end."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, drain: bool = True, timeout_seconds: float = 30.0) -> bool:
        """Stops the thread; what is not loaded stays in the journal for the next start.

        Args:
            drain: load first what the journal holds.
            timeout_seconds: longest to wait for that, and once more for an INSERT that runs then.

        Returns:
            Whether nothing is left to load.
        """
        self._draining.set()
        if not drain:
            self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)
            self._stopping.set()
            self._thread.join(timeout_seconds)
        return not self._journal.wait(self._journal.first_unreleased, 0)

    def _run(self) -> None:
        delay = _FIRST_DELAY_SECONDS
        while not self._stopping.is_set():
            try:
                if not self._step():
                    break
                delay = _FIRST_DELAY_SECONDS
                continue
            except CollectorError as error:
                _LOG.warning("loading waits %.1f s: %s", delay, error)
            except Exception:  # noqa: BLE001 -- told and counted here; the stream must go on
                _LOG.exception("loading waits %.1f s after an unexpected error", delay)
            self._metrics.retries.inc()
            self._inserter.close()
            self._stopping.wait(delay)
            delay = min(2 * delay, _LONGEST_DELAY_SECONDS)
        self._inserter.close()

    def _step(self) -> bool:
        """Loads the next batch, if there is one; False when all is loaded and no more is wanted.

        May be called again after any error: a batch stays frozen until it is released.
        """
        if not self._recovered:
            self._frozen = self._interrupted()
            self._recovered = True
        if self._frozen is None:
            if not self._journal.wait(self._journal.first_unreleased, _POLL_SECONDS):
                return not self._draining.is_set()
            self._frozen = self._freeze(self._gather(), {})
        if self._frozen is not None:
            for batch in self._frozen.batches[self._frozen.sent :]:
                self._sender.send(batch)
                self._frozen.sent += 1
            self._journal.release(self._frozen.last + 1)
            self._frozen = None
            self._on_loaded()
        return True

    def _interrupted(self) -> _Frozen | None:
        """What a crash may have left between INSERT and release, exactly as it was."""
        first = self._journal.first_unreleased
        arrived: Mapping[Signal, int] = {
            signal: self._inserter.last_arrived(signal, self._journal.journal_id, first)
            for signal in SIGNALS
        }
        last = max(arrived.values())
        records: list[LoadRecord] = []
        position = first
        while position <= last:
            found = self._journal.read(
                position, max_records=_MAX_RECORDS, max_spans=self._batch_spans
            )
            if not found:
                break
            records += (record for record in found if record.sequence <= last)
            position = found[-1].sequence + 1
        return self._freeze(records, arrived)

    def _gather(self) -> list[LoadRecord]:
        """Records for one batch: what is there, and what comes while it lingers."""
        deadline = time.monotonic() + self._linger_seconds
        records: list[LoadRecord] = []
        position = self._journal.first_unreleased
        while room := room_left(records, self._batch_spans):
            found = self._journal.read(position, max_records=_MAX_RECORDS, max_spans=room)
            records += found
            if found:
                position = found[-1].sequence + 1
            elif not self._linger(position, deadline):
                break
        return records[: fitting(records)]

    def _linger(self, position: int, deadline: float) -> bool:
        """Whether a record came before the deadline; does not wait when draining."""
        while not self._draining.is_set() and (left := deadline - time.monotonic()) > 0:
            if self._journal.wait(position, min(left, _POLL_SECONDS)):
                return True
        return False

    def _freeze(
        self, records: Sequence[LoadRecord], arrived: Mapping[Signal, int]
    ) -> _Frozen | None:
        if not records:
            return None
        batches = by_signal(self._journal.journal_id, records, arrived)
        return _Frozen(batches, records[-1].sequence)
