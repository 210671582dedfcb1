"""Fuzzing of the receivers over real sockets: what is sent, and what may come back.

A case is made from a good request that is harmed at random: bytes flipped, cut out, doubled,
replaced by what parsers stumble over. A target sends it and checks that the answer is one of the
contract (never 500, never silence); afterwards a good request must still be taken.
``tests/faults/test_fuzzing.py`` runs each target for a few seconds, ``python -m benchmarks.fuzz``
for as long as one likes.
"""

from __future__ import annotations

import gzip
import http.client
import json
import random
import re
import socket
import zlib
from collections.abc import Callable
from typing import Any, Final

import grpc
from google.protobuf.json_format import MessageToJson
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from tests.collector.receive.otlp import REQUESTS, request, to_json
from tests.support.otlp_requests import evaluated, sampled
from tests.support.receiving import MAX_REQUEST_BYTES, ReceiverProcess

_PATIENCE_SECONDS: Final = 60.0
#: After this long without a word it is waiting for more. What it says later stands in its log.
_QUIET_SECONDS: Final = 0.05
_TRACES: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_METRICS_METHOD: Final = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
_LOGS_METHOD: Final = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
#: What each target may be answered with. 500 is never among them: it says that we are broken.
_HEAD_STATUSES: Final = frozenset({100, 200, 204, 400, 401, 404, 405, 408, 413, 415, 429, 431})
_BODY_STATUSES: Final = frozenset({200, 400, 413, 415})
_CODES: Final = frozenset(
    {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}
)

#: What parsers stumble over: sizes at their ends, varints without end, signs, nesting, encodings.
_TOKENS: Final = [
    b"\x00", b"\xff", b"\xff" * 10, b"\x80" * 10 + b"\x01", b"\r\n", b"\r\n\r\n", b"\n",
    b"\x00" * 64, b"-1", b"0x10", b"99999999999999999999", b"Infinity", b"NaN", b"null",
    b"[" * 200, b"{" * 200, b"]}" * 100, b'"', b"\\u0000", b"\\ud800", b"\xed\xa0\x80", b"\xc0\xaf",
    b"Content-Length: 5\r\n", b"Content-Length: -5\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity, chunked\r\n", b"Expect: 100-continue\r\n", b"Host:\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", b"ffffffff\r\n",
]  # fmt: skip


@st.composite
def harmed(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """A good message, changed in some places."""
    message = bytearray(draw(good))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(message)))
        length = draw(st.sampled_from([0, 1, 1, 2, 4, 16, 256]))
        match draw(st.integers(0, 4)):
            case 0 if at < len(message):
                message[at] ^= 1 << draw(st.integers(0, 7))
            case 1:
                del message[at : at + length]
            case 2:
                message[at:at] = message[at : at + length] * draw(st.sampled_from([1, 2, 50]))
            case 3:
                message[at : at + length] = draw(st.sampled_from(_TOKENS))
            case _:
                message[at : at + length] = draw(st.binary(max_size=16))
    return bytes(message)


_BODIES: Final = REQUESTS.map(lambda message: message.SerializeToString())
_JSON_BODIES: Final = REQUESTS.map(lambda message: json.dumps(to_json(message)).encode())
_METRICS: Final = st.lists(st.floats(), max_size=4).map(sampled)
_METRICS_JSON: Final = _METRICS.map(
    lambda body: MessageToJson(ExportMetricsServiceRequest.FromString(body)).encode()
)
_LOGS: Final = st.lists(st.floats(), max_size=4).map(evaluated)
_LOGS_JSON: Final = _LOGS.map(
    lambda body: MessageToJson(ExportLogsServiceRequest.FromString(body)).encode()
)
_RECORDS: Final = st.fixed_dictionaries(
    {"kind": st.sampled_from(["revenue", "outcome", "evaluation", "expense", "effort", "x"])},
    optional={
        name: st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9))
        for name in (
            "run_id", "trace_id", "span_id", "external_key", "record_id", "at", "amount",
            "currency", "outcome", "verdict", "score", "quantity", "unit", "minutes", "role",
        )
    },
)  # fmt: skip
_RECORD_BODIES: Final = st.lists(_RECORDS, max_size=4).map(
    lambda records: json.dumps({"records": records}).encode()
)
_PACKERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "bomb": lambda body: gzip.compress(body + bytes(8 * MAX_REQUEST_BYTES), 1),
}


