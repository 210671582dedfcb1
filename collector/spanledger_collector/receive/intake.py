"""What every transport does with a request: identify, decode, hand on, count."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from spanledger_collector.access import Authenticate, Identity
from spanledger_collector.errors import CollectorError
from spanledger_collector.receive.admission import Accept, ByteBudget
from spanledger_collector.receive.decode import DecodedRequest, decode_protobuf
from spanledger_collector.receive.metrics import ReceiverMetrics
from spanledger_collector.receive.otlp_json import decode_json
from spanledger_collector.receive.records import RecordsAnswer, decode_records
from spanledger_collector.receive.redaction import Redact
from spanledger_collector.receive.status import refusal

# Smaller bodies are decoded at once; larger ones in a thread, so that other requests go on.
_DECODE_IN_THREAD_BYTES = 256 * 1024
_MAX_EXPLANATION = 1024

_log = logging.getLogger(__name__)
_Decoded = TypeVar("_Decoded")


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The answer to a request that was stored, wholly or in part.

    Attributes:
        rejected_spans: spans that were left out.
        explanation: why, for the sender.
    """

    rejected_spans: int = 0
    explanation: str = ""

    @property
    def http_status(self) -> int:
        """What was left out of a request is told in the body of a success."""
        return 200

    def protobuf(self) -> bytes:
        """As ``ExportTraceServiceResponse``: no bytes at all when everything was stored."""
        if not self.rejected_spans:
            return b""
        partial = ExportTracePartialSuccess(
            rejected_spans=self.rejected_spans, error_message=self.explanation
        )
        return ExportTraceServiceResponse(partial_success=partial).SerializeToString()

    def json(self) -> dict[str, object]:
        """The same as JSON."""
        if not self.rejected_spans:
            return {}
        return {
            "partialSuccess": {
                "rejectedSpans": str(self.rejected_spans),
                "errorMessage": self.explanation,
            }
        }


class Intake:
    """The one path from a transport to ``accept``.

    Args:
        accept: the journal's ``append``.
        authenticate: maps an API key to an identity.
        budget: bytes in progress over all transports.
        metrics: where outcomes are counted.
        redact: gives a request without what must not be stored; None = nothing is left out.
    """

    def __init__(
        self,
        accept: Accept,
        authenticate: Authenticate,
        budget: ByteBudget,
        metrics: ReceiverMetrics,
        redact: Redact | None = None,
    ) -> None:
        self._redact = redact
        self._accept = accept
        self._authenticate = authenticate
        self.budget = budget
        self._metrics = metrics

    def sender(self, key: str | None) -> Identity:
        """Whose request it is.

        Raises:
            UnauthenticatedError: nobody knows.
            ForbiddenError: the key may read only.
        """
        identity = self._authenticate(key)
        identity.check("send")
        return identity

    async def protobuf(self, body: bytes, identity: Identity, transport: str) -> Acknowledgement:
        """Store an OTLP/protobuf request.

        Raises:
            CollectorError: nothing of it was stored.
        """
        decoded = await _decode(decode_protobuf, body)
        return await self._store(decoded, len(body), identity, transport)

    async def json(self, body: bytes, identity: Identity, transport: str) -> Acknowledgement:
        """Store an OTLP/JSON request.

        Raises:
            CollectorError: nothing of it was stored.
        """
        decoded, lenient_fields = await _decode(decode_json, body)
        self._metrics.json_lenient.inc(lenient_fields)
        return await self._store(decoded, len(body), identity, transport)

    async def records(self, body: bytes, identity: Identity, transport: str) -> RecordsAnswer:
        """Store a request of ``/v1/records``.

        Raises:
            CollectorError: nothing of it was stored.
        """
        decoded, answer = await _decode(decode_records, body)
        await self._store(decoded, len(body), identity, transport)
        return answer

    def refused(self, error: BaseException, transport: str) -> None:
        """Count a request that was not stored; what was not foreseen is logged with its trace."""
        if not isinstance(error, CollectorError):
            _log.error("a request over %s failed unexpectedly", transport, exc_info=error)
        self._metrics.requests.labels(transport, refusal(error).outcome).inc()

    def gone(self, transport: str) -> None:
        """Count a request whose sender went away."""
        self._metrics.requests.labels(transport, "disconnected").inc()

    async def _store(
        self, decoded: DecodedRequest, size: int, identity: Identity, transport: str
    ) -> Acknowledgement:
        if decoded.span_count:
            await self._accept(
                decoded.payload if self._redact is None else self._redact(decoded.payload),
                workspace=identity.workspace,
                tenant=identity.tenant,
                span_count=decoded.span_count,
                received_at_ns=time.time_ns(),
            )
        outcome = "partial" if decoded.rejected_spans else "ok"
        self._metrics.requests.labels(transport, outcome).inc()
        self._metrics.bytes.labels(transport).inc(size)
        self._metrics.spans.labels(transport, "accepted").inc(decoded.span_count)
        self._metrics.spans.labels(transport, "refused").inc(decoded.rejected_spans)
        return _acknowledge(decoded)


def _acknowledge(decoded: DecodedRequest) -> Acknowledgement:
    if not decoded.rejected_spans:
        return Acknowledgement()
    explanation = (
        f"{decoded.rejected_spans} spans were rejected, {decoded.span_count} stored; "
        f"first: {decoded.rejection}. Do not send them again: repair the ids at the sender."
    )
    return Acknowledgement(decoded.rejected_spans, explanation[:_MAX_EXPLANATION])


async def _decode(decode: Callable[[bytes], _Decoded], body: bytes) -> _Decoded:
    if len(body) < _DECODE_IN_THREAD_BYTES:
        return decode(body)
    return await asyncio.to_thread(decode, body)
