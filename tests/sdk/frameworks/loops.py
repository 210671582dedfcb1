"""Blocking ways of asynchronous frameworks need an event loop and connections in their thread."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import openai


@contextmanager
def own_loop() -> Generator[openai.DefaultAsyncHttpxClient]:
    """An event loop for this thread, and an HTTP client that belongs to it; closed at the end."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    http = openai.DefaultAsyncHttpxClient(verify=False)
    try:
        yield http
    finally:
        loop.run_until_complete(http.aclose())
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()
