"""The receivers of a collector: both ports, started and stopped together."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from starlette.requests import Request

from spanledger_collector.access import Authenticate, Identity, WrongKeys, anonymous
from spanledger_collector.config import CollectorConfig
from spanledger_collector.http_server import HEADER_SECONDS, HttpServer, connections_at_most
from spanledger_collector.receive.admission import Accept, ByteBudget
from spanledger_collector.receive.cors import Cors
from spanledger_collector.receive.intake import Intake
from spanledger_collector.receive.metrics import ReceiverMetrics
from spanledger_collector.receive.otlp_grpc import GrpcReceiver
from spanledger_collector.receive.otlp_http import HttpApp
from spanledger_collector.receive.records import Review
from spanledger_collector.receive.redaction import read_redaction
from spanledger_collector.receive.thresholds import read_thresholds
from spanledger_collector.tls import Tls

BODY_SECONDS = 60.0
#: Stock exporters wait as long for the whole of a request.
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that are listened on."""

    grpc: int
    http: int


class Receiver:
    """OTLP over gRPC and HTTP; every request goes to ``accept`` before it is acknowledged.

    Args:
        config: addresses and limits; port 0 takes a free one.
        accept: the journal's ``append``.
        authenticate: gives the identity behind an API key; by default everybody is ``default``.
        registry: where the counters are registered; by default one of their own.
        header_seconds: how long the head of an HTTP request may take.
        body_seconds: how long the body of an HTTP request may take.
        patience_seconds: how long the message of a gRPC call may take, and an HTTP body without
            more of it.
        max_connections: open at once, a port; by default a share of the files that may be open.
        tls: None = the ports speak without.
        review: what the ledger says of records, see :class:`Intake`.
        wrong_keys: counts those that are not known, over all ports.
        check_host: refuses an HTTP request by the name it was asked by; None = any name.

    Attributes:
        http: the application of the HTTP port, for another port that takes some of its paths.
    """

    def __init__(
        self,
        config: CollectorConfig,
        accept: Accept,
        authenticate: Authenticate = anonymous,
        registry: CollectorRegistry | None = None,
        *,
        header_seconds: float = HEADER_SECONDS,
        body_seconds: float = BODY_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
        max_connections: int | None = None,
        tls: Tls | None = None,
        review: Review | None = None,
        wrong_keys: WrongKeys | None = None,
        check_host: Callable[[Request], None] | None = None,
    ) -> None:
        metrics = ReceiverMetrics(CollectorRegistry() if registry is None else registry)
        budget = ByteBudget(
            config.max_bytes_in_flight,
            max(config.max_request_bytes, config.max_grpc_message_bytes),
            metrics,
        )
        rules = config.redaction_file
        redact = None if rules is None else read_redaction(rules, config.redaction_key)
        judged = config.evaluations_file
        intake = self._intake = Intake(
            accept,
            authenticate,
            budget,
            metrics,
            redact=redact,
            review=review,
            wrong_keys=wrong_keys,
            thresholds=None if judged is None else read_thresholds(judged),
        )
        host = f"[{config.host}]" if ":" in config.host else config.host
        self._grpc = GrpcReceiver(
            intake,
            f"{host}:{config.grpc_port}",
            config.max_grpc_message_bytes,
            max_bytes=config.max_bytes_in_flight,
            max_connections=max_connections or connections_at_most(),
            message_seconds=patience_seconds,
            tls=tls,
        )
        self.http = HttpApp(
            intake,
            config.max_request_bytes,
            body_seconds,
            patience_seconds,
            path_prefix=config.http_path_prefix,
            check_host=check_host,
        )
        origins = [one.strip() for one in config.cors_origins.split(",") if one.strip()]
        self._http = HttpServer(
            Cors(self.http, origins) if origins else self.http,
            config.host,
            config.http_port,
            name="OTLP/HTTP",
            setting="SPANLEDGER_HTTP_PORT",
            header_seconds=header_seconds,
            tls=tls,
            max_connections=max_connections,
        )

    async def scraped(self, body: bytes, workspace: str) -> None:
        """Store an OTLP request of metrics that the collector itself asked for.

        Raises:
            CollectorError: nothing of it was stored.
        """
        await self._intake.metrics(body, Identity(workspace), "scrape")

    async def start(self) -> Ports:
        """Listen on both ports.

        Raises:
            ConfigurationError: one of them cannot be bound; then none is.
        """
        grpc_port = await self._grpc.start()
        try:
            return Ports(grpc_port, await self._http.start())
        except BaseException:
            await self._grpc.stop(0)
            raise

    async def stop(self, grace_seconds: float) -> None:
        """Take no new requests; those in progress have ``grace_seconds`` to be acknowledged."""
        await asyncio.gather(self._grpc.stop(grace_seconds), self._http.stop(grace_seconds))
