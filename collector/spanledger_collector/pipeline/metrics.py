"""What the journal and the settler tell Prometheus: read when somebody asks, nothing is kept."""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as PrometheusCollector

from spanledger_collector.journal import Journal
from spanledger_collector.pipeline.engine import Engine
from spanledger_collector.price import PriceBook


class PipelineMetrics(PrometheusCollector):
    """Shows the journal's backlog and damage, whether the ledger is open, and what is settled.

    Args:
        journal: the open journal.
        engine: the ledger and its stages.
        book: the prices it uses.
    """

    def __init__(self, journal: Journal, engine: Engine, book: PriceBook) -> None:
        self._journal = journal
        self._engine = engine
        self._book = book

    def describe(self) -> Iterable[Metric]:
        """The same families: names that no other metric may use."""
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        """The values of this moment.

        Raises:
            JournalUnavailableError: the journal cannot be read.
        """
        yield from self._backlog()
        yield from self._damages()
        yield from self._settled()
        yield from self._verified()
        yield GaugeMetricFamily(
            "spanledger_price_book_age_seconds",
            "Time since the price book was last changed: prices that changed since are not known",
            value=self._book.age(datetime.now(timezone.utc)).total_seconds(),
        )

    def _backlog(self) -> Iterator[Metric]:
        backlog = self._journal.backlog()
        yield GaugeMetricFamily(
            "spanledger_journal_backlog_records",
            "Acknowledged requests that are not loaded yet",
            value=backlog.records,
        )
        yield GaugeMetricFamily(
            "spanledger_journal_writable",
            "1 when the disk took what was to be written to the journal last, else 0",
            value=int(self._journal.is_writable),
        )
        yield GaugeMetricFamily(
            "spanledger_journal_backlog_bytes",
            "Bytes of the journal that hold acknowledged requests that are not loaded yet",
            value=backlog.bytes,
        )
        yield GaugeMetricFamily(
            "spanledger_journal_backlog_age_seconds",
            "Age of the oldest acknowledged request that is not loaded yet",
            value=backlog.oldest_age_seconds,
        )

    def _damages(self) -> Iterator[Metric]:
        damages = self._journal.damages
        ranges = CounterMetricFamily(
            "spanledger_journal_damaged_ranges",
            "Damaged places of the journal, kept in its quarantine",
            labels=["kind"],
        )
        ranges.add_metric(["bytes"], damages.ranges)
        ranges.add_metric(["foreign_segment"], damages.foreign_segments)
        yield ranges
        yield CounterMetricFamily(
            "spanledger_journal_damaged_bytes",
            "Bytes of the damaged places of the journal",
            value=damages.bytes,
        )
        yield CounterMetricFamily(
            "spanledger_journal_torn_bytes",
            "Damaged bytes cut from the journal's end after a crash: never acknowledged",
            value=damages.torn_bytes,
        )

    def _settled(self) -> Iterator[Metric]:
        settler = self._engine.settler
        yield GaugeMetricFamily(
            "spanledger_ledger_open",
            "1 once the ledger was opened after the start, 0 until then",
            value=int(self._engine.reader is not None),
        )
        yield GaugeMetricFamily(
            "spanledger_database_up",
            "1 when the database answered when it was asked last, a few seconds ago, else 0",
            value=int(self._engine.pulse.database_up or False),
        )
        traces = CounterMetricFamily(
            "spanledger_settle_traces", "Traces settled, and those that failed", labels=["outcome"]
        )
        traces.add_metric(["settled"], settler.settled_traces if settler else 0)
        traces.add_metric(["failed"], settler.failed_traces if settler else 0)
        yield traces
        yield GaugeMetricFamily(
            "spanledger_settle_waiting_traces",
            "Traces that are loaded and not settled yet",
            value=settler.waiting() if settler else 0,
        )
        yield GaugeMetricFamily(
            "spanledger_settle_requested_traces",
            "Traces that are to be settled again, because somebody or a new version asked",
            value=settler.requested_traces if settler else 0,
        )
        parked = GaugeMetricFamily(
            "spanledger_settle_parked_traces",
            "Traces that settling goes on without: they wait, or are refused (table parked_traces)",
            labels=["state"],
        )
        for state in ("waits", "refused"):
            parked.add_metric([state], settler.parked.count(state) if settler else 0)
        yield parked

    def _verified(self) -> Iterator[Metric]:
        """No sample before the first look."""
        verifier = self._engine.verifier
        missing = GaugeMetricFamily(
            "spanledger_ledger_missing_spans",
            "Spans of the last 35 days that were loaded and are not in the ledger any more",
        )
        age = GaugeMetricFamily(
            "spanledger_ledger_verified_age_seconds",
            "Time since it was looked at whether loaded spans are in the ledger still",
        )
        if verifier is not None and verifier.missing_spans is not None:
            missing.add_metric([], verifier.missing_spans)
            age.add_metric([], time.monotonic() - verifier.looked_at)
        yield missing
        yield age
