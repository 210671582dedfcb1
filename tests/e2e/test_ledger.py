"""The whole line: agents with real clients -> OTLP -> collector -> what each attempt cost.

The token counts are those of ``demo/scenario.py``; the prices below are the providers' list prices
in November 2026, written out so that every cost can be redone on paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

import httpx
import pytest
from tests.support.program import run_program, settled_trace
from tests.support.running import RunningCollector

from spanledger_collector.cli.app import execute
from spanledger_collector.demo.scenario import TICKET
from spanledger_collector.query import AttemptRow, TraceReport

MILLION = Decimal(1_000_000)

#: model -> what its one successful call in a ticket costs.
EXPECTED_USD: Mapping[str, Decimal | None] = {
    # triage asks: 1,850 input at $0.40, 42 output at $1.60 a million
    "gpt-4.1-mini": (1850 * Decimal("0.40") + 42 * Decimal("1.60")) / MILLION,
    # research: 1,000 fresh at $3, 9,000 cache reads at $0.30, 2,000 cache writes at $3.75,
    # 650 output at $15 a million, 2 searches at $10 a thousand
    "claude-sonnet-4-5-20250929": (
        1000 * Decimal(3) + 9000 * Decimal("0.30") + 2000 * Decimal("3.75") + 650 * Decimal(15)
    )
    / MILLION
    + 2 * Decimal(10) / 1000,
    # the letter: 3,100 input at $1, 420 output at $5 a million
    "claude-haiku-4-5-20251001": (3100 * Decimal(1) + 420 * Decimal(5)) / MILLION,
    # the search: 512 tokens at $0.02 a million
    "text-embedding-3-small": 512 * Decimal("0.02") / MILLION,
    # served by nobody's price list
    "llama-3.1-8b-instruct": None,
    # refused with HTTP 400
    "gpt-4.1-mini-withdrawn": Decimal(0),
}
#: triage's summary, streamed: 480 fresh at $0.40, 1,920 cached at $0.10, 180 output at $1.60
SUMMARY_USD = (480 * Decimal("0.40") + 1920 * Decimal("0.10") + 180 * Decimal("1.60")) / MILLION


@pytest.fixture(scope="module")
def report(collector: RunningCollector) -> TraceReport:
    """One ticket (an odd one: its first request is answered 429)."""
    endpoint = f"http://127.0.0.1:{collector.http_port}"
    (trace_id,) = run_program(endpoint, "http/protobuf")
    with collector.ledger() as ledger:
        return settled_trace(ledger, trace_id, name=TICKET)


def _counted(report: TraceReport) -> list[AttemptRow]:
    """The rows of the sums: the anthropic client traces itself too, which repeats ours."""
    return [a for a in report.attempts if a.counted]


def _model(attempt: AttemptRow) -> str:
    return attempt.response_model or attempt.request_model


def test_every_attempt_costs_what_paper_says(report: TraceReport) -> None:
    seen: Counter[tuple[str, Decimal | None]] = Counter(
        (_model(a), a.cost_usd) for a in _counted(report)
    )
    expected: Counter[tuple[str, Decimal | None]] = Counter(EXPECTED_USD.items())
    expected["gpt-4.1-mini", SUMMARY_USD] += 1
    expected["gpt-4.1-mini", Decimal(0)] += 1  # the 429
    assert seen == expected


def test_the_parts_of_a_cost_are_shown_and_sum_to_it(report: TraceReport) -> None:
    for a in report.attempts:
        parts = (
            a.input_cost_usd, a.cache_read_cost_usd, a.cache_write_cost_usd, a.output_cost_usd,
            a.units_cost_usd,
        )  # fmt: skip
        if a.price_status == "priced":
            assert sum((p for p in parts if p is not None), Decimal(0)) == a.cost_usd
            assert a.price_id


def test_attempts_runs_agents_and_trace_have_one_sum(
    report: TraceReport, collector: RunningCollector
) -> None:
    attempts = sum(a.cost_usd or Decimal(0) for a in report.attempts if a.counted)
    runs = sum(r.cost_usd or Decimal(0) for r in report.runs)
    top = sum(r.inclusive_cost_usd or Decimal(0) for r in report.runs if not r.parent_run_id)
    assert attempts == runs == top == report.summary.cost_usd == Decimal("0.04963944")
    with collector.ledger() as ledger:
        agents = sum(a.cost_usd or Decimal(0) for a in ledger.agents())
        total = sum(r.cost_usd or Decimal(0) for r in ledger.runs())
    assert agents == total


def test_the_retry_inside_the_client_library_is_visible(report: TraceReport) -> None:
    retried = [a for a in report.attempts if a.outcome == "retried"]
    assert [(a.attempt_number, a.error_type, a.price_status) for a in retried] == [
        (1, "429", "not_billed")
    ]
    assert retried[0].wait_seconds > 0
    tries = [a for a in report.attempts if a.span_id == retried[0].span_id]
    assert [(a.attempt_number, a.outcome) for a in tries] == [(1, "retried"), (2, "ok")]
    assert report.summary.retries == 1


def test_an_unpriced_model_is_unknown_never_zero(report: TraceReport) -> None:
    (private,) = [a for a in report.attempts if _model(a) == "llama-3.1-8b-instruct"]
    assert private.price_status == "unpriced"
    assert private.cost_usd is None
    assert private.flops_method == "exact"
    assert private.flops_total > 0
    assert private.vram_weights_bytes > 0
    assert report.summary.unpriced_attempts == 1


def test_a_closed_model_has_flops_as_an_interval(report: TraceReport) -> None:
    (letter,) = [a for a in _counted(report) if _model(a) == "claude-haiku-4-5-20251001"]
    assert letter.flops_method == "assumed"
    assert 0 < letter.flops_low < letter.flops_total < letter.flops_high


def test_agents_nest_and_each_owns_its_cost(report: TraceReport) -> None:
    runs = {run.agent_name: run for run in report.runs if run.kind == "agent"}
    assert set(runs) == {"triage", "researcher", "writer"}
    assert runs["researcher"].parent_run_id == runs["triage"].run_id
    (workflow,) = [run for run in report.runs if run.kind == "workflow"]
    assert workflow.workflow_name == "handle_ticket"
    assert workflow.cost_usd in (None, Decimal(0))
    assert runs["writer"].parent_run_id == runs["triage"].parent_run_id == workflow.run_id
    assert runs["researcher"].cost_usd == Decimal("0.04296024")
    assert runs["triage"].cost_usd == Decimal("0.0014792")
    assert runs["triage"].inclusive_cost_usd == Decimal("0.04443944")
    assert runs["triage"].tenant == runs["writer"].tenant == "acme"
    assert runs["triage"].tool_calls == 1
    assert runs["triage"].agent_version == "1.2"


def test_what_runs_earn_stands_beside_what_they_cost(
    report: TraceReport,
    collector: RunningCollector,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """0.08 for a sorted ticket, 0.25 for a letter; less a cost that is known in part it is less."""
    monkeypatch.setenv("COLUMNS", "200")
    runs = {run.agent_name: run for run in report.runs if run.kind == "agent"}
    assert (runs["triage"].value_usd, runs["writer"].value_usd) == (
        Decimal("0.08"),
        Decimal("0.25"),
    )
    assert runs["researcher"].value_usd is None
    assert runs["triage"].inclusive_margin_usd == Decimal("0.03556056")
    assert runs["writer"].margin_usd == Decimal("0.2448")
    assert execute(["agents", "--url", collector.address]) == 0
    shown = capsys.readouterr().out
    assert "≤$0.2448" in shown
    assert " $0.03556056" in shown
    page = httpx.get(f"http://127.0.0.1:{collector.api_port}/ui/agent?agent=writer&range=all").text
    assert '<data value="0.2448" title="$0.2448">≤ $0.245</data>' in page


def test_streams_tell_their_time_to_first_token(report: TraceReport) -> None:
    streams = [a for a in _counted(report) if a.streaming and a.outcome == "ok"]
    assert {_model(a) for a in streams} == {"gpt-4.1-mini", "claude-sonnet-4-5-20250929"}
    assert all(0 < a.ttft_ns <= a.duration_ns for a in streams)


def test_the_failed_call_is_rework_and_costs_nothing(report: TraceReport) -> None:
    (refused,) = [a for a in report.attempts if _model(a) == "gpt-4.1-mini-withdrawn"]
    assert (refused.outcome, refused.price_status) == ("error", "not_billed")
    assert refused.error_type == "400"
    assert refused.rework_reason == "application_retry"  # the writer asked again, elsewhere


def test_a_call_told_twice_is_counted_once_and_the_other_telling_stays(report: TraceReport) -> None:
    """The anthropic client emits spans of its own below ours, with the same response id."""
    repeated = [a for a in report.attempts if not a.counted]
    assert {_model(a) for a in repeated} == {
        "claude-sonnet-4-5-20250929",
        "claude-haiku-4-5-20251001",
    }
    assert {a.excluded_reason for a in repeated} == {"duplicate_response"}
    ours = {a.span_id for a in _counted(report)}
    assert all(a.duplicate_of in ours for a in repeated)
