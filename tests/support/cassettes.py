"""Answers as providers document them (``tests/cassettes``), from a server on a real port.

A cassette is JSON: the ``source`` of its shape, the client and address it is asked by, what is
``asked``, the whole ``answer`` or the ``events`` of a stream, how many of them the application may
``read`` (left out = all), the ``headers`` of the answer that matter (left out = none), and the
attributes that have to be ``told`` or ``not_told``.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

#: How long the server may take to see that it is to end.
_POLL_SECONDS: Final = 0.01
FOLDER: Final = Path(__file__).parents[1] / "cassettes"


@dataclass(frozen=True)
class Cassette:
    """One file, read."""

    name: str
    content: dict[str, Any]

    @property
    def streamed(self) -> bool:
        """Whether it is a stream."""
        return "events" in self.content

    @property
    def body(self) -> bytes:
        """What the server sends."""
        if not self.streamed:
            return json.dumps(self.content["answer"]).encode()
        events = [f"data: {json.dumps(event)}\n\n" for event in self.content["events"]]
        return "".join([*events, "data: [DONE]\n\n"]).encode()


def cassettes() -> list[Cassette]:
    """All of them, by name."""
    return [
        Cassette(str(path.relative_to(FOLDER).with_suffix("")), json.loads(path.read_bytes()))
        for path in sorted(FOLDER.rglob("*.json"))
    ]


@contextmanager
def playing(cassette: Cassette) -> Generator[str]:
    """The address of a server that answers each request with this, while the block runs."""
    body = cassette.body
    kind = "text/event-stream" if cassette.streamed else "application/json"

    class Player(BaseHTTPRequestHandler):
        """Answers one connection."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Read the request, send the answer."""
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in cassette.content.get("headers", {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name there
            """Nothing: the tests' output is their own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Player)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="cassette")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
