"""What the loader counts, for ``/metrics``."""

from prometheus_client import CollectorRegistry, Counter

from spanledger_collector.signals import Signal


class LoadMetrics:
    """Progress of the loader and what stands in its way."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.batches = Counter(
            "spanledger_load_batches", "INSERTs that the database accepted", registry=registry
        )
        self.spans = Counter(
            "spanledger_load_spans", "Spans in loaded journal records", registry=registry
        )
        self.points = Counter(
            "spanledger_load_points",
            "Data points of metrics in loaded journal records",
            registry=registry,
        )
        self.records = Counter(
            "spanledger_load_records", "Journal records loaded", registry=registry
        )
        self.set_aside = Counter(
            "spanledger_load_set_aside",
            "Journal records that the database cannot take, kept as dead letters",
            registry=registry,
        )
        self.set_aside_spans = Counter(
            "spanledger_load_set_aside_spans",
            "Spans in journal records kept as dead letters",
            registry=registry,
        )
        self.set_aside_points = Counter(
            "spanledger_load_set_aside_points",
            "Data points in journal records kept as dead letters",
            registry=registry,
        )
        self.retries = Counter(
            "spanledger_load_retries", "Attempts that failed and are made again", registry=registry
        )

    def loaded(self, signal: Signal, count: int) -> None:
        """Count spans or data points that are in the ledger."""
        (self.points if signal == "metrics" else self.spans).inc(count)

    def refused(self, signal: Signal, count: int) -> None:
        """Count spans or data points of a record that was set aside."""
        (self.set_aside_points if signal == "metrics" else self.set_aside_spans).inc(count)
