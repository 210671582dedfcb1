"""The answer to a request that was stored, wholly or in part."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from typing_extensions import Self

from spanledger_collector.receive.wire import Kind

_MAX_EXPLANATION = 1024
#: What was left out of a request, by its kind, in JSON.
_JSON_NAMES: Final[Mapping[Kind, str]] = {
    "traces": "rejectedSpans",
    "metrics": "rejectedDataPoints",
    "logs": "rejectedLogRecords",
}


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What became of a request.

    Attributes:
        rejected: spans, data points or log records that were left out.
        explanation: why, for the sender; without rejected ones a warning, as OTLP has it.
        signal: what the request was of.
    """

    rejected: int = 0
    explanation: str = ""
    signal: Kind = "traces"

    @classmethod
    def of_spans(cls, stored: int, rejected: int, first: str, repaired: int = 0) -> Self:
        """That of a request of spans; ``first`` says why the first was left out.

        ``repaired`` counts the strings that were not UTF-8.
        """
        return cls._told(
            rejected,
            f"{rejected} spans were rejected, {stored} stored; first: {first}. "
            "Do not send them again: repair the ids at the sender.",
            "traces",
            repaired,
        )

    @classmethod
    def of_points(cls, stored: int, rejected: int, first: str, repaired: int = 0) -> Self:
        """That of a request of metrics, likewise."""
        return cls._told(
            rejected,
            f"{rejected} data points were not kept, {stored} stored; first: {first}. "
            "Do not send them again.",
            "metrics",
            repaired,
        )

    @classmethod
    def of_evaluations(cls, stored: int, rejected: int, first: str, repaired: int = 0) -> Self:
        """That of a request of logs, of which evaluations alone can be rejected."""
        return cls._told(
            rejected,
            f"{rejected} evaluations were rejected, {stored} stored; first: {first}. "
            "Do not send them again.",
            "logs",
            repaired,
        )

    @classmethod
    def _told(cls, rejected: int, explanation: str, signal: Kind, repaired: int) -> Self:
        told = [explanation] if rejected else []
        if repaired:
            told.append(
                f"{repaired} strings were not UTF-8, which protobuf does not allow: they are kept "
                "with U+FFFD for what is no text. Encode them as UTF-8, or send bytes_value."
            )
        return cls(rejected, " ".join(told)[:_MAX_EXPLANATION], signal)

    @property
    def http_status(self) -> int:
        """What was left out of a request is told in the body of a success."""
        return 200

    def protobuf(self) -> bytes:
        """As the response of its signal: no bytes at all when everything was stored as it came."""
        if not self.explanation:
            return b""
        if self.signal == "metrics":
            return ExportMetricsServiceResponse(
                partial_success=ExportMetricsPartialSuccess(
                    rejected_data_points=self.rejected, error_message=self.explanation
                )
            ).SerializeToString()
        if self.signal == "logs":
            return ExportLogsServiceResponse(
                partial_success=ExportLogsPartialSuccess(
                    rejected_log_records=self.rejected, error_message=self.explanation
                )
            ).SerializeToString()
        return ExportTraceServiceResponse(
            partial_success=ExportTracePartialSuccess(
                rejected_spans=self.rejected, error_message=self.explanation
            )
        ).SerializeToString()

    def json(self) -> dict[str, object]:
        """The same as JSON."""
        if not self.explanation:
            return {}
        name = _JSON_NAMES[self.signal]
        return {"partialSuccess": {name: str(self.rejected), "errorMessage": self.explanation}}
