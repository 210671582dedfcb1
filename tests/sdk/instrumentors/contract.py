"""What a client's file has to declare to come under the contract, and how its calls are made.

``cases_<client>.py`` exposes ``CASES``. One declaration serves both the synchronous and the
asynchronous client, because the method names are the same.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tests.support import contracts
from tests.support.contracts import Hole, Row

from spanledger._patches.instrumentor import Instrumentor
from spanledger_collector.demo.provider import Answer

Mode = Literal["sync", "async"]
_CELLS: Final[Mapping[tuple[Mode, bool], contracts.Mode]] = {
    ("sync", False): "sync",
    ("async", False): "async",
    ("sync", True): "stream",
    ("async", True): "async stream",
}

#: Must never appear in a span.
SECRET_PROMPT = "the-secret-of-the-prompt"
SECRET_ANSWER = "the secret of the answer is told word by word"


class Shape(enum.Enum):
    """What a method gives back."""

    WHOLE = "whole"
    STREAM = "stream"
    #: A generator, which makes its request when it is first read; also of the asynchronous client.
    GENERATOR = "generator"
    #: A manager whose ``with`` gives a stream.
    HELPER = "helper"
    #: A raw response, body read.
    RAW = "raw"
    #: A raw response whose stream the application parses.
    RAW_STREAM = "raw stream"
    #: A manager whose ``with`` gives an unread response.
    OPEN = "open"


STREAMING = (Shape.STREAM, Shape.GENERATOR, Shape.HELPER, Shape.RAW_STREAM)


@dataclass(frozen=True)
class Operation:
    """One way to make a model call; ``answer`` is what the provider is told to say.

    ``answered_by`` is the model that the answer names, where that is not the one asked for;
    ``in_oldest`` is false for what the oldest supported version of the client has not got.
    """

    name: str
    shape: Shape
    call: Callable[[Any], Any]
    answer: Answer
    span_name: str
    answered_by: str = ""
    in_oldest: bool = True

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ClientCases:
    """A client library under contract.

    ``make(mode, provider, **options)`` builds a client that talks to the simulated provider.
    ``flavour`` is the client's class for another seller, ``provider`` that seller, ``host`` its
    address, where they are not the client's own. ``lacks`` names the modes that the client does not
    have, ``holes`` the behaviours that do not hold, both with the reason.
    """

    instrumentor: Instrumentor
    make: Callable[..., Any]
    operations: tuple[Operation, ...]
    lacks: Mapping[contracts.Mode, str] = field(default_factory=dict[contracts.Mode, str])
    holes: tuple[Hole, ...] = ()
    flavour: str = ""
    provider: str = ""
    host: str = "127.0.0.1"

    @property
    def name(self) -> str:
        """As it stands in the matrix."""
        return f"{self.instrumentor.client} {self.flavour}".strip()

    def rows(self) -> Iterable[Row]:
        """Every operation of every client there is."""
        for operation in self.operations:
            if contracts.OLDEST and not operation.in_oldest:
                continue
            for (mode, streams), cell in _CELLS.items():
                if streams == (operation.shape in STREAMING) and cell not in self.lacks:
                    values = (self, operation, mode)
                    yield Row(self, operation.name, cell, values, operation.shape.value)


async def perform(
    operation: Operation,
    client: Any,
    mode: Mode,
    limit: int | None = None,
    chunks: list[Any] | None = None,
) -> Any:
    """Make the call and read ``limit`` chunks of a stream (all by default); gives what was read.

    ``chunks`` takes what came out of a stream.
    """
    return await take(operation, await ask(operation, client, mode), mode, limit, chunks)


async def ask(operation: Operation, client: Any, mode: Mode) -> Any:
    """Make the call; gives what is still to be read, if it is to be read: a stream, a manager."""
    value = operation.call(client)
    if operation.shape in (Shape.HELPER, Shape.OPEN):
        return value
    if mode == "async" and (operation.shape is not Shape.GENERATOR or hasattr(value, "__await__")):
        value = await value
    if operation.shape is Shape.RAW_STREAM:
        parsed = value.parse()
        value = await parsed if hasattr(parsed, "__await__") else parsed
    return value


async def take(
    operation: Operation,
    value: Any,
    mode: Mode,
    limit: int | None = None,
    chunks: list[Any] | None = None,
) -> Any:
    """Read what :func:`ask` gave."""
    chunks = [] if chunks is None else chunks
    if operation.shape in (Shape.HELPER, Shape.OPEN):
        return await _within(operation, value, mode, limit, chunks)
    if operation.shape in STREAMING:
        chunks += await read(value, mode, limit)
    return value


async def _within(
    operation: Operation, manager: Any, mode: Mode, limit: int | None, chunks: list[Any]
) -> Any:
    if mode == "async":
        async with manager as entered:
            if operation.shape is Shape.OPEN:
                await entered.read()
            else:
                chunks += await read(entered, mode, limit)
            return entered
    with manager as entered:
        if operation.shape is Shape.OPEN:
            entered.read()
        else:
            chunks += await read(entered, mode, limit)
        return entered


async def read(stream: Any, mode: Mode, limit: int | None = None) -> list[Any]:
    """Read a stream to its end, or ``limit`` chunks of it."""
    chunks: list[Any] = []
    if limit == 0:
        return chunks
    if mode == "async":
        async for chunk in stream:
            chunks.append(chunk)
            if len(chunks) == limit:
                break
    else:
        for chunk in stream:
            chunks.append(chunk)
            if len(chunks) == limit:
                break
    return chunks
