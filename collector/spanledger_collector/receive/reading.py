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
        reading: calls whose message is being read.
        waiting: calls that wait for that.
    """

    reading: int = 0
    waiting: int = 0


@dataclass(slots=True, eq=False)
class _Waiting:
    """A call that waits for its turn."""

    sender: _Sender
    turn: asyncio.Future[None]


class Reading:
    """Reads the messages of calls, so many at once as fit in the budget; the others wait.

    Of what may be read at once, and of what may wait, one sender has a part in :data:`SHARES`, and
    may always have one message read. Half of it is kept for senders of whom nothing is being read,
    so that a few who are slow together hold up no other.

    Args:
        max_message_bytes: largest message: packed, and again when it is unpacked.
        max_bytes: of those that are read at once.
        seconds: how long one may take, and how long its turn may be waited for.
    """

    def __init__(self, max_message_bytes: int, max_bytes: int, seconds: float) -> None:
        self._free = max(1, max_bytes // (2 * max_message_bytes))
        self._share = max(1, self._free // SHARES)
        self._kept = self._free // 2
        self._seconds = seconds
        self._senders: dict[str, _Sender] = {}
        # In the order they came.
        self._waiting: dict[_Waiting, None] = {}

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
        sender = self._senders.setdefault(name, _Sender())
        try:
            await self._begin(sender)
            try:
                yield
            finally:
                self._end(sender)
        finally:
            if not sender.reading and not sender.waiting:
                self._senders.pop(name, None)

    async def _begin(self, sender: _Sender) -> None:
        if len(self._waiting) >= _MOST_WAITING or sender.waiting >= _MOST_WAITING // SHARES:
            raise OverloadedError(
                f"{len(self._waiting)} calls wait to be read: send again in a second."
            )
        if self._may_begin(sender):
            self._take(sender)
            return
        waiting = _Waiting(sender, asyncio.get_running_loop().create_future())
        self._waiting[waiting] = None
        sender.waiting += 1
        try:
            await asyncio.wait_for(asyncio.shield(waiting.turn), self._seconds)
        except asyncio.TimeoutError as error:
            self._give_up(waiting)
            raise OverloadedError("Other calls are being read: send again in a second.") from error
        except BaseException:
            self._give_up(waiting)
            raise

    def _may_begin(self, sender: _Sender) -> bool:
        if not sender.reading:
            return self._free > 0
        return sender.reading < self._share and self._free > self._kept

    def _take(self, sender: _Sender) -> None:
        sender.reading += 1
        self._free -= 1

    def _end(self, sender: _Sender) -> None:
        sender.reading -= 1
        self._free += 1
        self._hand_on()

    def _hand_on(self) -> None:
        """Begin with those that waited longest, of all that may."""
        for waiting in list(self._waiting):
            if not self._free:
                return
            if self._may_begin(waiting.sender):
                self._leave(waiting)
                self._take(waiting.sender)
                waiting.turn.set_result(None)

    def _leave(self, waiting: _Waiting) -> None:
        del self._waiting[waiting]
        waiting.sender.waiting -= 1

    def _give_up(self, waiting: _Waiting) -> None:
        """It waited too long, or was cancelled, maybe when it had just been handed its turn."""
        if waiting.turn.done():
            self._end(waiting.sender)
        else:
            self._leave(waiting)
