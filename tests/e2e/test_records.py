"""Records that come days later, by API, command line and file: durable, counted once, amended."""

from __future__ import annotations

import csv
import json
import re
import shlex
import urllib.request
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.otlp_requests import PlainSpan, request
from tests.support.running import RunningCollector

from spanledger_collector.cli.app import execute
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.query import Ledger, Rejected


def agent(collector: RunningCollector, number: int, key: str) -> None:
    """A run of an agent that carries an external key."""
    span = PlainSpan(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        attributes=(
            ("gen_ai.operation.name", "invoke_agent"),
            ("gen_ai.agent.name", "support"),
            ("spanledger.run.id", f"run-{number}"),
            ("spanledger.external_key", key),
        ),
    )
    url = f"http://127.0.0.1:{collector.http_port}/v1/traces"
    head = {"Content-Type": "application/x-protobuf"}
    with urllib.request.urlopen(urllib.request.Request(url, request([span]), head), timeout=300):
        pass


def told(collector: RunningCollector, number: int) -> dict[str, Any]:
    """What the run was told, once it is settled with it."""
    [row] = collector.rows(
        "SELECT outcome, revenue_usd, expense_cost_usd, judged_wrong, records FROM run_economics "
        f"WHERE run_id = 'run-{number}'"
    )
    return row


def settled(collector: RunningCollector, number: int, records: int) -> dict[str, Any]:
    where = f"FROM run_economics WHERE run_id = 'run-{number}' AND records >= {records}"
    collector.wait_for(f"SELECT count() {where}", 1)
    return told(collector, number)


@pytest.mark.slow
def test_acknowledged_records_survive_and_count_once(tmp_path: Path) -> None:
    """Told over the OTLP port, killed, told again after the restart: once in the ledger."""
    sale = {"kind": "revenue", "external_key": "t-1", "amount": "20.5", "record_id": "sale"}
    body = json.dumps({"records": [sale]}).encode()

    def tell(collector: RunningCollector) -> dict[str, Any]:
        url = f"http://127.0.0.1:{collector.http_port}/v1/records"
        head = {"Content-Type": "application/json"}
        post = urllib.request.Request(url, body, head)
        with urllib.request.urlopen(post, timeout=300) as answer:
            return json.load(answer)

    first = RunningCollector(tmp_path / "data")
    agent(first, 1, "t-1")
    assert tell(first) == {"record_ids": ["sale"], "rejected": []}
    first.kill()
    with RunningCollector(tmp_path / "data") as second:
        assert tell(second) == {"record_ids": ["sale"], "rejected": []}
        run = settled(second, 1, 1)
        assert (run["revenue_usd"], run["records"]) == (Decimal("20.5"), 1)
        second.wait_for("SELECT count() FROM records", 2)
        [row] = second.ledger().records(run_id="run-1")
        assert (row.telling, row.tellings, row.amount) == (1, 1, Decimal("20.5"))


@pytest.mark.slow
def test_python_amends_and_lists_what_was_amended(collector: RunningCollector) -> None:
    agent(collector, 7_000_002, "t-2")
    with collector.ledger() as ledger:
        made = ledger.add_records(
            [
                {"kind": "revenue", "external_key": "t-2", "amount": Decimal(20), "record_id": "s"},
                {"kind": "revenue", "external_key": "t-2"},
                {"kind": "outcome", "run_id": "run-7000002", "outcome": "success"},
            ]
        )
        assert len(made.record_ids) == 2
        assert made.rejected == [Rejected(1, "revenue needs amount")]
        settled(collector, 7_000_002, 2)
        refund = {"kind": "revenue", "external_key": "t-2", "amount": "18", "record_id": "s"}
        ledger.add_records([refund])
        collector.wait_until(lambda: told(collector, 7_000_002)["revenue_usd"] == Decimal(18))
        for subject in (
            {"run_id": "run-7000002"},
            {"trace_id": f"{7_000_002:032X}"},
            {"external_key": "t-2"},
        ):
            rows = ledger.records(**subject)
            assert [(r.kind, r.telling, r.tellings, r.counts, r.amount) for r in rows] == [
                ("outcome", 1, 1, True, None),
                ("revenue", 1, 2, False, Decimal(20)),
                ("revenue", 2, 2, True, Decimal(18)),
            ]
            assert {row.run_id for row in rows} == {"run-7000002"}
        none_stored = ledger.add_records([{"kind": "revenue"}])
        assert (none_stored.record_ids, len(none_stored.rejected)) == ([], 1)


@pytest.mark.slow
def test_the_later_of_two_tellings_counts_also_in_one_request_and_in_one_file(
    collector: RunningCollector, tmp_path: Path
) -> None:
    """With a time of its own and without, by API and by file; several, as a coin may fall right."""
    numbers = range(7_000_020, 7_000_036)
    for number in numbers:
        agent(collector, number, f"t-{number}")
    by_api, by_file = numbers[:8], numbers[8:]

    def tellings(few: Iterable[int]) -> list[dict[str, str]]:
        return [
            {"kind": "revenue", "external_key": f"t-{number}", "record_id": f"twice-{number}",
             "amount": amount, "at": "2026-11-01" if number % 2 else ""}
            for number in few for amount in ("1", "2")
        ]  # fmt: skip

    with collector.ledger() as ledger:
        assert not ledger.add_records(tellings(by_api)).rejected
    file = tmp_path / "twice.csv"
    with file.open("w", newline="") as lines:
        table = csv.DictWriter(lines, list(tellings(by_file)[0]))
        table.writeheader()
        table.writerows(tellings(by_file))
    assert execute(["records", "import", str(file), "--url", collector.address]) == 0
    where = "FROM run_economics WHERE run_id >= 'run-7000020' AND run_id < 'run-7000036'"
    collector.wait_for(f"SELECT countIf(records = 1) {where}", len(numbers))
    rows = collector.rows(f"SELECT run_id, revenue_usd {where} ORDER BY run_id")
    assert [row["revenue_usd"] for row in rows] == [Decimal(2)] * len(numbers)


