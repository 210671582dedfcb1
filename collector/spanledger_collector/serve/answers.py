"""Answers that are made and not sent yet: how much of them there may be, and for how long.

A reader that is slow, or takes nothing, keeps the whole of its answer in memory. Beyond a number of
bytes no more is asked of the ledger until some are sent; who takes nothing for a minute is let go.
"""

import asyncio
import logging
import threading
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from spanledger_collector.errors import OverloadedError

_LOG = logging.getLogger(__name__)
_PIECE_BYTES: Final = 256 * 1024
#: How long a reader may take for a piece of its answer.
PIECE_SECONDS: Final = 60.0


class Sending:
    """Bytes of all answers that are made and not sent.

    Args:
        limit_bytes: from it on no more are made; those that are being made go over it.
        piece_seconds: how long a reader may take for a piece of its answer.

    Attributes:
        bytes: how many there are.
    """

    def __init__(self, limit_bytes: int, piece_seconds: float = PIECE_SECONDS) -> None:
        self._limit_bytes = limit_bytes
        self.piece_seconds = piece_seconds
        self._lock = threading.Lock()
        self.bytes = 0

    def check(self) -> None:
        """Whether one more may be made. From any thread.

        Raises:
            OverloadedError: too much waits to be sent.
        """
        if self.bytes >= self._limit_bytes:
            raise OverloadedError(
                f"{self.bytes} bytes of answers wait to be sent to their readers and "
                f"{self._limit_bytes} are allowed: ask again in a second"
            )

    def answer(self, content: bytes, media_type: str) -> Response:
        """An answer that counts from now until it is sent. From any thread."""
        self._change(len(content))
        return _Answer(content, media_type, self)

    def sent(self, content: bytes) -> None:
        """It is sent, or nobody takes it."""
        self._change(-len(content))

    def _change(self, size: int) -> None:
        with self._lock:
            self.bytes += size


class _Answer(Response):
    """Sent in pieces, each when the one before was taken."""

    def __init__(self, content: bytes, media_type: str, sending: Sending) -> None:
        super().__init__(media_type=media_type)
        self.headers["content-length"] = str(len(content))
        self._content = content
        self._sending = sending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        content, pause = self._content, self._sending.piece_seconds
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            for start in range(0, len(content), _PIECE_BYTES):
                body = content[start : start + _PIECE_BYTES]
                piece = {"type": "http.response.body", "body": body, "more_body": True}
                await asyncio.wait_for(send(piece), pause)
            last = {"type": "http.response.body", "body": b"", "more_body": False}
            await asyncio.wait_for(send(last), pause)
        except asyncio.TimeoutError:
            # Without an end of the answer the server closes the connection.
            _LOG.warning("a reader took nothing of its answer for %.0f s: it is let go", pause)
        finally:
            self._sending.sent(content)
