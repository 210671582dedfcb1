"""A small OTLP receiver for tests of the sending side: real sockets, scripted answers.

HTTP: :class:`HttpReceiver` answers with what its script says next, 200 when the script is over.
gRPC: :class:`GrpcReceiver` the same with status codes. Both keep the names of the spans they took.
"""

from __future__ import annotations

import concurrent.futures
import gzip
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from typing_extensions import Self


def span_names(request: ExportTraceServiceRequest) -> list[str]:
    """Names of the spans of a request, in order."""
    return [
        span.name
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@dataclass(frozen=True)
class Answer:
    """One scripted answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    #: The handler waits for this before it answers (a collector that hangs).
    after: threading.Event | None = None
    #: Says no to requests for which this is true, 200 to others; the script does not move on.
    refuse_if: Callable[[list[str]], bool] | None = None


class Received:
    """What arrived, with a way to wait for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.names: list[str] = []
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []

    def add(
        self, request: ExportTraceServiceRequest, headers: dict[str, str], *, taken: bool
    ) -> None:
        with self._changed:
            self.requests.append(request)
            self.headers.append(headers)
            if taken:
                self.names.extend(span_names(request))
            self._changed.notify_all()

    def wait(self, condition: Callable[[Received], bool], timeout_seconds: float = 20) -> None:
        """Block until the condition holds; fails the test when it never does."""
        with self._changed:
            held = self._changed.wait_for(lambda: condition(self), timeout_seconds)
        assert held, f"after {timeout_seconds} s: {len(self.requests)} requests, {self.names}"

    def wait_for_spans(self, count: int) -> None:
        self.wait(lambda received: len(received.names) >= count)

    def wait_for_requests(self, count: int) -> None:
        self.wait(lambda received: len(received.requests) >= count)


class HttpReceiver(Received):
    """``with HttpReceiver([Answer(503), Answer(200)]) as receiver``: listens on a free port."""

    def __init__(self, script: Iterable[Answer] = (), port: int = 0) -> None:
        super().__init__()
        self._script = deque(script)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the interface
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        answer = self._next(span_names(request))
        if answer.after is not None:
            answer.after.wait(300)
        headers = {key.lower(): value for key, value in handler.headers.items()}
        self.add(request, headers | {"path": handler.path}, taken=200 <= answer.status < 300)
        try:
            handler.send_response(answer.status)
            for key, value in answer.headers.items():
                handler.send_header(key, value)
            handler.send_header("Content-Length", str(len(answer.body)))
            handler.end_headers()
            handler.wfile.write(answer.body)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True

    def _next(self, names: list[str]) -> Answer:
        if not self._script:
            return Answer()
        first = self._script[0]
        if first.refuse_if is not None:
            return first if first.refuse_if(names) else Answer()
        return self._script.popleft()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class GrpcReceiver(Received, TraceServiceServicer):
    """``with GrpcReceiver([grpc.StatusCode.UNAVAILABLE]) as receiver``: codes, then OK."""

    def __init__(self, script: Iterable[grpc.StatusCode] = ()) -> None:
        super().__init__()
        self._script = deque(script)
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        add_TraceServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.url = f"http://127.0.0.1:{self.port}"

    def Export(self, request: Any, context: Any) -> ExportTraceServiceResponse:  # noqa: N802 -- gRPC
        code = self._script.popleft() if self._script else grpc.StatusCode.OK
        metadata = dict(context.invocation_metadata())
        self.add(request, metadata, taken=code is grpc.StatusCode.OK)
        if code is not grpc.StatusCode.OK:
            context.abort(code, "scripted")
        return ExportTraceServiceResponse()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0).wait()
