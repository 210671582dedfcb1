"""A local HTTP server that speaks the wire formats of OpenAI and Anthropic; it asks no model.

For the demonstration, for tests and for benchmarks: the real client libraries talk to it over real
sockets. Every answer says that it is simulated (its ids, ``system_fingerprint``, the header
``x-simulated`` and the default text).

Usage::

    from spanledger_collector.demo.provider import Answer, Provider, ToolCall

    with Provider() as provider:
        client = openai.OpenAI(base_url=provider.openai_url, api_key="x")        # .../v1
        other = anthropic.Anthropic(base_url=provider.anthropic_url, api_key="x")
        provider.enqueue(Answer(status=429, retry_after_seconds=0.01))           # then retried
        provider.enqueue(Answer(text="hi", input_tokens=1000, cache_read_tokens=400))
        client.chat.completions.create(model="gpt-4o", messages=[...])
        provider.requests[-1].body["messages"]                                   # what it was sent

Each HTTP request takes the next queued :class:`Answer`; with an empty queue, ``default(request)``
answers (give your own to answer by content, for example when agents run concurrently). The server
binds a free port of 127.0.0.1 and is gone, with all its connections, after the ``with`` block.
"""

from __future__ import annotations

import email.message
import json
import re
import secrets
import socket
import threading
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple, cast, final

from spanledger.hosts import PROVIDERS_VARIABLE
from spanledger_collector.demo import anthropic_wire, openai_wire
from spanledger_collector.demo.answers import MARKER, Answer, Request, ToolCall

__all__ = ["Answer", "Provider", "Request", "Route", "ToolCall", "Wire"]

Whole = Callable[[Request, Answer], openai_wire.Body]
Events = Callable[[Request, Answer], Iterator[bytes]]
SERVER_SENT_EVENTS: Final = "text/event-stream; charset=utf-8"


class Wire(NamedTuple):
    """How one path is answered: whole, and as events where it streams (always, without a whole).

    ``kind`` is the content type of the events; ``headers`` makes more headers of a whole answer;
    ``error`` is the body of an answer with an error status (OpenAI's by default).
    """

    whole: Whole | None
    events: Events | None = None
    kind: str = SERVER_SENT_EVENTS
    headers: Callable[[Request, Answer], Mapping[str, str]] | None = None
    error: Whole | None = None


#: ``(whole, events)`` is short for a wire of nothing else.
Route = Wire | tuple[Whole | None, Events | None]
_ROUTES: Final[Mapping[str, Route]] = {
    "/v1/chat/completions": (openai_wire.chat, openai_wire.chat_events),
    "/v1/responses": (openai_wire.response, openai_wire.response_events),
    "/v1/embeddings": (openai_wire.embeddings, None),
    "/v1/messages": Wire(
        anthropic_wire.message, anthropic_wire.message_events, error=anthropic_wire.error
    ),
}


#: Azure's addresses of the same calls; the deployment stands where others name the model.
_AZURE: Final = re.compile(r"/openai/(?:v1/|deployments/[^/]+/)?(.+)")


def _template(path: str) -> re.Pattern[str]:
    literal = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+?)", literal))


def _plain(_request: Request) -> Answer:
    return Answer()


