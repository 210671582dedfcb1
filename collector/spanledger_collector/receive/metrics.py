"""What the receivers count. Labels are our own words only, never text of a sender."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

_TRANSPORTS: Final = ("grpc", "http_protobuf", "http_json", "records")


class ReceiverMetrics:
    """Counters of one receiver.

    Attributes:
        requests: answered requests by transport (grpc, http_protobuf, http_json, http, scrape) and
            outcome (ok, partial, or the kind of refusal).
        spans: spans by transport and outcome (accepted, refused).
        points: data points of metrics, likewise.
        log_records: log records by transport and outcome (used = evaluations, unused, refused).
        bytes: body bytes by transport, after decompression.
        bytes_in_flight: body bytes of requests in progress.
        repaired_texts: strings that were not UTF-8, stored with U+FFFD.
        json_lenient: JSON fields accepted although OTLP forbids senders to write them so.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "spanledger_receive_requests",
            "OTLP requests answered",
            ["transport", "outcome"],
            registry=registry,
        )
        self.spans = Counter(
            "spanledger_receive_spans",
            "Spans in answered OTLP requests",
            ["transport", "outcome"],
            registry=registry,
        )
        for transport in _TRANSPORTS:  # from 0 on: the first one is an increase
            self.requests.labels(transport, "ok")
            for outcome in ("accepted", "refused"):
                self.spans.labels(transport, outcome)
        self.points = Counter(
            "spanledger_receive_points",
            "Data points of metrics in answered OTLP requests",
            ["transport", "outcome"],
            registry=registry,
        )
        self.log_records = Counter(
            "spanledger_receive_log_records",
            "Log records in answered OTLP requests",
            ["transport", "outcome"],
            registry=registry,
        )
        self.bytes = Counter(
            "spanledger_receive_bytes",
            "Body bytes of OTLP requests after decompression",
            ["transport"],
            registry=registry,
        )
        self.bytes_in_flight = Gauge(
            "spanledger_receive_bytes_in_flight",
            "Body bytes of requests in progress",
            registry=registry,
        )
        self.repaired_texts = Counter(
            "spanledger_receive_repaired_texts",
            "Strings that were not UTF-8, stored with U+FFFD for what is no text",
            registry=registry,
        )
        self.json_lenient = Counter(
            "spanledger_receive_json_lenient",
            "OTLP/JSON fields with snake_case names or enum names, accepted all the same",
            registry=registry,
        )
