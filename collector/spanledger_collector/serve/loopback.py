"""What is for this machine only is asked by this machine's own names.

A web page could otherwise reach a port on the loopback address by pointing a name of its own at
127.0.0.1, and read the answers (DNS rebinding).
"""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from spanledger_collector.errors import RefusedQueryError

#: Names of the loopback address.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def check_host(request: Request) -> None:
    """Refuse a request whose Host is another name.

    Raises:
        RefusedQueryError: asked by another name.
    """
    host = request.url.hostname or ""
    if host not in LOOPBACK:
        raise RefusedQueryError(
            f"this port answers on the loopback address only, not as {host[:100]!r}: "
            "ask localhost, or let the proxy in front send that as Host"
        )


class LoopbackOnly:
    """An ASGI application that is asked by this machine's own names only; 403 otherwise.

    Args:
        app: what answers then.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer: Any = self._app
        if scope["type"] == "http":
            try:
                check_host(Request(scope))
            except RefusedQueryError as error:
                told = orjson.dumps({"error": str(error)})
                answer = Response(told, 403, media_type="application/json")
        await answer(scope, receive, send)
