"""A whole collector in the process of a test, and what is asked of it over its ports."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.spans import request_bytes
from tests.support.loaded_rows import count

from spanledger_collector.config import CollectorConfig
from spanledger_collector.pipeline import Collector, Ports
from spanledger_collector.store import Store

PATIENCE_SECONDS = 240.0
#: Of each trace that is posted.
SPANS = 10
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def config_of(folder: Path, database: str, **settings: Any) -> CollectorConfig:
    """Settings of a collector on free ports that neither lingers nor waits."""
    usual: dict[str, Any] = {
        "data_dir": folder, "database": database, "grpc_port": 0, "http_port": 0, "api_port": 0,
        "load_linger_seconds": 0.0, "settle_quiet_seconds": 0.1,
    }  # fmt: skip
    return CollectorConfig(**{**usual, **settings})


@asynccontextmanager
async def running(config: CollectorConfig) -> AsyncGenerator[tuple[Collector, Ports]]:
    """A collector that is started, and stopped in the end."""
    collector = Collector(config, stop_grace_seconds=1.0)
    ports = await collector.start()
    try:
        yield collector, ports
    finally:
        await collector.stop()


def ask(
    port: int, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers; blocks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET" if body is None else "POST", path, body, headers or {})
    answer = connection.getresponse()
    result = answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
    connection.close()
    return result


async def get(port: int, path: str) -> tuple[int, bytes, dict[str, str]]:
    """The same for what is asked."""
    return await asyncio.to_thread(ask, port, path)


async def post(ports: Ports, number: int) -> str:
    """Send one trace of ten spans; it must be acknowledged. Returns its id."""
    status, answer, _ = await asyncio.to_thread(
        ask, ports.http, "/v1/traces", request_bytes(number, SPANS), PROTOBUF
    )
    assert (status, answer) == (200, b"")
    return f"{number + 1:032x}"


async def metric_values(ports: Ports) -> dict[str, float]:
    """Every value that Prometheus would read, by its name with labels."""
    status, text, _ = await get(ports.api, "/metrics")
    assert status == 200
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for it, for minutes if need be."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.05)


async def settled(ports: Ports, trace_id: str) -> dict[str, Any]:
    """The trace, as soon as the API has it."""
    found: dict[str, Any] = {}

    async def there() -> bool:
        status, body, _ = await get(ports.api, f"/v1/traces/{trace_id}")
        if status == 200:
            found.update(json.loads(body))
        return status == 200

    await until(there)
    return found


def in_ledger(database: str) -> int:
    """How many spans are stored."""
    store = Store.open(database)
    try:
        return count(store, "spans FINAL")
    finally:
        store.close()
