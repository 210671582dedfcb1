"""The SDK's settings: read once, from arguments first and the environment second.

Every variable is a constant here with its meaning beside it; ``docs/sdk.md`` lists the same ones
(a test compares the two). A number that cannot be read is a warning and the default, as the
OpenTelemetry specification asks; anything else that cannot be used is a ConfigurationError.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from opentelemetry.util.re import parse_env_headers

from spanledger.errors import ConfigurationError

_log = logging.getLogger("spanledger")

#: ``true`` turns the whole SDK off.
OTEL_SDK_DISABLED: Final = "OTEL_SDK_DISABLED"
#: Name of the service (resource attribute ``service.name``).
OTEL_SERVICE_NAME: Final = "OTEL_SERVICE_NAME"
#: More resource attributes, ``key=value,key=value``; read by the OpenTelemetry SDK.
OTEL_RESOURCE_ATTRIBUTES: Final = "OTEL_RESOURCE_ATTRIBUTES"
#: ``otlp`` (default), ``console``, ``none``, or several with commas.
OTEL_TRACES_EXPORTER: Final = "OTEL_TRACES_EXPORTER"
#: Base URL of the collector; ``/v1/traces`` is added for HTTP.
OTEL_EXPORTER_OTLP_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
#: Full URL for traces, used as it is.
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
#: ``http/protobuf`` (default) or ``grpc``.
OTEL_EXPORTER_OTLP_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
#: The same for traces only; wins.
OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
#: Headers of each request, ``key=value,key=value`` (the API key goes here).
OTEL_EXPORTER_OTLP_HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
#: The same for traces only; wins.
OTEL_EXPORTER_OTLP_TRACES_HEADERS: Final = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
#: Seconds (as in every Python exporter) that one request may take. Default 10.
OTEL_EXPORTER_OTLP_TIMEOUT: Final = "OTEL_EXPORTER_OTLP_TIMEOUT"
#: The same for traces only; wins.
OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: Final = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"
#: ``none`` (default), ``gzip``, or ``deflate`` (HTTP only).
OTEL_EXPORTER_OTLP_COMPRESSION: Final = "OTEL_EXPORTER_OTLP_COMPRESSION"
#: The same for traces only; wins.
OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: Final = "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"
#: Milliseconds a span may wait for others before it is sent. Default 1000.
OTEL_BSP_SCHEDULE_DELAY: Final = "OTEL_BSP_SCHEDULE_DELAY"
#: Milliseconds that one request may take, if less than the OTLP timeout. Default 30000.
OTEL_BSP_EXPORT_TIMEOUT: Final = "OTEL_BSP_EXPORT_TIMEOUT"
#: Spans kept in memory until they are delivered. Default 16384.
OTEL_BSP_MAX_QUEUE_SIZE: Final = "OTEL_BSP_MAX_QUEUE_SIZE"
#: Spans in one request. Default 512.
OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Final = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"
#: Bytes of memory that these spans may take. Default 67108864 (64 MiB).
SPANLEDGER_MAX_QUEUE_BYTES: Final = "SPANLEDGER_MAX_QUEUE_BYTES"
#: A folder that keeps records and agents' runs on disk until they are delivered. Default: none.
SPANLEDGER_SPOOL: Final = "SPANLEDGER_SPOOL"
#: Bytes that it may take. Default 67108864 (64 MiB).
SPANLEDGER_SPOOL_BYTES: Final = "SPANLEDGER_SPOOL_BYTES"
#: Tenant of every span that has no other one.
SPANLEDGER_TENANT: Final = "SPANLEDGER_TENANT"
#: A JSON file with rates of your own models for budgets: as the argument ``rates`` of ``init``.
SPANLEDGER_RATES: Final = "SPANLEDGER_RATES"
#: ``true`` sends run, agent, tenant and tags to MCP servers too; else the trace alone goes there.
SPANLEDGER_MCP_IDENTITY: Final = "SPANLEDGER_MCP_IDENTITY"
#: Set to ``1`` by ``spanledger run``: the child process calls ``init()`` before its program.
SPANLEDGER_AUTO: Final = "SPANLEDGER_AUTO"

HTTP_PROTOBUF: Final = "http/protobuf"
GRPC: Final = "grpc"
_DEFAULT_ENDPOINT: Final = {HTTP_PROTOBUF: "http://localhost:4318", GRPC: "http://localhost:4317"}
_TRACES_PATH: Final = "/v1/traces"
_COMPRESSIONS: Final = {
    HTTP_PROTOBUF: frozenset({"none", "gzip", "deflate"}),
    GRPC: frozenset({"none", "gzip"}),
}
_QUEUE_BYTES: Final = 64 * 1024 * 1024
_SPOOL_BYTES: Final = 64 * 1024 * 1024
_EXPORTERS: Final = frozenset({"otlp", "console", "none"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything ``init`` needs to know; made by :meth:`read`."""

    service_name: str | None
    """None leaves ``service.name`` to the OpenTelemetry SDK."""
    tenant: str
    """Tenant stamped on spans that have no other; empty for none."""
    exporters: tuple[str, ...]
    """``otlp`` and ``console``, in order; empty when nothing is exported."""
    protocol: str
    """``http/protobuf`` or ``grpc``."""
    endpoint: str
    """Full URL: for HTTP with the path."""
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names; may hold an API key, so never printed."""
    timeout_seconds: float
    """Bound of one request."""
    compression: str
    """``none``, ``gzip`` or ``deflate``."""
    schedule_delay_seconds: float
    """How long a span waits for company."""
    queue_size: int
    """Spans kept at most."""
    queue_bytes: int
    """What they may take in memory."""
    batch_size: int
    """Spans in one request at most."""
    spool: str
    """Folder of the spool; empty for none."""
    spool_bytes: int
    """What it may take on disk."""
    give_up_seconds: float
    """How long a batch is tried that the collector gives no whole answer to."""
    exit_timeout_seconds: float
    """How long the end of the process waits for the last spans."""

    @classmethod
    def read(
        cls,
        *,
        service_name: str | None = None,
        endpoint: str | None = None,
        protocol: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
        compression: str | None = None,
        tenant: str | None = None,
        exporter: str | Sequence[str] | None = None,
        queue_size: int | None = None,
        queue_bytes: int | None = None,
        batch_size: int | None = None,
        schedule_delay_seconds: float | None = None,
        spool: str | None = None,
        spool_bytes: int | None = None,
        give_up_seconds: float = 300.0,
        exit_timeout_seconds: float = 5.0,
    ) -> Settings:
        """Join arguments, environment and defaults.

        Raises:
            ConfigurationError: a value that cannot be used; says which and what is allowed.
        """
        chosen = _protocol(protocol)
        queue = queue_size or int(_positive(OTEL_BSP_MAX_QUEUE_SIZE, 16_384))
        batch = batch_size or int(_positive(OTEL_BSP_MAX_EXPORT_BATCH_SIZE, 512))
        return cls(
            service_name=service_name or _first(OTEL_SERVICE_NAME),
            tenant=tenant if tenant is not None else default_tenant(),
            exporters=_exporters(exporter),
            protocol=chosen,
            endpoint=_endpoint(endpoint, chosen),
            headers=_headers(headers),
            timeout_seconds=timeout_seconds or _timeout_seconds(),
            compression=_compression(compression, chosen),
            schedule_delay_seconds=schedule_delay_seconds
            or _positive(OTEL_BSP_SCHEDULE_DELAY, 1000) / 1000,
            queue_size=queue,
            queue_bytes=queue_bytes or int(_positive(SPANLEDGER_MAX_QUEUE_BYTES, _QUEUE_BYTES)),
            batch_size=min(batch, max(1, queue // 2)),
            spool=(_first(SPANLEDGER_SPOOL) or "") if spool is None else spool,
            spool_bytes=spool_bytes or int(_positive(SPANLEDGER_SPOOL_BYTES, _SPOOL_BYTES)),
            give_up_seconds=give_up_seconds,
            exit_timeout_seconds=exit_timeout_seconds,
        )


def default_tenant() -> str:
    """The tenant of a process that names no other; may be empty."""
    return _first(SPANLEDGER_TENANT) or ""


def own_rates(
    argument: Mapping[str, Mapping[str, object]] | None,
) -> Mapping[str, Mapping[str, object]]:
    """Rates of the user's own models: the file's, and over them the argument's.

    Raises:
        ConfigurationError: a file that cannot be read.
    """
    path = _first(SPANLEDGER_RATES)
    if path is None:
        return argument or {}
    import json

    try:
        told: object = json.loads(Path(path).read_bytes())
        read = dict(cast("Mapping[str, Mapping[str, object]]", told))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{SPANLEDGER_RATES}={path!r} cannot be read as JSON of model -> rates: {error}"
        ) from error
    return {**read, **(argument or {})}


def mcp_identity() -> bool:
    """Whether ``SPANLEDGER_MCP_IDENTITY`` lets MCP servers know for whom the work is done."""
    return (_first(SPANLEDGER_MCP_IDENTITY) or "").lower() == "true"


def disabled() -> bool:
    """Whether ``OTEL_SDK_DISABLED`` turns telemetry off."""
    return (_first(OTEL_SDK_DISABLED) or "").lower() == "true"


def _first(*names: str) -> str | None:
    """The first of these variables that is set and not blank."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), None)