@pytest.mark.slow
def test_a_file_with_bad_lines_imported_twice(
    collector: RunningCollector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent(collector, 7_000_003, "t-3")
    file = tmp_path / "late.csv"
    file.write_text(
        "kind,external_key,record_id,at,amount,currency,verdict,category\n"
        "revenue,t-3,i-1,2026-11-01,10.10,,,\n"
        "revenue,t-3,i-2,,much,,,\n"
        "evaluation,t-3,j-1,,,,hallucinated,\n"
        "expense,t-3,,2026-11-02T08:00:00Z,0.25,,,sms\n"
        "expense,t-3,,2026-11-02T08:00:00Z,0.25,,,sms\n"
        "expense,t-3,,,0.25,,,sms\n"
    )
    for _ in range(2):
        assert execute(["records", "import", str(file), "--json", "--url", collector.address]) == 1
        answer = json.loads(capsys.readouterr().out)
        assert answer["stored"] == 4
        assert [one["line"] for one in answer["rejected"]] == [3, 7]
        assert "no decimal number" in answer["rejected"][0]["reason"]
    run = settled(collector, 7_000_003, 4)
    assert run["revenue_usd"] == Decimal("10.1")
    assert run["expense_cost_usd"] == Decimal("0.5")
    assert (run["judged_wrong"], run["records"]) == (1, 4)

    assert execute(["records", "import", str(file), "--url", collector.address]) == 1
    shown = capsys.readouterr().out
    assert "4 records stored, 2 lines left out" in shown
    assert execute(["records", "import", str(file), "--dry-run"]) == 1
    assert "4 records good, 2 lines left out" in capsys.readouterr().out


def test_one_record_by_hand(
    collector: RunningCollector, capsys: pytest.CaptureFixture[str]
) -> None:
    agent(collector, 7_000_004, "t-4")
    url = ("--url", collector.address)
    line = ["records", "add", "outcome", "--external-key", "t-4", "--outcome", "failure"]
    assert execute([*line, "--json", *url]) == 0
    record_id = json.loads(capsys.readouterr().out)["record_id"]
    assert settled(collector, 7_000_004, 1)["outcome"] == "failure"
    assert execute(["records", "list", "--run", "run-7000004", "--json", *url]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["record_id"], row["verdict"], row["counts"]) == (record_id, "failure", True)
    assert execute(["records", "list", "--run", "run-7000004", *url]) == 0
    assert "1 of 1" in capsys.readouterr().out

    # Said before that one, though it is told after it: it does not count.
    earlier = ["--outcome", "success", "--record-id", record_id, "--recorded-at", "2026-11-01"]
    assert execute(["records", "add", "outcome", "--external-key", "t-4", *earlier, *url]) == 0
    collector.wait_for(f"SELECT count() FROM records WHERE record_id = '{record_id}'", 2)
    capsys.readouterr()
    assert execute(["records", "list", "--run", "run-7000004", "--json", *url]) == 0
    told_so_far = json.loads(capsys.readouterr().out)
    counting = [row["verdict"] for row in told_so_far if row["counts"]]
    assert (len(told_so_far), counting) == (2, ["failure"])

    assert execute(["records", "add", "outcome", "--outcome", "failure", *url]) == 1
    assert "say what it is about" in capsys.readouterr().err
    assert execute(["records", "list", *url]) == 1
    assert "by one of run_id, trace_id and external_key" in capsys.readouterr().err
    assert execute(["records", "list", "--run", "nobody", *url]) == 0
    assert "No records here" in capsys.readouterr().out


def test_a_ledger_that_is_read_directly_takes_no_records(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="through a running collector"):
        Ledger(object()).add_records([])  # pyright: ignore[reportArgumentType] -- never asked
    file = tmp_path / "one.jsonl"
    file.write_text('{"kind": "outcome", "run_id": "r", "outcome": "success", "record_id": "o"}\n')
    nobody = "spanledger://127.0.0.1:9"
    assert execute(["records", "import", str(file), "--url", nobody]) == 3


def test_the_page_of_records_works_as_written(
    collector: RunningCollector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its request, its Python, its file: against this collector."""
    page = (Path(__file__).parents[2] / "docs" / "records.md").read_text()
    [line] = re.findall(r"^\$ (curl .*)$", page, re.MULTILINE)
    _, where, _, head, _, body = shlex.split(line)
    api = where.replace("localhost:4319", f"127.0.0.1:{collector.api_port}")
    headers = dict([head.split(": ")])
    post = urllib.request.Request(f"http://{api}", body.encode(), headers)
    with urllib.request.urlopen(post, timeout=300) as answer:
        assert json.load(answer) == {"record_ids": ["invoice-1"], "rejected": []}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        here = block.replace("spanledger://127.0.0.1:4319", collector.address)
        exec(compile(here, "records.md", "exec"), {})  # noqa: S102 - our own documentation
    assert "['o-77', 'e-77'] []" in capsys.readouterr().out
    [table] = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "invoices.csv"
    file.write_text(table)
    assert execute(["records", "import", str(file), "--url", collector.address]) == 0
    assert "2 records stored" in capsys.readouterr().out
