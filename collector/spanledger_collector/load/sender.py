"""Brings a batch into the ledger, or the part of it that the database takes.

A refused batch is halved until the record at fault stands alone; that one is set aside and the
others are in. Before any record is blamed an empty one is sent: if that is refused too the fault is
the database's (a missing table, a right withdrawn), and nothing is set aside.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from spanledger_collector.errors import (
    PermanentError,
    StoreUnavailableError,
)
from spanledger_collector.load.batch import Batch
from spanledger_collector.load.frame import LoadRecord
from spanledger_collector.load.insert import Inserter
from spanledger_collector.load.metrics import LoadMetrics
from spanledger_collector.signals import Signal

_LOG = logging.getLogger(__name__)
# Memory may be short because of others; a record that fails so often alone is itself too large.
_ATTEMPTS_OUT_OF_MEMORY = 3


@dataclass(frozen=True, slots=True)
class EmptyRecord:
    """A request of nothing: accepted by every database that works."""

    workspace: str = ""
    tenant: str = ""
    sequence: int = 0
    span_count: int = 0
    received_at_ns: int = 0
    payload: bytes = b""
    signal: Signal = "traces"


class Sender:
    """Sends batches, halving those that are refused.

    Args:
        inserter: where they go.
        set_aside: keeps a record that cannot be loaded, with the reason.
        metrics: what to count.
    """

    def __init__(
        self,
        inserter: Inserter,
        set_aside: Callable[[LoadRecord, str], None],
        metrics: LoadMetrics,
    ) -> None:
        self._inserter = inserter
        self._set_aside = set_aside
        self._metrics = metrics
        self._out_of_memory = 0

    def send(self, batch: Batch) -> None:
        """Sends a batch; may be called again with the same batch after an error.

        Raises:
            RetryableError: the database does not take it now, or its outcome is unknown.
        """
        try:
            self._inserter.insert(batch)
        except PermanentError as error:
            self._divide(batch, error)
        except StoreUnavailableError as error:
            if not error.out_of_memory:
                raise
            self._out_of_memory += 1
            if len(batch.records) == 1 and self._out_of_memory < _ATTEMPTS_OUT_OF_MEMORY:
                raise
            self._divide(batch, error)
        else:
            self._out_of_memory = 0
            self._metrics.batches.inc()
            self._metrics.records.inc(len(batch.records))
            self._metrics.loaded(batch.signal, batch.spans)

    def _divide(self, batch: Batch, error: Exception) -> None:
        self._check_database(batch)
        record, *others = batch.records
        if others:
            for half in batch.halves():
                self.send(half)
            return
        self._set_aside(record, str(error))
        self._out_of_memory = 0
        self._metrics.set_aside.inc()
        self._metrics.refused(batch.signal, record.span_count)
        _LOG.error("record %d cannot be loaded and was set aside: %s", record.sequence, error)

    def _check_database(self, batch: Batch) -> None:
        empty: tuple[LoadRecord, ...] = (EmptyRecord(signal=batch.signal),)
        try:
            self._inserter.insert(Batch(batch.journal_id, empty))
        except PermanentError as error:
            raise StoreUnavailableError(
                f"the database refuses even an empty request: {error}; repair its tables: "
                "what was acknowledged waits in the journal"
            ) from error
