"""A receiver on free ports with an inbox instead of the journal, and a raw HTTP client."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from spanledger_collector.config import CollectorConfig
from spanledger_collector.receive import Accept, Ports, Receiver


@dataclass
class Inbox:
    """What was accepted; ``error`` is raised instead, ``gate`` is waited for first.

    ``arrived`` is set when a request waits at the gate.
    """

    payloads: list[bytes] = field(default_factory=list[bytes])
    meanings: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    error: Exception | None = None
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, payload: bytes, **meaning: Any) -> int:
        if self.gate is not None:
            self.arrived.set()
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.payloads.append(payload)
        self.meanings.append(meaning)
        return len(self.payloads)


@dataclass
class Running:
    """A started receiver."""

    receiver: Receiver
    ports: Ports
    registry: CollectorRegistry

    def count(self, name: str, **labels: str) -> float:
        """The value of one of its counters."""
        return self.registry.get_sample_value(f"spanledger_receive_{name}", labels) or 0.0


Start = Callable[..., Awaitable[Running]]


@pytest.fixture(name="inbox")
def _inbox() -> Inbox:
    return Inbox()


@pytest.fixture(name="start")
async def _start(inbox: Inbox) -> AsyncGenerator[Start, None]:
    """Starts a receiver with changed settings; it is stopped after the test."""
    async with AsyncExitStack() as stack:

        async def start(
            accept: Accept = inbox.accept,
            *,
            arguments: dict[str, Any] | None = None,
            **settings: Any,
        ) -> Running:
            config = CollectorConfig(grpc_port=0, http_port=0, **settings)
            registry = CollectorRegistry()
            receiver = Receiver(config, accept, registry=registry, **(arguments or {}))
            ports = await receiver.start()
            stack.push_async_callback(receiver.stop, 1)
            return Running(receiver, ports, registry)

        yield start


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One raw HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def request(
        self,
        body: bytes = b"",
        *,
        method: str = "POST",
        path: str = "/v1/traces",
        content_type: str = "application/x-protobuf",
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """Send a request with Content-Length."""
        lines = [f"{method} {path} HTTP/1.1", "host: tests", f"content-type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        lines.append(f"content-length: {len(body) if length is None else length}")
        await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def answer(self) -> Answer:
        """Read one answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(int(head[0].split()[1]), headers, body)

    async def closed(self) -> bool:
        """Whether the server ends the connection without sending anything more."""
        return await self.reader.read() == b""


Connect = Callable[[Running], Awaitable[Connection]]


@pytest.fixture(name="connect")
async def _connect() -> AsyncGenerator[Connect, None]:
    """Opens raw connections to the HTTP port."""
    writers: list[asyncio.StreamWriter] = []

    async def connect(running: Running) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.ports.http)
        writers.append(writer)
        return Connection(reader, writer)

    yield connect
    for writer in writers:
        writer.close()
