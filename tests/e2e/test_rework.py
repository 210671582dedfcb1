"""The whole line: an application asks again, and the ledger says what the first time cost."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from tests.support.program import settled_trace
from tests.support.running import RunningCollector

from spanledger_collector.demo.provider import Answer, Provider

PROGRAM = """
import openai
import spanledger

spanledger.init()
client = openai.OpenAI(max_retries=0)


def ask(model):
    messages = [{"role": "user", "content": "what is it?"}]
    return client.chat.completions.create(model=model, messages=messages, stream=True)


@spanledger.agent
def stubborn():
    from opentelemetry import trace

    try:
        ask("gpt-4.1")
    except openai.InternalServerError:
        list(ask("gpt-4.1-mini"))
    list(ask("gpt-4.1-mini"))
    return f"{trace.get_current_span().get_span_context().trace_id:032x}"


print(stubborn())
"""
#: 1,000 input at $0.40 and 100 output at $1.60 a million; 1,000 and 50.
FIRST_USD = Decimal("0.00056")
SECOND_USD = Decimal("0.00048")


def test_the_earlier_answer_is_the_rework(collector: RunningCollector, tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text(PROGRAM)
    answers = (
        Answer(status=500),
        Answer(input_tokens=1000, output_tokens=100, usage=True),
        Answer(input_tokens=1000, output_tokens=50, usage=True),
    )
    with Provider(answers) as provider:
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
    with collector.ledger() as ledger:
        report = settled_trace(ledger, program.stdout.strip())
    failed, answered, again = report.attempts
    assert (failed.rework_reason, failed.cost_usd) == ("application_retry", Decimal(0))
    assert (answered.rework_reason, answered.cost_usd) == ("regenerated", FIRST_USD)
    assert (again.rework_reason, again.cost_usd) == ("", SECOND_USD)
    assert (answered.retry_of, again.rework_of) == (failed.span_id, answered.span_id)
    (run,) = report.runs
    assert (run.cost_usd, run.rework_cost_usd) == (FIRST_USD + SECOND_USD, FIRST_USD)
    assert report.summary.rework_cost_usd == FIRST_USD
