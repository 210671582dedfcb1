"""What the scraper counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class ScrapeMetrics:
    """Counters of one scraper, by the name of the engine in the operator's file.

    Attributes:
        requests: questions by outcome (ok, empty, malformed, status, unreachable, refused, failed).
        answered: when an engine last told something that is kept, seconds since 1970.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "spanledger_scrape_requests",
            "Questions for the metrics of an engine, by what came of them",
            ["engine", "outcome"],
            registry=registry,
        )
        self.answered = Gauge(
            "spanledger_scrape_last_answer_timestamp_seconds",
            "When an engine told something that is kept",
            ["engine"],
            registry=registry,
        )
