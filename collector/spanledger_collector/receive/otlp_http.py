"""OTLP/HTTP as a raw ASGI application: spans, metrics, logs and records, a path for each.

Order of admission: Host, path, method, key, content type and encoding, declared length; only then
the body is read. Every answer, errors too, is in the encoding of the request (JSON when that is
unknown) and has a ``google.rpc.Status`` as body when it is an error.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request

from spanledger_collector.access import Identity, api_key
from spanledger_collector.errors import NotFoundError, UnauthenticatedError, UnsupportedError
from spanledger_collector.receive.acknowledgement import Acknowledgement
from spanledger_collector.receive.admission import sender_name
from spanledger_collector.receive.body import (
    Body,
    ClientGoneError,
    Receive,
    check_length,
    declared_length,
)
from spanledger_collector.receive.inflate import Inflater
from spanledger_collector.receive.intake import Intake
from spanledger_collector.receive.records import RecordsAnswer
from spanledger_collector.receive.status import (
    MethodNotAllowedError,
    http_headers,
    refusal,
    status,
    status_json,
)

Send = Callable[[dict[str, Any]], Awaitable[None]]
_Store = Callable[[bytes, Identity, str], Awaitable[Acknowledgement]]
_TRACES, _METRICS, _LOGS, RECORDS = "/v1/traces", "/v1/metrics", "/v1/logs", "/v1/records"
_PATHS = frozenset({_TRACES, _METRICS, _LOGS, RECORDS})
_PROFILES = "/v1development/profiles"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
_TRANSPORTS = {PROTOBUF: "http_protobuf", JSON: "http_json"}
_UNKNOWN_TRANSPORT, _RECORDS_TRANSPORT = "http", "records"


class HttpApp:
    """The ASGI application of the OTLP/HTTP port.

    Args:
        intake: where requests go.
        max_request_bytes: largest body, before and after decompression.
        body_seconds: how long a body may take to arrive.
        patience_seconds: how long one may go on without ``PACE_BYTES`` more of it.
        path_prefix: below which the paths are too.
        check_host: refuses a request by the name it was asked by; None = any name.
    """

    def __init__(
        self,
        intake: Intake,
        max_request_bytes: int,
        body_seconds: float,
        patience_seconds: float,
        path_prefix: str = "",
        *,
        check_host: Callable[[Request], None] | None = None,
    ) -> None:
        self._check_host = check_host
        self._path_prefix = path_prefix
        self._intake = intake
        self._max_request_bytes = max_request_bytes
        self._body_seconds = body_seconds
        self._patience_seconds = patience_seconds

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        path = scope["path"].removeprefix(self._path_prefix)
        transport = _transport(path, content_type)
        body = Body(receive, headers, self._body_seconds, self._patience_seconds)
        try:
            answer = await self._export(scope, path, headers, content_type, body)
        except ClientGoneError:
            self._intake.gone(transport)
        except Exception as error:  # noqa: BLE001 - told to the sender, counted and logged
            self._intake.refused(error, transport)
            await self._refuse(send, error, content_type, body, expects="expect" in headers)
        else:
            content = _acknowledgement(answer, content_type)
            await _send(send, answer.http_status, content_type, content, [])

    async def _export(
        self,
        scope: Mapping[str, Any],
        path: str,
        headers: Mapping[str, str],
        content_type: str,
        body: Body,
    ) -> Acknowledgement | RecordsAnswer:
        if self._check_host is not None:
            self._check_host(Request(dict(scope)))
        _check_route(path, scope["method"])
        identity = self._sender(scope, headers)
        _check_content_type(path, content_type)
        inflater = Inflater(headers.get("content-encoding", ""), self._max_request_bytes)
        check_length(declared_length(headers.get("content-length")), self._max_request_bytes)
        with self._intake.budget.claim(sender_name(identity, _address(scope))) as claim:
            content = await body.read(inflater, self._max_request_bytes, claim)
            transport = _transport(path, content_type)
            if path == RECORDS:
                return await self._intake.records(content, identity, transport)
            return await self._store(path, content_type)(content, identity, transport)

    def _sender(self, scope: Mapping[str, Any], headers: Mapping[str, str]) -> Identity:
        try:
            return self._intake.sender(api_key(headers))
        except UnauthenticatedError as error:
            raise self._intake.unknown(error, _address(scope)) from None

    def _store(self, path: str, content_type: str) -> _Store:
        """What takes the export requests of a path and an encoding."""
        intake = self._intake
        if path == _LOGS:
            return intake.logs_json if content_type == JSON else intake.logs
        if path == _METRICS:
            return intake.metrics_json if content_type == JSON else intake.metrics
        return intake.json if content_type == JSON else intake.protobuf

    async def _refuse(
        self, send: Send, error: Exception, content_type: str, body: Body, *, expects: bool
    ) -> None:
        headers = http_headers(error)
        content = _status(error, content_type)
        if body.complete:
            await _send(send, refusal(error).http_status, content_type, content, headers)
            return
        headers.append((b"connection", b"close"))
        await _send(
            send, refusal(error).http_status, content_type, content, headers, more_body=True
        )
        # A sender that asked for permission to send its body has its answer, and sends none.
        if not expects:
            await body.drain(self._max_request_bytes)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _check_route(path: str, method: str) -> None:
    if path == _PROFILES:
        raise NotFoundError(
            "This collector takes traces, metrics of GPUs and evaluations in logs: switch the "
            f"exporter of {path} off, or send it elsewhere."
        )
    if path not in _PATHS:
        raise NotFoundError(
            f"There is nothing at this path: send OTLP traces to {_TRACES}, metrics of GPUs to "
            f"{_METRICS}, evaluations to {_LOGS}, records to {RECORDS}."
        )
    if method != "POST":
        raise MethodNotAllowedError(f"{path} takes POST only.")


def _address(scope: Mapping[str, Any]) -> str:
    address, _ = scope.get("client") or ("", 0)
    return str(address)


def _transport(path: str, content_type: str) -> str:
    """Under which name a request is counted."""
    if path == RECORDS:
        return _RECORDS_TRANSPORT
    return _TRANSPORTS.get(content_type, _UNKNOWN_TRANSPORT)


def _check_content_type(path: str, content_type: str) -> None:
    accepted = (JSON,) if path == RECORDS else (PROTOBUF, JSON)
    if content_type not in accepted:
        raise UnsupportedError(
            f"Content-Type {content_type[:80]!r} is not accepted: send {' or '.join(accepted)}."
        )


def _acknowledgement(answer: Acknowledgement | RecordsAnswer, content_type: str) -> bytes:
    if isinstance(answer, Acknowledgement) and content_type != JSON:
        return answer.protobuf()
    return orjson.dumps(answer.json())


def _status(error: Exception, content_type: str) -> bytes:
    if content_type == PROTOBUF:
        return status(error).SerializeToString()
    return orjson.dumps(status_json(error))


async def _send(
    send: Send,
    code: int,
    content_type: str,
    content: bytes,
    headers: list[tuple[bytes, bytes]],
    *,
    more_body: bool = False,
) -> None:
    answer_type = PROTOBUF if content_type == PROTOBUF else JSON
    await send(
        {
            "type": "http.response.start",
            "status": code,
            "headers": [
                (b"content-type", answer_type.encode()),
                (b"content-length", b"%d" % len(content)),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": content, "more_body": more_body})