def _http_message(body: bytes) -> bytes:
    return (
        b"POST /v1/traces HTTP/1.1\r\nHost: fuzz\r\nContent-Type: application/x-protobuf\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )


def _http2_message(seed: int) -> bytes:
    """A preface, settings, and frames of every kind with sizes that may be lies."""
    chance = random.Random(seed)  # noqa: S311 -- no secret
    frames = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"]
    for _ in range(chance.randrange(8)):
        payload = chance.randbytes(chance.choice([0, 1, 8, 60]))
        length = len(payload) if chance.random() < 0.8 else chance.randrange(1 << 24)
        head = length.to_bytes(3, "big") + bytes([chance.randrange(12), chance.randrange(256)])
        frames.append(head + chance.randrange(6).to_bytes(4, "big") + payload)
    return b"".join(frames)


def raw_http(receiver: ReceiverProcess, message: bytes) -> None:
    """Bytes that are nearly a request on the HTTP port."""
    answer = _spoken(receiver.http_port, message)
    statuses = {int(status) for status in _STATUS.findall(answer)}
    assert statuses <= _HEAD_STATUSES, (statuses, answer)


def raw_grpc(receiver: ReceiverProcess, message: bytes) -> None:
    """Bytes that are nearly HTTP/2 on the gRPC port; it may close the connection without a word."""
    _spoken(receiver.grpc_port, message)


def http_body(
    receiver: ReceiverProcess,
    case: tuple[str, str, str, bytes],
    allowed: frozenset[int] = _BODY_STATUSES,
) -> None:
    """A whole request on the HTTP port whose body is nearly what its head says."""
    path, content_type, encoding, body = case
    headers = {"Content-Type": content_type}
    if encoding:
        headers["Content-Encoding"] = encoding
    connection = http.client.HTTPConnection(
        "127.0.0.1", receiver.http_port, timeout=_PATIENCE_SECONDS
    )
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status in allowed, (answer.status, said)
        if answer.status != 415:
            assert answer.getheader("Content-Type", "").startswith(content_type)
    finally:
        connection.close()


class GrpcBody:
    """A call whose message is nearly a request.

    Args:
        method: what is called.
    """

    def __init__(self, method: str) -> None:
        self._method = method
        self._channels: dict[int, Any] = {}

    def __call__(self, receiver: ReceiverProcess, message: bytes) -> None:
        port = receiver.grpc_port
        channel = self._channels.setdefault(port, grpc.insecure_channel(f"127.0.0.1:{port}"))
        try:
            channel.unary_unary(self._method)(message, timeout=_PATIENCE_SECONDS)
        except grpc.RpcError as error:
            failed: Any = error
            assert failed.code() in _CODES, (failed.code(), failed.details())


def _spoken(port: int, message: bytes) -> bytes:
    """What the server says to these bytes until it ends the connection, or waits for more."""
    with socket.create_connection(("127.0.0.1", port), _PATIENCE_SECONDS) as connection:
        said = bytearray()
        try:
            connection.sendall(message)
            connection.settimeout(_QUIET_SECONDS)
            while part := connection.recv(65536):
                said += part
        except (ConnectionResetError, BrokenPipeError):
            pass  # it had enough before all was sent
        except TimeoutError:
            pass  # it waits for what a head promised: there is no more
        return bytes(said)


@st.composite
def _http_bodies(draw: st.DrawFn) -> tuple[str, str, str, bytes]:
    path, content_type, bodies = draw(
        st.sampled_from(
            [
                ("/v1/traces", "application/x-protobuf", _BODIES),
                ("/v1/traces", "application/json", _JSON_BODIES),
                ("/v1/metrics", "application/x-protobuf", _METRICS),
                ("/v1/metrics", "application/json", _METRICS_JSON),
                ("/v1/logs", "application/x-protobuf", _LOGS),
                ("/v1/logs", "application/json", _LOGS_JSON),
                ("/v1/records", "application/json", _RECORD_BODIES),
            ]
        )
    )
    packer = draw(st.sampled_from(list(_PACKERS)))
    if draw(st.booleans()):
        body = _PACKERS[packer](draw(harmed(bodies)))
    else:
        body = draw(harmed(bodies.map(_PACKERS[packer])))
    encoding = {"identity": "", "bomb": "gzip"}.get(packer, packer)
    return path, content_type, draw(st.sampled_from([encoding, encoding, "zstd"])), body


Target = Callable[[ReceiverProcess, Any], None]

TARGETS: Final[dict[str, tuple[Target, st.SearchStrategy[Any]]]] = {
    "raw_http": (raw_http, harmed(_BODIES.map(_http_message))),
    "http_body": (http_body, _http_bodies()),
    "raw_grpc": (raw_grpc, harmed(st.integers(0, 2**32).map(_http2_message))),
    "grpc_body": (GrpcBody(_TRACES), harmed(_BODIES)),
    "grpc_metrics": (GrpcBody(_METRICS_METHOD), harmed(_METRICS)),
    "grpc_logs": (GrpcBody(_LOGS_METHOD), harmed(_LOGS)),
}


def is_well(receiver: ReceiverProcess) -> None:
    """Both ports take a good request."""
    body = request(spans=3).SerializeToString()
    http_body(receiver, ("/v1/traces", "application/x-protobuf", "", body), frozenset({200}))
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as channel:
        assert channel.unary_unary(_TRACES)(body, timeout=_PATIENCE_SECONDS) == b""