def _positive(name: str, default: float) -> float:
    raw = _first(name)
    if raw is None:
        return default
    try:
        number = float(raw)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and number > 0:
        return number
    _log.warning("%s=%r is not a number above 0; %s is used", name, raw, default)
    return default


def _timeout_seconds() -> float:
    name = OTEL_EXPORTER_OTLP_TRACES_TIMEOUT
    if _first(name) is None:
        name = OTEL_EXPORTER_OTLP_TIMEOUT
    return min(_positive(name, 10), _positive(OTEL_BSP_EXPORT_TIMEOUT, 30_000) / 1000)


def _protocol(argument: str | None) -> str:
    value = argument or _first(OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL)
    if value is None:
        return HTTP_PROTOBUF
    if value not in _DEFAULT_ENDPOINT:
        raise ConfigurationError(
            f"protocol {value!r} is not supported: use {HTTP_PROTOBUF} or grpc"
        )
    return value


def _endpoint(argument: str | None, protocol: str) -> str:
    if argument is None and (whole := _first(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)):
        return _checked_url(whole, protocol)
    base = argument or _first(OTEL_EXPORTER_OTLP_ENDPOINT) or _DEFAULT_ENDPOINT[protocol]
    url = _checked_url(base, protocol)
    if protocol == GRPC or url.endswith(_TRACES_PATH):
        return url
    return url.rstrip("/") + _TRACES_PATH


