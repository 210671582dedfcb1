"""Records and entries about assets in a file, line by line: CSV with a header, or JSON lines.

A bad line never ends it.
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, cast

import orjson

from spanledger_collector.errors import PermanentError
from spanledger_collector.receive.asset_fields import ENTRIES
from spanledger_collector.receive.record_fields import COMMON, KINDS

#: Columns of a file; which of them a line may fill depends on its kind.
COLUMNS = tuple(
    dict.fromkeys(
        [
            "kind", "at", *COMMON, *(name for fields in KINDS.values() for name in fields),
            "asset", *(name for fields in ENTRIES.values() for name in fields),
        ]
    )
)  # fmt: skip
_CSV, _JSON_LINES = (".csv",), (".jsonl", ".ndjson")
_UTF_16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")
_SEPARATORS = (";", "\t", "|")
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file.

    Attributes:
        number: from 1, of its last line where a quoted value runs over several.
        record: what it says; empty when it cannot be read.
        flaw: why it cannot; empty when it can.
    """

    number: int
    record: Mapping[str, Any]
    flaw: str = ""


def read_lines(path: Path, kind: str = "") -> Iterator[Line]:
    """The lines of a file that hold something.

    A record without ``record_id`` is named by what its line says, so that the same line in a
    second import is the same record; equal lines of one file are different ones.

    Args:
        path: ends in .csv, .jsonl or .ndjson.
        kind: of the records that do not say theirs.

    Raises:
        PermanentError: there is no such file, or its header cannot be used.
    """
    read = _reader(path)
    seen: Counter[str] = Counter()
    try:
        # What is no UTF-8 becomes visible as such, line by line.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            for line in read(file, path):
                yield line if line.flaw else _named(line, kind, seen)
    except OSError as error:
        raise PermanentError(f"{path} cannot be read: {error.strerror}") from error


def _reader(path: Path) -> Any:
    suffix = path.suffix.lower()
    if suffix in _CSV:
        return _csv_lines
    if suffix in _JSON_LINES:
        return _json_lines
    raise PermanentError(f"{path.name!r} is neither .csv nor .jsonl: rename it to what it is")


def _named(line: Line, kind: str, seen: Counter[str]) -> Line:
    """With kind and record id: named by its content, and by its number among equal lines."""
    record = {"kind": kind} | dict(line.record) if kind else dict(line.record)
    if record.get("record_id") in (None, ""):
        if not record.get("at"):
            return Line(line.number, {}, "give a record_id, or at: else it would count twice when "
                        "the file is imported again")  # fmt: skip
        content = json.dumps(record, sort_keys=True)
        seen[content] += 1
        digest = hashlib.sha256(f"{content}{seen[content]}".encode()).hexdigest()
        record["record_id"] = digest[:32]
    return Line(line.number, record)


def _csv_lines(file: TextIO, path: Path) -> Iterator[Line]:
    # As they are read by `errors="surrogateescape"`.
    if file.read(2) in _UTF_16_MARKS:
        raise PermanentError(f"{path} is UTF-16: save it as UTF-8")
    file.seek(0)
    rows = csv.reader(file)
    nothing: list[str] = []
    header = [name.strip() for name in next(rows, nothing)]
    _check_header(header, path)
    last = rows.line_num
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            last = rows.line_num
            yield Line(last, {}, f"it is no CSV: {error}")
            continue
        first, last = last + 1, rows.line_num
        if cells:
            yield _row(header, cells, first, last)


def _check_header(header: list[str], path: Path) -> None:
    if not any(header):
        raise PermanentError(
            f"{path}: its first line is empty; it names the columns, such as kind,run_id,amount"
        )
    unknown = [name or "no name" for name in header if name not in COLUMNS]
    if not unknown and len(set(header)) == len(header):
        return
    for separator in _SEPARATORS:
        if len(header) == 1 and separator in header[0]:
            raise PermanentError(f"{path}: separate its values by commas, not by {separator!r}")
    small = any(name.lower() in COLUMNS for name in unknown)
    raise PermanentError(
        f"{path}: the header has {', '.join(unknown) or 'a name twice'}; "
        f"{'write names in small letters; ' if small else ''}columns are {', '.join(COLUMNS)}"
    )


def _row(header: list[str], cells: list[str], first: int, last: int) -> Line:
    if last > first:
        return Line(first, {}, f"a value runs to line {last}: is a quote not closed?")
    if len(cells) > len(header):
        return Line(first, {}, f"it has {len(cells)} values, and the header {len(header)} columns")
    record = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
    if not _is_utf8("".join(cells)):
        return Line(first, {}, "it is not UTF-8")
    return Line(first, record)


def _json_lines(file: TextIO, _: Path) -> Iterator[Line]:
    for number, text in enumerate(file, 1):
        if not text.strip():
            continue
        if not _is_utf8(text):
            yield Line(number, {}, "it is not UTF-8")
            continue
        try:
            told = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield Line(number, {}, f"it is no JSON: {error}")
            continue
        if isinstance(told, dict):
            yield Line(number, cast("Record", told))
        else:
            yield Line(number, {}, "it is no JSON object")


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
