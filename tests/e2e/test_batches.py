"""The whole line: results of a batch at the batch's price, once, however often they are fetched."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.program import settled_trace
from tests.support.running import RunningCollector
from tests.support.wires import batch_wire

from spanledger_collector.demo.provider import Answer, Provider

PROGRAM = """
import json

import anthropic
import openai
from opentelemetry import trace

import spanledger

spanledger.init()


@spanledger.agent
def nightly():
    openai.OpenAI().files.content("batch-2").text
    list(anthropic.Anthropic().messages.batches.results("msgbatch-2"))
    return f"{trace.get_current_span().get_span_context().trace_id:032x}"


print(json.dumps([nightly(), nightly()]))
"""
#: Half of the providers' list prices: 1,000 input and 100 output a call.
MILLION = Decimal(1_000_000)
CHAT_USD = (1000 * Decimal("0.20") + 100 * Decimal("0.80")) / MILLION
EMBEDDING_USD = 1000 * Decimal("0.01") / MILLION
MESSAGE_USD = (1000 * Decimal("0.50") + 100 * Decimal("2.50")) / MILLION
ONCE_USD = 3 * CHAT_USD + EMBEDDING_USD + 2 * MESSAGE_USD


def _run(script: Path, collector: RunningCollector) -> list[str]:
    answer = Answer(input_tokens=1000, output_tokens=100)
    with Provider(default=lambda _request: answer, routes=batch_wire.ROUTES) as provider:
        program = subprocess.run(
            [sys.executable, str(script)],
            env={
                **provider.environment,
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.http_port}",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert program.returncode == 0, program.stderr[-4000:]
    return json.loads(program.stdout)


@pytest.mark.slow
def test_results_cost_half_and_once(collector: RunningCollector, tmp_path: Path) -> None:
    """Fetched by two runs of one process and again by another process."""
    script = tmp_path / "app.py"
    script.write_text(PROGRAM)
    first, second = _run(script, collector)
    with collector.ledger() as ledger:
        whole, again = settled_trace(ledger, first), settled_trace(ledger, second)
        other, _ = _run(script, collector)
        later = settled_trace(ledger, other)
    counted = [a for a in whole.attempts if a.counted]
    assert {(a.service_tier, a.price_status) for a in counted} == {("batch", "priced")}
    assert sorted(a.cost_usd or 0 for a in counted) == sorted(
        [CHAT_USD] * 3 + [EMBEDDING_USD] + [MESSAGE_USD] * 2
    )
    (run,) = whole.runs
    assert (run.agent_name, run.cost_usd) == ("nightly", ONCE_USD)
    for report in (again, later):
        assert {a.excluded_reason for a in report.attempts} == {"duplicate_response"}
        assert len(report.attempts) == len(counted)
        assert report.summary.cost_usd == 0
