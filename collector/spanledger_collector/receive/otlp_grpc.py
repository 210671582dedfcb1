"""OTLP/gRPC on grpc.aio, with raw bytes: the same decode path as HTTP.

Admission is decided in :meth:`_Handlers.service`, which runs when the call's metadata is there and
its message is not yet read. Decompression and the size limit are grpc's own (bounded: it stops at
the limit); an encoding grpc does not know, such as zstd, is refused by it as UNIMPLEMENTED or
INTERNAL, so zstd is not for OTLP/gRPC.

grpc holds all of a message before it hands it over, and of calls there may be many at once. So a
call is taken as a stream, whose message grpc reads when it is asked to, and so many are asked for
at once as fit in the budget of bytes (:class:`Reading`). Of others grpc takes no more than the
window of a stream, 64 KiB, as long as it does not widen windows by itself (``bdp_probe``).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeAlias

import grpc
from grpc import aio

from spanledger_collector.access import Identity, api_key
from spanledger_collector.errors import CollectorError, ConfigurationError
from spanledger_collector.receive.acknowledgement import Acknowledgement
from spanledger_collector.receive.admission import sender_name
from spanledger_collector.receive.intake import Intake
from spanledger_collector.receive.reading import Reading
from spanledger_collector.receive.status import grpc_trailers, message, refusal
from spanledger_collector.tls import Tls

_TRANSPORT = "grpc"
_Store = Callable[[bytes, Identity, str], Awaitable[Acknowledgement]]
# Generic in the type stubs only.
_Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"
_TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
_LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_OPTIONS = (
    # Without this a second collector binds the same port and takes half of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", 256),
    ("grpc.max_metadata_size", 64 * 1024),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.server_handshake_timeout_ms", 10_000),
    # Pings every 10 s are welcome, on idle connections too; a flood ends the connection.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 3),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


class GrpcReceiver:
    """The gRPC port.

    Args:
        intake: where requests go.
        address: ``host:port``; port 0 takes a free one.
        max_message_bytes: largest message, after decompression.
        max_bytes: of messages being read at once.
        max_connections: open at once; more are closed at once.
        message_seconds: how long a message may take.
        tls: None = the port speaks without.
    """

    def __init__(
        self,
        intake: Intake,
        address: str,
        max_message_bytes: int,
        *,
        max_bytes: int,
        max_connections: int,
        message_seconds: float,
        tls: Tls | None = None,
    ) -> None:
        self._intake = intake
        self._address = address
        self._tls = tls
        self._reading = Reading(max_message_bytes, max_bytes, message_seconds)
        self._options = (
            *_OPTIONS,
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_allowed_incoming_connections", max_connections),
        )
        self._server: aio.Server | None = None

    async def start(self) -> int:
        """Listen; returns the port.

        Raises:
            ConfigurationError: the address cannot be bound.
        """
        server = aio.server(
            handlers=[_Handlers(self._intake, self._reading)], options=self._options
        )
        try:
            port = (
                server.add_insecure_port(self._address)
                if self._tls is None
                else server.add_secure_port(self._address, _credentials(self._tls))
            )
        except RuntimeError as error:
            raise ConfigurationError(
                f"OTLP/gRPC cannot listen on {self._address}: is another collector running, "
                "or is the address not of this machine? Set SPANLEDGER_GRPC_PORT."
            ) from error
        await server.start()
        self._server = server
        return port

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new calls and wait for those in progress, at most ``grace_seconds``."""
        if self._server is not None:
            await self._server.stop(grace_seconds)
            self._server = None


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    """Server credentials that are asked for anew for each connection."""

    def newest() -> grpc.ServerCertificateConfiguration:
        tls.refresh()
        return _configuration(tls)

    return grpc.dynamic_ssl_server_credentials(
        newest(), newest, require_client_authentication=tls.asks_clients
    )


def _configuration(tls: Tls) -> grpc.ServerCertificateConfiguration:
    pem = tls.pem
    return grpc.ssl_server_certificate_configuration(
        [(pem.key, pem.certificate)], root_certificates=pem.client_ca
    )


class _Handlers(grpc.GenericRpcHandler):
    """Chooses what answers a call, from its method and metadata alone."""

    def __init__(self, intake: Intake, reading: Reading) -> None:
        self._intake = intake
        self._reading = reading
        self._storing: set[asyncio.Task[Acknowledgement]] = set()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "_Handler | None":
        """The handler of one call; None makes grpc answer UNIMPLEMENTED."""
        method, metadata = handler_call_details.method, handler_call_details.invocation_metadata
        if method not in (_TRACES, _METRICS, _LOGS):
            return None
        try:
            identity = self._intake.sender(
                api_key({k: v for k, v in metadata if isinstance(v, str)})
            )
        except CollectorError as error:
            return self._refuse(error)
        return self._export(identity, self._store(method))

    def _store(self, method: str) -> _Store:
        """What takes the messages of a method."""
        others = {_METRICS: self._intake.metrics, _LOGS: self._intake.logs}
        return others.get(method, self._intake.protobuf)

    def _export(self, identity: Identity, store: _Store) -> _Handler:
        async def export(
            bodies: AsyncIterator[bytes], context: aio.ServicerContext[bytes, bytes]
        ) -> bytes:
            try:
                sender = sender_name(identity, context.peer())
                body = await self._message(bodies, sender)
                answer = await self._to_its_end(self._stored(body, identity, sender, store))
            except Exception as error:  # noqa: BLE001 - told to the sender, counted and logged
                await self._abort(context, error)
            return answer.protobuf()

        return grpc.stream_unary_rpc_method_handler(export)

    async def _message(self, bodies: AsyncIterator[bytes], sender: str) -> bytes:
        try:
            return await self._reading.message(bodies, sender)
        except asyncio.CancelledError:
            self._intake.gone(_TRANSPORT)
            raise

    async def _stored(
        self, body: bytes, identity: Identity, sender: str, store: _Store
    ) -> Acknowledgement:
        with self._intake.budget.claim(sender) as claim:
            claim.add(len(body))
            return await store(body, identity, _TRANSPORT)

    async def _to_its_end(self, storing: Coroutine[Any, Any, Acknowledgement]) -> Acknowledgement:
        """Go on when the call is cancelled: its bytes are in memory until they are on disk."""
        task = asyncio.create_task(storing)
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._alone)
            raise

    def _alone(self, task: asyncio.Task[Acknowledgement]) -> None:
        """Count how it ended: nobody waits for it any more."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._intake.refused(error, _TRANSPORT)

    def _refuse(self, error: CollectorError) -> _Handler:
        async def refuse(
            _bodies: AsyncIterator[bytes], context: aio.ServicerContext[bytes, bytes]
        ) -> bytes:
            await self._abort(context, self._intake.unknown(error, context.peer()))

        # As a stream the message is never read: a refused call costs no decompression.
        return grpc.stream_unary_rpc_method_handler(refuse)

    async def _abort(
        self, context: aio.ServicerContext[bytes, bytes], error: Exception
    ) -> NoReturn:
        self._intake.refused(error, _TRANSPORT)
        await context.abort(refusal(error).grpc_code, message(error), grpc_trailers(error))