def _checked_url(url: str, protocol: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    # gRPC targets may be written without a scheme (host:4317); the exporter reads those itself.
    if usable or (protocol == GRPC and "://" not in url):
        return url
    raise ConfigurationError(f"endpoint {url!r} is not a URL such as {_DEFAULT_ENDPOINT[protocol]}")


def _headers(argument: Mapping[str, str] | None) -> dict[str, str]:
    raw = _first(OTEL_EXPORTER_OTLP_TRACES_HEADERS, OTEL_EXPORTER_OTLP_HEADERS) or ""
    found = dict(parse_env_headers(raw, liberal=True))
    found.update({name.lower(): value for name, value in (argument or {}).items()})
    return found


def _compression(argument: str | None, protocol: str) -> str:
    names = (OTEL_EXPORTER_OTLP_TRACES_COMPRESSION, OTEL_EXPORTER_OTLP_COMPRESSION)
    value = (argument or _first(*names) or "none").lower()
    if value not in _COMPRESSIONS[protocol]:
        allowed = ", ".join(sorted(_COMPRESSIONS[protocol]))
        raise ConfigurationError(f"compression {value!r} cannot be used with {protocol}: {allowed}")
    return value


def _exporters(argument: str | Sequence[str] | None) -> tuple[str, ...]:
    if argument is None:
        argument = _first(OTEL_TRACES_EXPORTER) or "otlp"
    names = argument.split(",") if isinstance(argument, str) else argument
    chosen = tuple(dict.fromkeys(name.strip().lower() for name in names if name.strip()))
    unknown = [name for name in chosen if name not in _EXPORTERS]
    if unknown:
        raise ConfigurationError(
            f"exporter {unknown[0]!r} is not known here: use otlp, console or none"
        )
    return tuple(name for name in chosen if name != "none")
