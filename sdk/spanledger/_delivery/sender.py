"""One request to the collector, and what its answer means.

The stock OTLP exporters say only success or failure, retry inside, and log every failure. Here the
retrying belongs to the queue (``processor.py``), so a sender turns the exporter's own retries off
where it can, keeps the exporter's log records of *our* threads out of the log, and tells what is
known. Over HTTP that is the status code (``http_sender.py``); over gRPC the exporter tells it
in its log record only. What stays unknown counts as a passing failure, which is bounded in time.

Which answers may be repeated: OTLP specification 1.9, "Failures" of OTLP/gRPC and OTLP/HTTP.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import (
    ConsoleSpanExporter,
    SpanExporter,
    SpanExportResult,
)

from spanledger.config import GRPC, HTTP_PROTOBUF, Settings


class Outcome(enum.Enum):
    """What the queue does next with a batch."""

    DELIVERED = enum.auto()
    """Forget it."""
    UNREACHABLE = enum.auto()
    """Nobody answered: keep it, try later."""
    BUSY = enum.auto()
    """An answer that asks to come back: keep it, try later."""
    UNANSWERED = enum.auto()
    """Somebody was there and gave no whole answer: keep it, but not for ever."""
    REFUSED = enum.auto()
    """The collector does not take what this process sends: give the batch up."""
    BAD_BATCH = enum.auto()
    """Something in this batch is at fault: find it by halving, keep the rest."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one request."""

    outcome: Outcome
    reason: str = ""
    retry_after_seconds: float | None = None
    rejected_spans: int = 0


class Sender(Protocol):
    """Sends one batch at a time; used by one thread."""

    def send(self, spans: Sequence[ReadableSpan]) -> Attempt:
        """Send the batch once; never raises."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


_EXPORTER_LOGGERS: Final = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry.exporter.otlp.proto.http._common",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
)


class _OwnRecords(logging.Filter):
    """Holds back the exporters' records made while *our* sender sends; others pass untouched."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.local()

    def start(self) -> None:
        self._thread.last = None
        self._thread.sending = True

    def stop(self) -> logging.LogRecord | None:
        self._thread.sending = False
        return self._thread.last

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(self._thread, "sending", False):
            return True
        self._thread.last = record
        return False

    def install(self) -> None:
        """Stand first, before the exporters' own filters, which swallow repeated records."""
        for name in _EXPORTER_LOGGERS:
            filters = logging.getLogger(name).filters
            if self not in filters:
                filters.insert(0, self)


_own_records: Final = _OwnRecords()
_GRPC_EXPORTER: Final = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"

#: What these libraries import at their first request.
_LATER_IMPORTS: Final = {GRPC: ("grpc._channel",), HTTP_PROTOBUF: ("netrc",)}

#: gRPC status names by what they ask of the client; every other one is a refusal.
_GRPC_UNREACHABLE: Final = frozenset({"UNAVAILABLE"})
#: ``RESOURCE_EXHAUSTED`` too is what gRPC says of a message over its limit.
_GRPC_UNANSWERED: Final = frozenset(
    {
        "CANCELLED",
        "DEADLINE_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "ABORTED",
        "OUT_OF_RANGE",
        "DATA_LOSS",
    }
)
_GRPC_BAD_BATCH: Final = frozenset({"INVALID_ARGUMENT"})


class ExporterSender:
    """Any span exporter as a sender; reads gRPC status codes from the exporter's log record."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        _own_records.install()

    def send(self, spans: Sequence[ReadableSpan]) -> Attempt:
        """Export once; an exception is the batch's fault (it could not be encoded)."""
        _own_records.start()
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 -- any exporter may be behind this; told as reason
            return Attempt(Outcome.BAD_BATCH, f"{type(error).__name__}: {error}")
        finally:
            record = _own_records.stop()
        if result is SpanExportResult.SUCCESS:
            return Attempt(Outcome.DELIVERED)
        return judge_grpc(record)

    def close(self) -> None:
        """Shut the exporter down."""
        self._exporter.shutdown()


def judge_grpc(record: logging.LogRecord | None) -> Attempt:
    """What a failed gRPC export means, from the record the exporter logged about it."""
    given = record.args if record is not None else ()
    arguments: list[object] = list(given) if isinstance(given, tuple) else []
    names = [arg.name for arg in arguments if isinstance(arg, enum.Enum)]
    if not names:
        return Attempt(
            Outcome.UNANSWERED, record.getMessage() if record else "the exporter gave no reason"
        )
    details = next((arg for arg in reversed(arguments) if isinstance(arg, str)), "")
    reason = f"{names[0]} {details}".strip()
    if names[0] in _GRPC_UNREACHABLE:
        return Attempt(Outcome.UNREACHABLE, reason)
    if names[0] in _GRPC_UNANSWERED:
        return Attempt(Outcome.UNANSWERED, reason)
    if names[0] in _GRPC_BAD_BATCH:
        return Attempt(Outcome.BAD_BATCH, reason)
    return Attempt(Outcome.REFUSED, reason)


def console_sender() -> Sender:
    """Spans as JSON on stdout, to look at."""
    return ExporterSender(ConsoleSpanExporter())


def load_transport(settings: Settings) -> None:
    """Import what :func:`make_sender` needs, while it can still be imported.

    Importing the gRPC exporter for the first time while the interpreter ends fails (it makes the
    OpenTelemetry SDK start a thread pool), and a short program may end before its first batch. And
    a process that is forked while the background thread imports a module can never import it.
    """
    grpc = settings.protocol == GRPC
    importlib.import_module(_GRPC_EXPORTER if grpc else "spanledger._delivery.http_sender")
    for name in _LATER_IMPORTS[settings.protocol]:
        with suppress(ImportError):  # another version does without
            importlib.import_module(name)


def make_sender(settings: Settings) -> Sender:
    """The sender for these settings; imports only the transport that was chosen."""
    if settings.protocol == GRPC:
        return ExporterSender(_grpc_exporter(settings))
    from spanledger._delivery.http_sender import HttpSender

    return HttpSender(settings)


def _grpc_exporter(settings: Settings) -> SpanExporter:
    # Loaded by name: the SDK never imports grpc unless the user chose it.
    grpc: Any = importlib.import_module("grpc")
    module: Any = importlib.import_module(_GRPC_EXPORTER)
    exporter: Any = module.OTLPSpanExporter
    compressions: Mapping[str, Any] = {
        "none": grpc.Compression.NoCompression,
        "gzip": grpc.Compression.Gzip,
    }
    options: dict[str, Any] = {
        "endpoint": settings.endpoint,
        "headers": tuple(settings.headers.items()) or None,
        "timeout": settings.timeout_seconds,
        "compression": compressions[settings.compression],
    }
    if "retryable_error_codes" in inspect.signature(exporter).parameters:
        # OK is never an error: the exporter retries nothing, the queue does.
        options["retryable_error_codes"] = (grpc.StatusCode.OK,)
    return exporter(**options)
