"""The demonstration, run: collector, simulated provider, the program in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spanledger_collector.config import CollectorConfig
from spanledger_collector.errors import CollectorError, ConfigurationError, NotFoundError
from spanledger_collector.pipeline import Collector, Ports
from spanledger_collector.query import AgentRow, Ledger, TraceReport

from .provider import Provider
from .scenario import TICKET, Scenario

_PATIENCE_SECONDS = 60.0
_MARKER = "spanledger-demo"


@dataclass(frozen=True)
class Shown:
    """What the demonstration found in the ledger."""

    traces: Sequence[TraceReport]
    agents: Sequence[AgentRow]
    database: str


async def show(folder: Path, *, tickets: int, protocol: str, step: Callable[[str], None]) -> Shown:
    """Run the whole line once.

    Args:
        folder: data directory of the collector; an earlier demonstration there is removed.
        tickets: how many tickets the agents handle; one trace each.
        protocol: ``http/protobuf`` or ``grpc``.
        step: told what happens next.

    Raises:
        ConfigurationError: the folder holds something else.
        CollectorError: the program failed, or its traces did not arrive.
    """
    _make_room(folder)
    config = CollectorConfig(data_dir=folder, grpc_port=0, http_port=0, api_port=0, sql_port=0)
    collector = Collector(config)
    try:
        step("starting the collector on the embedded ledger")
        ports = await collector.start()
        await collector.opened()
        step("running the agents with the real openai and anthropic clients")
        with Provider(default=Scenario()) as provider:
            trace_ids = await _run_program(_environment(provider, ports, protocol), tickets)
        step("waiting for the traces to settle")
        return await asyncio.to_thread(_read, ports, trace_ids, config.database_dsn())
    finally:
        await collector.stop()


def _make_room(folder: Path) -> None:
    """An empty folder, marked as the demonstration's: nothing else is ever removed."""
    marker = folder / _MARKER
    if marker.is_file():
        shutil.rmtree(folder)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(
            f"{folder} is not empty and not from an earlier demonstration: "
            "give --data-dir a folder of its own"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker.touch()


def _environment(provider: Provider, ports: Ports, protocol: str) -> dict[str, str]:
    port = ports.grpc if protocol == "grpc" else ports.http
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("OTEL_")},
        **provider.environment,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }


async def _run_program(environment: dict[str, str], tickets: int) -> list[str]:
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "spanledger_collector.demo.agents",
        "--tickets",
        str(tickets),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await program.communicate()
    if program.returncode:
        raise CollectorError(f"the demo's program failed with exit code {program.returncode}")
    return [str(trace_id) for trace_id in json.loads(output)]


def _read(ports: Ports, trace_ids: Sequence[str], database: str) -> Shown:
    with Ledger.connect(f"spanledger://127.0.0.1:{ports.api}") as ledger:
        traces = [_settled(ledger, trace_id) for trace_id in trace_ids]
        return Shown(traces=traces, agents=ledger.agents(), database=database)


def _settled(ledger: Ledger, trace_id: str) -> TraceReport:
    """The trace with its root span, which ends last; on a busy machine it may come in parts."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            report = ledger.trace(trace_id)
        except NotFoundError:
            if time.monotonic() > deadline:
                raise
        else:
            if report.summary.name == TICKET or time.monotonic() > deadline:
                return report
        time.sleep(0.2)
