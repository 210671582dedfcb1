"""A real MCP server with a few tools, in this process or as a program of its own (stdio).

Serves both major versions of the ``mcp`` package.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio
import mcp
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

NEW: Final = hasattr(mcp, "Client")
"""Version 2 or newer."""

if TYPE_CHECKING or NEW:
    from mcp.server.mcpserver import Context, MCPServer
else:
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer

Transport = Literal["direct", "streams"]


def make_server() -> Any:
    """The server."""
    server = MCPServer("tools")

    @server.tool()
    async def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    async def fail() -> int:
        raise ValueError("the secret of the answer")

    @server.tool()
    async def wait() -> str:
        await anyio.sleep_forever()
        return ""

    # The parameters of Context are two in version 2, three in version 1.
    @server.tool()
    async def context(ctx: Context) -> dict[str, str]:
        """What came with the request, and what of it is current while the tool runs."""
        meta = ctx.request_context.meta
        sent: dict[str, Any] = meta if isinstance(meta, dict) else getattr(meta, "model_extra", {})
        current = trace.get_current_span().get_span_context()
        return {
            **{key: str(value) for key, value in sent.items()},
            "current trace": trace.format_trace_id(current.trace_id),
        }

    return server


@asynccontextmanager
async def session(transport: Transport = "streams") -> AsyncGenerator[Any]:
    """A session with the server in this process.

    Args:
        transport: ``streams`` carries JSON-RPC; ``direct`` (version 2) hands the calls over.
    """
    if NEW:
        mode = "auto" if transport == "direct" else "legacy"
        async with mcp.Client(make_server(), mode=mode) as client:
            yield client.session
    else:
        memory: Any = importlib.import_module("mcp.shared.memory")
        async with memory.create_connected_server_and_client_session(make_server()) as connected:
            yield connected


if __name__ == "__main__":
    logging.disable()
    trace.set_tracer_provider(TracerProvider())
    make_server().run()
