"""Browsers that send spans: the origins that may are named, all others get no permission.

Off without origins. No credentials of a browser are ever allowed (keys are headers), so that a page
can send only what it could have sent from anywhere; nothing can be read on the OTLP port.
"""

from collections.abc import Collection, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALLOWED_HEADERS = b"authorization, content-type, content-encoding, x-api-key"
_MAX_AGE_SECONDS = b"7200"


class Cors:
    """An ASGI application with permissions for browsers.

    Args:
        app: what answers.
        origins: such as ``https://app.example``; ``*`` = any.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        given: Mapping[bytes, bytes] = dict(scope["headers"])
        origin = given.get(b"origin")
        if origin is None or not self._allows(origin):
            await self._app(scope, receive, send)
            return
        allowed = [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in given:
            await _permit(send, allowed)
            return

        async def permitted(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *allowed]}
            await send(message)

        await self._app(scope, receive, permitted)

    def _allows(self, origin: bytes) -> bool:
        return "*" in self._origins or origin.decode("latin-1") in self._origins


async def _permit(send: Send, allowed: list[tuple[bytes, bytes]]) -> None:
    """The answer to the question that a browser asks first."""
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": 204,
        "headers": [
            *allowed,
            (b"access-control-allow-methods", b"POST"),
            (b"access-control-allow-headers", _ALLOWED_HEADERS),
            (b"access-control-max-age", _MAX_AGE_SECONDS),
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": b""})
