"""What every transport does with a request: identify, decode, hand on, count."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from spanledger_collector.access import Authenticate, Identity, WrongKeys
from spanledger_collector.errors import CollectorError
from spanledger_collector.receive.acknowledgement import Acknowledgement
from spanledger_collector.receive.admission import Accept, ByteBudget
from spanledger_collector.receive.asset_fields import takes_capital
from spanledger_collector.receive.decode import DecodedRequest, decode_protobuf
from spanledger_collector.receive.logs import DecodedLogs, decode_logs, decode_logs_json
from spanledger_collector.receive.metrics import ReceiverMetrics
from spanledger_collector.receive.otlp_json import decode_json
from spanledger_collector.receive.records import ReadRecords, RecordsAnswer, Review, read_records
from spanledger_collector.receive.redaction import Redact
from spanledger_collector.receive.samples import (
    DecodedMetrics,
    decode_metrics,
    decode_metrics_json,
)
from spanledger_collector.receive.status import refusal
from spanledger_collector.receive.thresholds import Thresholds
from spanledger_collector.signals import Signal

# Smaller bodies are worked on at once; larger ones in a thread, so that other requests go on.
_IN_THREAD_BYTES = 256 * 1024

_log = logging.getLogger(__name__)
_Decoded = TypeVar("_Decoded")


class Intake:
    """The one path from a transport to ``accept``.

    Args:
        accept: the journal's ``append``.
        authenticate: maps an API key to an identity.
        budget: bytes in progress over all transports.
        metrics: where outcomes are counted.
        redact: gives a request without what must not be stored; None = nothing is left out.
        review: what the ledger says of records that take capital out of assets; it may wait for it.
        wrong_keys: counts those that are not known.
        thresholds: what scores of evaluations mean; None = nothing.
    """

    def __init__(
        self,
        accept: Accept,
        authenticate: Authenticate,
        budget: ByteBudget,
        metrics: ReceiverMetrics,
        *,
        redact: Redact | None = None,
        review: Review | None = None,
        wrong_keys: WrongKeys | None = None,
        thresholds: Thresholds | None = None,
    ) -> None:
        self._thresholds = thresholds
        self._wrong_keys = wrong_keys or WrongKeys()
        self._redact = redact
        self._review = review
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

    def unknown(self, error: CollectorError, address: str) -> CollectorError:
        """How a sender at an address is told that it was refused before its request was read."""
        return self._wrong_keys.answer(error, address)

    async def protobuf(self, body: bytes, identity: Identity, transport: str) -> Acknowledgement:
        """Store an OTLP/protobuf request.

        Raises:
            CollectorError: nothing of it was stored.
        """
        decoded = await _worked_out(self._judged(decode_protobuf), body)
        return await self._store(decoded, len(body), identity, transport)

    async def json(self, body: bytes, identity: Identity, transport: str) -> Acknowledgement:
        """Store an OTLP/JSON request.

        Raises:
            CollectorError: nothing of it was stored.
        """
        decoded = await self._lenient(self._judged(decode_json), body)
        return await self._store(decoded, len(body), identity, transport)

    async def metrics(self, body: bytes, identity: Identity, transport: str) -> Acknowledgement:
        """Store what is kept of an OTLP/protobuf request of metrics.

        Raises:
            CollectorError: nothing of it was stored.
        """
        decoded = await _worked_out(decode_metrics, body)
        return await self._store_points(decoded, len(body), identity, transport)

    async def metrics_json(
        self, body: bytes, identity: Identity, transport: str
    ) -> Acknowledgement:
        """Store what is kept of an OTLP/JSON request of metrics.

        Raises:
            CollectorError: nothing of it was stored.
        """
        decoded = await self._lenient(decode_metrics_json, body)
        return await self._store_points(decoded, len(body), identity, transport)

    async def logs(self, body: bytes, identity: Identity, transport: str) -> Acknowledgement:
        """Store the evaluations of an OTLP/protobuf request of logs.

        Raises:
            CollectorError: nothing of it was stored.
        """
        decoded = await _worked_out(self._judged(decode_logs), body)
        return await self._store_evaluations(decoded, len(body), identity, transport)

    async def logs_json(self, body: bytes, identity: Identity, transport: str) -> Acknowledgement:
        """Store the evaluations of an OTLP/JSON request of logs.

        Raises:
            CollectorError: nothing of it was stored.
        """
        decoded = await self._lenient(self._judged(decode_logs_json), body)
        return await self._store_evaluations(decoded, len(body), identity, transport)

    async def _lenient(
        self, decode: Callable[[bytes], tuple[_Decoded, int]], body: bytes
    ) -> _Decoded:
        """What a request in JSON says; its fields that are written otherwise are counted."""
        decoded, fields = await _worked_out(decode, body)
        self._metrics.json_lenient.inc(fields)
        return decoded

    def _judged(
        self, decode: Callable[[bytes, Thresholds | None], _Decoded]
    ) -> Callable[[bytes], _Decoded]:
        return lambda body: decode(body, self._thresholds)

    async def records(self, body: bytes, identity: Identity, transport: str) -> RecordsAnswer:
        """Store a request of ``/v1/records``.

        Raises:
            CollectorError: nothing of it was stored.
        """
        read = await _worked_out(read_records, body)
        if self._thresholds is not None:
            self._thresholds.judge(read.spans.values())
        refused = await self._refused_records(read, identity.workspace)
        decoded, answer = read.without(refused).request()
        await self._store(decoded, len(body), identity, transport)
        return answer

    async def _refused_records(self, read: ReadRecords, workspace: str) -> Mapping[int, str]:
        if self._review is None or not any(map(takes_capital, read.told.values())):
            return {}
        return await asyncio.to_thread(self._review, read.told, workspace)

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
        await self._keep(decoded.payload, decoded.span_count, identity, "traces")
        self._count(decoded.rejected_spans, decoded.repaired, size, transport)
        self._metrics.spans.labels(transport, "accepted").inc(decoded.span_count)
        self._metrics.spans.labels(transport, "refused").inc(decoded.rejected_spans)
        return Acknowledgement.of_spans(
            decoded.span_count, decoded.rejected_spans, decoded.rejection, decoded.repaired
        )

    async def _store_points(
        self, decoded: DecodedMetrics, size: int, identity: Identity, transport: str
    ) -> Acknowledgement:
        await self._keep(decoded.payload, decoded.points, identity, "metrics")
        self._count(decoded.rejected, decoded.repaired, size, transport)
        self._metrics.points.labels(transport, "accepted").inc(decoded.points)
        self._metrics.points.labels(transport, "refused").inc(decoded.rejected)
        return Acknowledgement.of_points(
            decoded.points, decoded.rejected, decoded.rejection, decoded.repaired
        )

    async def _store_evaluations(
        self, decoded: DecodedLogs, size: int, identity: Identity, transport: str
    ) -> Acknowledgement:
        await self._keep(decoded.payload, decoded.used, identity, "traces")
        self._count(decoded.rejected, decoded.repaired, size, transport)
        self._metrics.spans.labels(transport, "accepted").inc(decoded.used)
        for outcome, count in (
            ("used", decoded.used), ("unused", decoded.unused), ("refused", decoded.rejected),
        ):  # fmt: skip
            self._metrics.log_records.labels(transport, outcome).inc(count)
        return Acknowledgement.of_evaluations(
            decoded.used, decoded.rejected, decoded.rejection, decoded.repaired
        )

    async def _keep(self, payload: bytes, count: int, identity: Identity, signal: Signal) -> None:
        """Hand on what is to be stored; nothing is not."""
        if count:
            redact = self._redact
            if redact is not None:
                payload = await _worked_out(lambda whole: redact(whole, signal), payload)
            await self._accept(
                payload,
                workspace=identity.workspace,
                tenant=identity.tenant,
                span_count=count,
                received_at_ns=time.time_ns(),
                signal=signal,
            )

    def _count(self, rejected: int, repaired: int, size: int, transport: str) -> None:
        self._metrics.repaired_texts.inc(repaired)
        self._metrics.requests.labels(transport, "partial" if rejected else "ok").inc()
        self._metrics.bytes.labels(transport).inc(size)


async def _worked_out(work: Callable[[bytes], _Decoded], body: bytes) -> _Decoded:
    if len(body) < _IN_THREAD_BYTES:
        return work(body)
    return await asyncio.to_thread(work, body)
