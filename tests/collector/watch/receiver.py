"""A receiver of webhooks: answers as it is told, keeps what it was sent."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """What came, and the statuses of the next answers (200 when there are none left)."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.messages: list[tuple[dict[str, str], bytes]] = []
        self.came = threading.Semaphore(0)
        self.url = ""

    def wait(self, messages: int = 1) -> None:
        """Until so many more have come."""
        for _ in range(messages):
            assert self.came.acquire(timeout=120)


@contextmanager
def receiving() -> Generator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.messages.append((dict(self.headers), body))
            status = receiver.statuses.pop(0) if receiver.statuses else 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", receiver.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            receiver.came.release()

        def do_GET(self) -> None:
            receiver.messages.append(({"redirected": "yes"}, b""))
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
