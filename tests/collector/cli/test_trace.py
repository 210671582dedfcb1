"""A trace as people read it: what was wasted, and what did it again."""

from __future__ import annotations

import dataclasses
import io

from rich.console import Console
from tests.support.filled_ledger import TRACE

from spanledger_collector.cli.trace import trace_view
from spanledger_collector.query import Ledger, TraceReport


def test_a_repetition_names_the_row_it_repeats(filled_dsn: str) -> None:
    """The third attempt answers the first anew; the last repeats a call that is not shown."""
    with Ledger.connect(filled_dsn) as ledger:
        report = ledger.trace(TRACE)
    rows = [attempt for attempt in report.attempts if attempt.counted]
    assert "again of" not in _printed(report)
    first, third, last = rows[0], rows[2], rows[-1]
    changed = {
        first.span_id: dataclasses.replace(first, rework_reason="regenerated"),
        last.span_id: dataclasses.replace(last, retry_of="00000000000000ff"),
    }
    attempts = [
        dataclasses.replace(row, rework_of=first.span_id)
        if row.span_id == third.span_id
        else changed.get(row.span_id, row)
        for row in report.attempts
    ]
    shown = _printed(dataclasses.replace(report, attempts=tuple(attempts)))
    table = shown[shown.index("Attempts") :]
    lines = [line for line in table.splitlines() if "planner" in line or "researcher" in line]
    numbers = {line.split()[0]: line for line in lines}
    assert "regenerated" in numbers["1"]
    final = max(number for number, row in enumerate(rows, 1) if row.span_id == third.span_id)
    assert "again of 1" in numbers[str(final)]
    assert "again of 00000000000000ff" in numbers[str(len(rows))]
    assert shown.count("again of") == 2


def test_standard_rates_that_stand_in_are_marked(filled_dsn: str) -> None:
    """They may be more than the call cost: neither exact nor a lower bound."""
    with Ledger.connect(filled_dsn) as ledger:
        report = ledger.trace(TRACE)
    priced = next(a for a in report.attempts if a.counted and a.price_status == "priced")
    flex = dataclasses.replace(
        priced, price_status="partial", unpriced_units=("service_tier:flex",)
    )
    attempts = tuple(flex if a is priced else a for a in report.attempts)
    shown = _printed(dataclasses.replace(report, attempts=attempts))
    assert "cost ~$" in shown
    assert shown.count("~$") == 2
    assert "~ standard rates stand in for a service tier without rates" in shown
    assert "~" not in _printed(report)


def test_runs_whose_caller_is_elsewhere_are_told(filled_dsn: str) -> None:
    """The figures of the one that called them do not hold them."""
    with Ledger.connect(filled_dsn) as ledger:
        report = ledger.trace(TRACE)
    told = "called by a run that is not in this trace, whose cost has them not: 1 run"
    assert told not in _printed(report)
    first, *others = report.runs
    lost = dataclasses.replace(first, parent_run_id="lost", caller_missing=True)
    below = [dataclasses.replace(run, caller_missing=True) for run in others]
    assert told in _printed(dataclasses.replace(report, runs=(lost, *below)))


def _printed(report: TraceReport) -> str:
    paper = io.StringIO()
    Console(width=250, file=paper).print(trace_view(report))
    return paper.getvalue()
