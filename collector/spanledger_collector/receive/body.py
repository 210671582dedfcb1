"""Reads an HTTP body piece by piece, within a size, a deadline, a pace and the byte budget."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from spanledger_collector.errors import MalformedError, TooLargeError
from spanledger_collector.receive.admission import Claim
from spanledger_collector.receive.inflate import Inflater
from spanledger_collector.receive.status import SlowClientError

Receive = Callable[[], Awaitable[Any]]
_DRAIN_SECONDS = 2.0
#: A body of which no more than this arrives while a sender is waited for is given up.
PACE_BYTES = 10 * 1024


class ClientGoneError(Exception):
    """The connection was closed before the body was complete: there is nobody to answer."""


class Body:
    """The body of one request.

    Args:
        receive: the ASGI callable.
        headers: of the request, names in lower case.
        seconds: how long the whole body may take.
        patience_seconds: how long is waited for ``PACE_BYTES`` more of it, or its end.

    Attributes:
        complete: it was received to its end, or there is none.
    """

    def __init__(
        self,
        receive: Receive,
        headers: Mapping[str, str],
        seconds: float,
        patience_seconds: float,
    ) -> None:
        self._receive = receive
        self._seconds = seconds
        self._patience_seconds = patience_seconds
        self._waited_seconds = 0.0
        self._came_bytes = 0
        self._deadline = time.monotonic() + seconds
        self.complete = not {"content-length", "transfer-encoding"} & headers.keys()

    async def read(self, inflater: Inflater, limit_bytes: int, claim: Claim) -> bytes:
        """The whole body, unpacked.

        Raises:
            TooLargeError: over the limit before or after decompression.
            MalformedError: not of the announced encoding.
            OverloadedError: too many bytes in progress.
            SlowClientError: it took too long.
            ClientGoneError: the sender went away.
        """
        received = 0
        pieces: list[bytes] = []
        async for chunk in self._chunks():
            received += len(chunk)
            check_length(received, limit_bytes)
            for piece in inflater.feed(chunk):
                claim.add(len(piece))
                pieces.append(piece)
                # Unpacking may give much from little: let others work in between.
                await asyncio.sleep(0)
        inflater.finish()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def drain(self, limit_bytes: int) -> None:
        """Read and forget the rest after a refusal, so that the sender gets to see the answer.

        A socket closed with unread input is reset, and the reset destroys the answer on its way.
        """
        self._deadline = min(self._deadline, time.monotonic() + _DRAIN_SECONDS)
        received = 0
        try:
            async for chunk in self._chunks():
                received += len(chunk)
                if received > limit_bytes:
                    return
        except (SlowClientError, ClientGoneError):
            return

    async def _chunks(self) -> AsyncIterator[bytes]:
        while not self.complete:
            event = await self._event()
            if event["type"] == "http.disconnect":
                raise ClientGoneError
            self.complete = not event.get("more_body", False)
            yield event.get("body", b"")

    async def _event(self) -> Any:
        # What the collector itself does between two pieces is not held against the sender.
        began = time.monotonic()
        left = min(self._deadline - began, self._patience_seconds - self._waited_seconds)
        try:
            event = await asyncio.wait_for(self._receive(), max(left, 0.0))
        except asyncio.TimeoutError as error:
            raise SlowClientError(
                f"The body did not arrive within {self._seconds:g} s, or less than {PACE_BYTES} "
                f"bytes of it within {self._patience_seconds:g} s: send smaller batches, or "
                "compress them with gzip."
            ) from error
        self._waited_seconds += time.monotonic() - began
        self._came_bytes += len(event.get("body", b""))
        if self._came_bytes >= PACE_BYTES:
            self._waited_seconds, self._came_bytes = 0.0, 0
        return event


def declared_length(header: str | None) -> int:
    """The value of Content-Length; 0 when there is none.

    Raises:
        MalformedError: it is not a number.
    """
    if header is None:
        return 0
    if not header.isascii() or not header.isdigit():
        raise MalformedError("Content-Length is not a number.")
    return int(header[:20])


def check_length(size: int, limit_bytes: int) -> None:
    """Refuse a body that is over the limit.

    Raises:
        TooLargeError: it is.
    """
    if size > limit_bytes:
        raise TooLargeError(
            f"The body is over {limit_bytes} bytes: send smaller batches "
            "(OTEL_BSP_MAX_EXPORT_BATCH_SIZE), or raise SPANLEDGER_MAX_REQUEST_BYTES."
        )
