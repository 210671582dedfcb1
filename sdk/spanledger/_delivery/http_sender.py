"""OTLP/HTTP through the stock exporter, with its session under observation.

The exporter takes a ``requests.Session``. Ours notes what each answer was and raises
:class:`NotDeliveredError` for anything but success, which the exporter takes as final: so it
neither retries inside, nor counts a redirect (a login page, say) as delivered. Of an answer the
status counts, and of its body 64 KiB at most: it is never unpacked, nor waited for without end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any, Final

import requests
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from requests.exceptions import ChunkedEncodingError
from urllib3.exceptions import HTTPError

from spanledger._delivery.sender import Attempt, ExporterSender, Outcome
from spanledger.config import Settings

#: Statuses that OTLP lets a client repeat; 504 is a read timeout, of a proxy.
_BUSY: Final = frozenset({429, 502, 503})
_UNANSWERED: Final = frozenset({504})
#: Statuses about the content of this one request.
_BAD_BATCH: Final = frozenset({400, 413, 422})
_MAX_RETRY_AFTER_SECONDS: Final = 60.0
#: Of an answer: ours has none, partial success a count and a sentence.
_MAX_ANSWER_BYTES: Final = 64 * 1024
_ANSWER_SECONDS: Final = 10.0
#: Users choose their own session with these; then theirs is used, and the exporter's own retries.
_CREDENTIAL_PROVIDERS: Final = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
)


class NotDeliveredError(Exception):
    """Tells the exporter that this request failed for good; the queue decides what is next."""


class ObservedSession(requests.Session):
    """A session that remembers what the latest request came to."""

    def __init__(self) -> None:
        super().__init__()
        self.attempt: Attempt | None = None
        self.headers["Accept-Encoding"] = "identity"

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send; a connection that the server closed while idle is tried once more at once."""
        kwargs["stream"] = True
        try:
            try:
                response = super().send(request, **kwargs)
            except requests.ConnectionError as error:
                if isinstance(error, requests.Timeout):
                    raise
                response = super().send(request, **kwargs)
            body = _body(response)
        except requests.RequestException as error:
            self.attempt = judge_exception(error)
            raise NotDeliveredError(self.attempt.reason) from error
        self.attempt = judge_response(response, body)
        if self.attempt.outcome is not Outcome.DELIVERED:
            raise NotDeliveredError(self.attempt.reason)
        return response


class HttpSender:
    """The stock OTLP/HTTP exporter behind an observed session."""

    def __init__(self, settings: Settings) -> None:
        own = not any(os.environ.get(name) for name in _CREDENTIAL_PROVIDERS)
        self._session = ObservedSession() if own else None
        self._inner = ExporterSender(
            OTLPSpanExporter(
                endpoint=settings.endpoint,
                headers=dict(settings.headers),
                timeout=settings.timeout_seconds,
                compression=Compression(settings.compression),
                session=self._session,
            )
        )

    def send(self, spans: Sequence[ReadableSpan]) -> Attempt:
        """Send once and judge by the status code."""
        if self._session is None:
            return self._inner.send(spans)
        self._session.attempt = None
        outer = self._inner.send(spans)
        if self._session.attempt is not None:
            return self._session.attempt
        # No request was made: the batch could not be encoded or is over the exporter's size limit.
        return Attempt(Outcome.BAD_BATCH, outer.reason)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def judge_exception(error: requests.RequestException) -> Attempt:
    """A request without an answer.

    After a read timeout, or half an answer, somebody was there: it is bounded in time, since the
    batch itself may be what hangs the collector.
    """
    reason = f"{type(error).__name__}: {error}"[:300]
    answered = isinstance(error, (requests.ReadTimeout, ChunkedEncodingError))
    return Attempt(Outcome.UNANSWERED if answered else Outcome.UNREACHABLE, reason)


def _body(response: requests.Response) -> bytes:
    """The answer's body; empty where it is longer than an answer may be, or takes too long.

    Raises:
        requests.exceptions.ChunkedEncodingError: it broke off: nobody knows what was taken.
    """
    deadline = time.monotonic() + _ANSWER_SECONDS
    body = bytearray()
    # What is there, so that a server that drips does not hold up the deadline; urllib3 1 has none.
    read = getattr(response.raw, "read1", response.raw.read)
    try:
        while chunk := read(_MAX_ANSWER_BYTES, decode_content=False):
            body += chunk
            if len(body) > _MAX_ANSWER_BYTES or time.monotonic() > deadline:
                response.close()
                return b""
    except HTTPError as error:
        response.close()
        raise ChunkedEncodingError(f"the answer broke off: {error}") from error
    return bytes(body)


def judge_response(response: requests.Response, body: bytes) -> Attempt:
    """What a status code asks of the client (OTLP/HTTP, "Failures")."""
    status = response.status_code
    if 200 <= status < 300:  # noqa: PLR2004 -- the range of success, by definition of HTTP
        return Attempt(Outcome.DELIVERED, rejected_spans=_rejected_spans(body))
    reason = f"HTTP {status} {response.reason}"
    if status in _BUSY:
        return Attempt(Outcome.BUSY, reason, _retry_after_seconds(response))
    if status in _UNANSWERED:
        return Attempt(Outcome.UNANSWERED, reason, _retry_after_seconds(response))
    return Attempt(Outcome.BAD_BATCH if status in _BAD_BATCH else Outcome.REFUSED, reason)


def _rejected_spans(body: bytes) -> int:
    """Spans of a successful request that the collector did not take (partial success)."""
    try:
        answer = ExportTraceServiceResponse.FromString(body)
    except DecodeError:
        return 0  # success without a readable body, as several collectors answer
    return answer.partial_success.rejected_spans


def _retry_after_seconds(response: requests.Response) -> float | None:
    """Seconds of a ``Retry-After``; the date form is left to the ordinary back-off."""
    value = response.headers.get("Retry-After", "").strip()
    return min(float(value), _MAX_RETRY_AFTER_SECONDS) if value.isdecimal() else None
