"""The whole line: 64 threads under one budget, and the ledger says the same as the process."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.program import settled_trace
from tests.support.running import RunningCollector

from spanledger_collector.demo.provider import Answer, Provider

PROGRAM = """
import json, os
from concurrent.futures import ThreadPoolExecutor
import anthropic, openai
from opentelemetry import trace
import spanledger

spanledger.init()
clients = openai.OpenAI(), anthropic.Anthropic()
tenants = spanledger.budget("0.02", per="tenant", mode="raise")
ASKED = {"messages": [{"role": "user", "content": "what is it?"}], "max_tokens": 100}


def ask(number):
    client = clients[number % 2]
    try:
        if number % 2:
            client.messages.create(model="claude-sonnet-4-5", **ASKED)
        else:
            client.chat.completions.create(model="gpt-4o", **ASKED)
    except spanledger.BudgetExceededError:
        return 1
    return 0


@spanledger.agent(tenant="budgeted", budget=tenants)
def crowd():
    with ThreadPoolExecutor(64) as pool:
        refused = sum(pool.map(spanledger.propagate_context(ask), range(128)))
    return refused, f"{trace.get_current_span().get_span_context().trace_id:032x}"


refused, trace_id = crowd()
spent = str(tenants.state("budgeted").spent_usd)
print(json.dumps({"refused": refused, "trace_id": trace_id, "spent": spent}))
"""


@pytest.mark.slow
def test_the_ledger_has_what_the_process_spent_and_refused(
    collector: RunningCollector, tmp_path: Path
) -> None:
    """To the last digit; a refused call is there, costs nothing and is no unknown."""
    script = tmp_path / "app.py"
    script.write_text(PROGRAM)
    answer = Answer(text="it is", input_tokens=40, output_tokens=9, cache_read_tokens=10)
    with Provider(default=lambda _request: answer) as provider:
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
        sent = len(provider.requests)
    assert (program.returncode, program.stderr) == (0, "")
    told = json.loads(program.stdout)
    spent = Decimal(told["spent"])
    assert 0 < told["refused"] < 128
    assert sent + told["refused"] == 128
    assert 0 < spent <= Decimal("0.02")
    with collector.ledger() as ledger:
        report = settled_trace(ledger, told["trace_id"], attempts=128)
        [asked] = ledger.query("spending", per="tenant", key="budgeted")
        in_window = ledger.query("spent_by")
    assert report.summary.cost_usd == spent
    assert (report.summary.attempts, report.summary.unpriced_attempts) == (128, 0)
    assert Decimal(asked["spent_usd"]) == spent
    [tenant] = [row for row in in_window if (row["per"], row["key"]) == ("tenant", "budgeted")]
    assert (tenant["refused_calls"], Decimal(tenant["cost_usd"])) == (told["refused"], spent)
    refused = [one for one in report.attempts if one.error_type == "BudgetExceededError"]
    assert {(one.cost_usd, one.price_status) for one in refused} == {(0, "not_billed")}
