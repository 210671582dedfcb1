"""A provider's export file as bill lines; the format is told from the file itself."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from spanledger_collector.errors import ConfigurationError, NotFoundError

from . import anthropic, cloud, openai, plain
from .bill import BillLine, Remark
from .overlap import Part, buckets

#: Names of the formats, for messages and help.
FORMATS: Final = (
    "OpenAI usage and costs (JSON)",
    "Anthropic usage report and cost report (JSON)",
    "AWS Cost and Usage Report (CSV)",
    "FOCUS (CSV)",
    "plain CSV: " + ",".join(plain.COLUMNS),
)


@dataclass(frozen=True, slots=True)
class Export:
    """What one file says: its lines, what of it is not compared, and the parts that it has."""

    lines: Sequence[BillLine]
    remarks: Sequence[Remark]
    parts: Sequence[Part] = ()


def read_export(path: Path, units: Collection[str] = ()) -> Export:
    """Every bill line of one file, gzip or not; JSON may be one page, a list or a page a line.

    Args:
        path: the file.
        units: what a plain CSV may name beside the known units: those of an operator's prices.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: it is in none of the formats, ends before its last page, or a line of it
            cannot be read.
    """
    try:
        text = _text(path)
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as text: {error}") from error
    found: list[BillLine | Remark] = []
    parts: list[Part] = []
    try:
        if text.lstrip()[:1] in {"{", "["}:
            found.extend(_pages(text, parts))
        else:
            found.extend(_table(text, units, parts))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        place = f"after {len(found)} lines" if found else "at its start"
        raise ConfigurationError(
            f"{path}, {place}: {error}. Formats: {'; '.join(FORMATS)}"
        ) from error
    return Export(
        [one for one in found if isinstance(one, BillLine)],
        [replace(one, place=f"{path}, {one.place}") for one in found if isinstance(one, Remark)],
        parts,
    )


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return data.decode("utf-8-sig")


def _pages(text: str, parts: list[Part]) -> Iterator[BillLine | Remark]:
    unfinished: dict[str, object] = {}
    for page in _documents(text):
        if not isinstance(page, dict):
            raise ValueError("a page of an export is a JSON object")  # noqa: TRY004 - told as bad input
        told = cast("dict[str, Any]", page)
        yield from _reader_of(told)(told)
        parts.extend(buckets(told))
        kind = _kind(told)
        # A page without results may be the last one of any of them.
        for ended in [kind] if kind else list(unfinished):
            unfinished.pop(ended, None)
        if told.get("has_more") is True:
            unfinished[kind] = told.get("next_page")
    for kind, following in unfinished.items():
        raise ValueError(
            f"the export of {kind or 'nothing yet'} goes on after its last page here (has_more): "
            f"get the next with page={following}, and put all pages into this file, one a line"
        )


def _kind(page: Mapping[str, Any]) -> str:
    """What the results of a page are of; empty = it has none."""
    for bucket in page["data"]:
        for result in bucket.get("results") or bucket.get("result") or ():
            return str(result.get("object") or ("costs" if "amount" in result else "usage"))
    return ""


def _documents(text: str) -> Iterable[object]:
    try:
        whole: object = json.loads(text, parse_float=str)
    except ValueError:
        return [json.loads(line, parse_float=str) for line in text.splitlines() if line.strip()]
    return cast("list[object]", whole) if isinstance(whole, list) else [whole]


def _reader_of(page: Mapping[str, Any]) -> Callable[[Any], Iterator[BillLine | Remark]]:
    buckets = page.get("data")
    if not isinstance(buckets, list):
        raise ValueError("there is no list `data`")  # noqa: TRY004 - told as bad input
    ours = any("starting_at" in bucket for bucket in cast("list[Any]", buckets))
    return anthropic.lines if ours else openai.lines


def _table(text: str, units: Collection[str], parts: list[Part]) -> Iterator[BillLine | Remark]:
    rows = csv.DictReader(io.StringIO(text))
    header = rows.fieldnames or []
    last: list[Mapping[str, str]] = [{}]
    if cloud.is_cloud(header):
        lines: Iterator[BillLine | Remark] = cloud.lines(_held(rows, last))
    elif plain.is_plain(header):
        lines = plain.lines(_held(rows, last), units)
    else:
        raise ValueError(f"the columns {', '.join(header[:8])} are of no known format")
    for line in lines:
        if isinstance(line, BillLine):
            parts.append(Part(f"line {rows.line_num}", tuple(last[0].items())))
        yield line


def _held(
    rows: Iterable[Mapping[str, str]], last: list[Mapping[str, str]]
) -> Iterator[Mapping[str, str]]:
    """The rows; the one that was read last is at hand."""
    for row in rows:
        last[0] = row
        yield row