@final
class Provider:
    """The server: starts on construction, stops on :meth:`close` or at the end of ``with``.

    Args:
        script: answers for the first requests, in order.
        default: answers every request that finds the queue empty.
        routes: paths of other wire formats; they win over the provider's own. A part of a path in
            braces stands for anything without a slash: ``/models/{model}:ask``.
    """

    def __init__(
        self,
        script: Iterable[Answer] = (),
        *,
        default: Callable[[Request], Answer] = _plain,
        routes: Mapping[str, Route] = {},
    ) -> None:
        self._routes: Final = {**_ROUTES, **routes}
        self._templates: Final = [(_template(path), path) for path in routes if "{" in path]
        self.requests: list[Request] = []
        self.closing: Final = threading.Event()
        self._default = default
        self._queue = deque(script)
        self._lock = threading.Lock()
        self._series = secrets.token_hex(4)
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.005},
            name="simulated-provider",
            daemon=True,
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def openai_url(self) -> str:
        """``base_url`` for the ``openai`` client.

        By another name of the machine than the others, so that :attr:`environment` can say who
        bills there.
        """
        return f"http://localhost:{self._server.server_address[1]}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a program that is to call this provider as if it were the real ones."""
        return {
            "OPENAI_BASE_URL": self.openai_url,
            "OPENAI_API_KEY": "simulated",
            "ANTHROPIC_BASE_URL": self.anthropic_url,
            "ANTHROPIC_API_KEY": "simulated",
            PROVIDERS_VARIABLE: f"localhost:{self._server.server_address[1]}=openai",
        }

    @property
    def azure_url(self) -> str:
        """``azure_endpoint`` for the ``AzureOpenAI`` client."""
        return self.url

    @property
    def anthropic_url(self) -> str:
        """``base_url`` for the ``anthropic`` client."""
        return self.url

    def route(self, target: str) -> tuple[str, dict[str, str], Wire | None]:
        """What a request target stands for.

        Returns:
            The path, what its parts in braces were, and how it is answered (None: not at all).
        """
        path, named = self._known(target.partition("?")[0])
        found = self._routes.get(path)
        wire = found if found is None or isinstance(found, Wire) else Wire(found[0], found[1])
        return path, named, wire

    def _known(self, path: str) -> tuple[str, dict[str, str]]:
        """The path as its route is named, and its parts in braces."""
        azure = _AZURE.fullmatch(path)
        for candidate in (path, f"/v1/{azure[1]}" if azure else path):
            if candidate in self._routes:
                return candidate, {}
            for template, known in self._templates:
                match = template.fullmatch(candidate)
                if match:
                    parts = match.groupdict().items()
                    return known, {name: urllib.parse.unquote(part) for name, part in parts}
        return path, {}

    def enqueue(self, *answers: Answer) -> None:
        """Append answers; each HTTP request takes one."""
        with self._lock:
            self._queue.extend(answers)

    def take(
        self,
        path: str,
        headers: dict[str, str],
        body: dict[str, Any],
        named: Mapping[str, str] = {},
    ) -> tuple[Request, Answer]:
        """Record a request and choose its answer (called by the server's threads)."""
        with self._lock:
            request = Request(len(self.requests) + 1, path, headers, body, named, self._series)
            self.requests.append(request)
            answer = self._queue.popleft() if self._queue else None
        return request, answer or self._default(request)

    def close(self) -> None:
        """Stop listening, cut every connection (also hanging ones) and wait for the threads."""
        self.closing.set()
        self._server.shutdown()
        self._server.cut_connections()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Provider:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    """Threads that are waited for at close, over connections that can be cut."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._connections.discard(request)

    def cut_connections(self) -> None:
        """Make every thread's next read or write fail."""
        with self._lock:
            for connection in self._connections:
                _cut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the game; anything else is told on stderr."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet per flush, not one per write

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(length)
        path, named, wire = self._provider.route(self.path)
        if wire is None:
            self._send_json(404, {"error": {"message": f"no such endpoint: {self.path}"}}, {})
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request, answer = self._provider.take(path, headers, self._body(raw), named)
        if answer.delay_seconds or answer.hang:
            self._provider.closing.wait(None if answer.hang else answer.delay_seconds)
        if answer.hang:
            self.close_connection = True
            return
        self._answer(request, answer, wire)

    def _body(self, raw: bytes) -> dict[str, Any]:
        """The fields of the body; of an upload those that are no files."""
        kind = self.headers.get("content-type") or ""
        if not kind.startswith("multipart/"):
            return json.loads(raw or b"{}")
        parts = email.message_from_bytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + raw)
        return {
            str(part.get_param("name", header="content-disposition")): str(part.get_payload())
            for part in cast("list[email.message.Message]", parts.get_payload())
            if part.get_filename() is None
        }

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the demonstration owns the terminal."""

    @property
    def _provider(self) -> Provider:
        return cast("_Server", self.server).provider

    def _answer(self, request: Request, answer: Answer, wire: Wire) -> None:
        headers = {"x-request-id": f"req_{MARKER}_{request.serial}"}
        headers["request-id"] = headers["x-request-id"]
        if answer.retry_after_seconds is not None:
            headers["retry-after-ms"] = f"{answer.retry_after_seconds * 1000:g}"
            headers["retry-after"] = f"{answer.retry_after_seconds:g}"
        if answer.status != HTTPStatus.OK:
            body = wire.error(request, answer) if wire.error else openai_wire.error(answer)
            self._send_json(answer.status, body, headers)
            return
        if wire.headers is not None:
            headers |= wire.headers(request, answer)
        if wire.events is not None and (request.streaming or wire.whole is None):
            self._send_events(wire.events(request, answer), answer, wire.kind, headers)
        elif wire.whole is not None:
            self._send_json(200, wire.whole(request, answer), headers)

    def _send_head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"x-simulated": "true", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_json(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
        data = json.dumps(body).encode()
        kind = {"content-type": "application/json", "content-length": str(len(data))}
        self._send_head(status, {**kind, **headers})
        self.wfile.write(data)
        self.wfile.flush()

    def _send_events(
        self, events: Iterator[bytes], answer: Answer, kind: str, headers: dict[str, str]
    ) -> None:
        self._send_head(200, {"content-type": kind, "transfer-encoding": "chunked", **headers})
        for number, data in enumerate(events):
            if number == answer.break_after_events:
                self._break()
                return
            if answer.chunk_delay_seconds:
                self._provider.closing.wait(answer.chunk_delay_seconds)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _break(self) -> None:
        """Cut the connection without the closing chunk, as a crashing proxy does."""
        self.wfile.flush()
        self.close_connection = True
        _cut(self.connection)
