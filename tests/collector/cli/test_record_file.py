"""Files of records: every good line comes out, every bad one says its number and why."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spanledger_collector.cli.record_file import COLUMNS, Line, read_lines
from spanledger_collector.cli.records import records
from spanledger_collector.errors import PermanentError
from spanledger_collector.receive.asset_fields import ENTRIES
from spanledger_collector.receive.record_fields import COMMON, KINDS

GOOD = {"kind": "revenue", "run_id": "r", "amount": "1", "record_id": "a"}


def lines(folder: Path, name: str, content: bytes, kind: str = "") -> list[Line]:
    path = folder / name
    path.write_bytes(content)
    return list(read_lines(path, kind))


def flaws(found: list[Line]) -> dict[int, str]:
    return {line.number: line.flaw for line in found if line.flaw}


def test_csv_with_a_header_and_empty_cells(tmp_path: Path) -> None:
    """As a spreadsheet writes it: a byte order mark, CRLF, quotes, columns of other kinds."""
    content = (
        "\ufeffkind, external_key ,amount,minutes,record_id\r\n"
        'revenue,"ticket ""77""",20.00,,s-1\r\n'
        "\r\n"
        "effort,ticket-78, ,12,e-1\r\n"
    ).encode()
    found = lines(tmp_path, "records.csv", content)
    assert [(line.number, line.record) for line in found] == [
        (2, {"kind": "revenue", "external_key": 'ticket "77"', "amount": "20.00",
             "record_id": "s-1"}),
        (4, {"kind": "effort", "external_key": "ticket-78", "minutes": "12", "record_id": "e-1"}),
    ]  # fmt: skip


def test_bad_lines_are_numbered_and_the_good_ones_stay(tmp_path: Path) -> None:
    content = (
        b"run_id,amount,record_id\nr,1,a\nr,2,b,surplus\nr\xff,3,c\nr,4,\nr,5,d\n"
        b'r,"6\n7",e\nr,8,f\nr,"9,g\nr,10,h\n'
    )
    found = lines(tmp_path, "records.csv", content, "revenue")
    told = flaws(found)
    assert [line.record["record_id"] for line in found if not line.flaw] == ["a", "d", "f"]
    assert list(told) == [3, 4, 5, 7, 10]
    assert "4 values, and the header 3 columns" in told[3]
    assert "not UTF-8" in told[4]
    assert "give a record_id, or at" in told[5]
    assert "runs to line 8" in told[7]
    assert "runs to line 11: is a quote not closed?" in told[10]


def test_json_lines(tmp_path: Path) -> None:
    content = json.dumps(GOOD).encode() + b'\n\n{"kind"\n[1]\n{"a": "\xff"}\n{"record_id": "b"}\n'
    found = lines(tmp_path, "records.jsonl", content, "revenue")
    assert [line.record for line in found if not line.flaw] == [
        GOOD, {"kind": "revenue", "record_id": "b"},
    ]  # fmt: skip
    assert list(flaws(found)) == [3, 4, 5]


def test_lines_without_an_id_are_named_by_what_they_say(tmp_path: Path) -> None:
    """Importing twice names them alike; two equal lines are two sales; a changed one is another."""
    row = "revenue,r,{},2026-11-01\n"
    header = "kind,run_id,amount,at\n"
    first = lines(tmp_path, "a.csv", (header + row.format(1) + row.format(1)).encode())
    again = lines(tmp_path, "b.csv", (header + row.format(2) + row.format(1)).encode())
    names = [line.record["record_id"] for line in first]
    assert len(set(names)) == 2
    assert again[1].record["record_id"] == names[0]
    assert again[0].record["record_id"] not in names


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("records.txt", b"", "neither .csv nor .jsonl"),
        ("records.csv", b"kind,amout\n", "the header has amout; columns are kind, at, run_id"),
        ("records.csv", b"kind,kind\n", "a name twice"),
        ("records.csv", b"", "its first line is empty; it names the columns"),
        ("records.csv", b"\n\n", "its first line is empty; it names the columns"),
        ("records.csv", b"kind,,amount\n", "the header has no name"),
        ("records.csv", b"kind;run_id;amount\n", "separate its values by commas, not by ';'"),
        ("records.csv", b"kind\trun_id\n", r"separate its values by commas, not by '\\t'"),
        ("records.csv", "kind,run_id\n".encode("utf-16"), "is UTF-16: save it as UTF-8"),
        (
            "records.csv",
            b"Kind,Run_ID,amout\n",
            "the header has Kind, Run_ID, amout; .* small letters",
        ),
    ],
)
def test_a_file_that_cannot_be_meant(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    with pytest.raises(PermanentError, match=why):
        lines(tmp_path, name, content)
    with pytest.raises(PermanentError, match="cannot be read: No such file"):
        list(read_lines(tmp_path / "missing.csv"))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.one_of(
            st.just(b"GOOD"),
            st.binary(max_size=12).filter(lambda junk: b"\n" not in junk and b"\r" not in junk),
        ),
        max_size=12,
    )
)
def test_no_junk_between_them_loses_a_good_line(tmp_path: Path, parts: list[bytes]) -> None:
    """JSON lines: whatever stands between, each good line comes out with its number."""
    good = json.dumps(GOOD).encode()
    content = b"\n".join(good if part == b"GOOD" else part for part in parts)
    found = lines(tmp_path, "records.jsonl", content)
    expected = [number for number, part in enumerate(parts, 1) if part == b"GOOD"]
    assert [line.number for line in found if line.record == GOOD] == expected
    told = {line.number for line in found}
    silent = [part for number, part in enumerate(parts, 1) if number not in told]
    assert all(not part.decode(errors="replace").replace("\ufeff", "").strip() for part in silent)


def test_a_record_by_hand_can_say_what_a_file_can() -> None:
    """Every field of every kind is an option of `records add`."""
    [add] = [one for one in records.registered_commands if one.name == "add"]
    assert add.callback is not None
    options = set(inspect.signature(add.callback).parameters)
    assert {"kind", "at", *COMMON, *(name for told in KINDS.values() for name in told)} <= options


def test_a_csv_file_has_columns_for_all_that_an_entry_about_an_asset_may_say() -> None:
    fields = {name for told in ENTRIES.values() for name in told}
    assert {"asset", *fields} <= set(COLUMNS)
