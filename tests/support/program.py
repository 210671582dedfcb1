"""The demonstration's agents, run as a user program: real clients, real exporters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from spanledger_collector.demo.provider import Provider
from spanledger_collector.demo.scenario import Scenario
from spanledger_collector.errors import NotFoundError
from spanledger_collector.query import Ledger, TraceReport

_PATIENCE_SECONDS = 180.0


def run_program(endpoint: str, protocol: str, *, tickets: int = 1) -> list[str]:
    """Let the agents handle tickets; returns the trace ids."""
    with Provider(default=Scenario()) as provider:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("OTEL_")},
            **provider.environment,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        }
        program = subprocess.run(
            [sys.executable, "-m", "spanledger_collector.demo.agents", "--tickets", str(tickets)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert program.returncode == 0, program.stderr[-4000:]
    return [str(trace_id) for trace_id in json.loads(program.stdout)]


def settled_trace(
    ledger: Ledger, trace_id: str, *, attempts: int = 0, name: str = ""
) -> TraceReport:
    """The trace, as soon as it is in the ledger with so many attempts, under that name.

    A trace that is sent in parts may be settled in parts: its name is that of its root span, which
    ends last.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            report = ledger.trace(trace_id)
        except NotFoundError:
            if time.monotonic() > deadline:
                raise
        else:
            summary = report.summary
            is_whole = summary.attempts >= attempts and name in ("", summary.name)
            if is_whole or time.monotonic() > deadline:
                return report
        time.sleep(0.1)
