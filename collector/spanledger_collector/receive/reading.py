"""Whose messages are read when, over gRPC: in turns, and no sender takes the turns of all."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from spanledger_collector.errors import MalformedError, OverloadedError
from spanledger_collector.receive.admission import SHARES
from spanledger_collector.receive.status import SlowClientError

#: Calls whose message is not read yet; each may hold the window of a stream.
_MOST_WAITING: Final = 1024


@dataclass(slots=True)
class _Sender:
    """The calls of one key or address.

    Attributes:
        slots: how many more of its messages may be read at once.
        calls: being read, or waiting for that.
        waiting: of these, not being read yet.
    """

    slots: asyncio.Semaphore
    calls: int = 0
    waiting: int = 0


class Reading:
    """Reads the messages of calls, so many at once as fit in the budget; the others wait.

    Of what may be read at once, and of what may wait, one sender has a part in :data:`SHARES`,
    and may always have one message read.

    Args:
        max_message_bytes: largest message: packed, and again when it is unpacked.
        max_bytes: of those that are read at once.
        seconds: how long one may take, and how long its turn may be waited for.
    """

    def __init__(self, max_message_bytes: int, max_bytes: int, seconds: float) -> None:
        whole = max(1, max_bytes // (2 * max_message_bytes))
        self._slots = asyncio.Semaphore(whole)
        self._share = max(1, whole // SHARES)
        self._seconds = seconds
        self._waiting = 0
        self._senders: dict[str, _Sender] = {}

    async def message(self, bodies: AsyncIterator[bytes], sender: str) -> bytes:
        """The message of a call.

        Args:
            bodies: the call's stream, with one message.
            sender: whose it is, see :func:`sender_name`.

        Raises:
            OverloadedError: too many wait to be read, or this one waited for too long.
            SlowClientError: it did not arrive in time.
            MalformedError: there is none.
        """
        async with self._turn(sender):
            try:
                return await asyncio.wait_for(anext(bodies), self._seconds)
            except StopAsyncIteration:
                raise MalformedError("The call has no message.") from None
            except asyncio.TimeoutError as error:
                raise SlowClientError(
                    f"The message did not arrive within {self._seconds:g} s: send smaller "
                    "batches, or compress them with gzip."
                ) from error

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncGenerator[None, None]:
        sender = self._senders.setdefault(name, _Sender(asyncio.Semaphore(self._share)))
        sender.calls += 1
        try:
            await self._wait(sender)
            try:
                yield
            finally:
                self._slots.release()
                sender.slots.release()
        finally:
            sender.calls -= 1
            if not sender.calls:
                del self._senders[name]

    async def _wait(self, sender: _Sender) -> None:
        if self._waiting >= _MOST_WAITING or sender.waiting >= _MOST_WAITING // SHARES:
            raise OverloadedError(f"{self._waiting} calls wait to be read: send again in a second.")
        self._waiting += 1
        sender.waiting += 1
        try:
            await asyncio.wait_for(self._acquire(sender), self._seconds)
        except asyncio.TimeoutError as error:
            raise OverloadedError("Other calls are being read: send again in a second.") from error
        finally:
            self._waiting -= 1
            sender.waiting -= 1

    async def _acquire(self, sender: _Sender) -> None:
        """Its own part first: who waits for that stands in nobody's way."""
        await sender.slots.acquire()
        try:
            await self._slots.acquire()
        except BaseException:
            sender.slots.release()
            raise
