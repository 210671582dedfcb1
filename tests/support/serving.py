"""Runs an ASGI application on a real port, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from spanledger_collector.http_server import HttpServer


@contextmanager
def serving(app: Any) -> Generator[str]:
    """The application's address, such as ``127.0.0.1:40123``, while the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="serving")
    thread.start()
    server = HttpServer(app, "127.0.0.1", 0, name="test server")
    try:
        port = asyncio.run_coroutine_threadsafe(server.start(), loop).result(120)
        yield f"127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(5), loop).result(120)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
