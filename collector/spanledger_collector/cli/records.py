"""``spanledger records``: what is learnt of runs later, told one by one or by file, and listed."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import BarColumn, Progress, TextColumn

from spanledger_collector.errors import (
    OverloadedError,
    PermanentError,
    RetryableError,
    StoreUnavailableError,
)
from spanledger_collector.query import Recorded, RecordRow, Rejected
from spanledger_collector.receive.asset_fields import ENTRIES
from spanledger_collector.receive.record_fields import KINDS
from spanledger_collector.receive.records import decode_records

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url, Workspace, connect
from .output import answer, console, counted, plain_decimal, print_json, text, usd_if_any
from .record_file import Line, read_lines
from .unplaced import list_unplaced

_BATCH = 1000
_TRIES = 5
_SHOWN_FLAWS = 50
_KINDS = " | ".join(KINDS)
_FILE_KINDS = " | ".join((*KINDS, *ENTRIES))
_COLUMNS = (
    "kind", "=record", ">telling", "counts", "=received (UTC)", "=happened (UTC)", "what",
    ">amount", ">USD", "run", "about", "reason",
)  # fmt: skip
_NO_RECORDS = (
    "No records here. A record is listed as soon as it is loaded, about two seconds after it was "
    "told; its run and USD follow when the run is settled."
)

records = typer.Typer(
    help="What is learnt of runs later: revenue, outcomes, evaluations, expenses, effort.",
    no_args_is_help=True,
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not stored, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What ``records import --json`` prints.

    Attributes:
        file: that was read.
        stored: records of it that are on the collector's disk.
        rejected: lines that are not, and why.
    """

    file: str
    stored: int
    rejected: Sequence[Refused]


def _field(meaning: str) -> Any:
    return typer.Option(help=meaning, show_default=False)


@records.command("add")
def add(
    kind: Annotated[str, typer.Argument(help=f"{_KINDS}.")],
    run_id: Annotated[str, _field("The run it is about.")] = "",
    trace_id: Annotated[str, _field("Or the trace.")] = "",
    span_id: Annotated[str, _field("One call of that trace.")] = "",
    external_key: Annotated[str, _field("Or the application's own key of the work.")] = "",
    record_id: Annotated[str, _field("Its name; the same name again amends it.")] = "",
    at: Annotated[str, _field("When it happened (UTC); default now.")] = "",
    recorded_at: Annotated[
        str, _field("When it was said (UTC), which decides between tellings; default now.")
    ] = "",
    amount: Annotated[str, _field("Money: of revenue, expense, or an outcome's value.")] = "",
    currency: Annotated[str, _field("ISO 4217; default USD.")] = "",
    outcome: Annotated[str, _field("success | failure | partial.")] = "",
    quantity: Annotated[str, _field("Outcome: how much of --unit came of it.")] = "",
    unit: Annotated[str, _field("Outcome: such as minutes_saved, tickets.")] = "",
    verdict: Annotated[str, _field("acceptable | wrong | hallucinated.")] = "",
    name: Annotated[str, _field("Name of an evaluation.")] = "",
    score: Annotated[str, _field("Its number, in its own scale.")] = "",
    label: Annotated[str, _field("Its word, in its own scale.")] = "",
    minutes: Annotated[str, _field("Effort: minutes of a person.")] = "",
    role: Annotated[str, _field("Effort: whose; default reviewer.")] = "",
    category: Annotated[str, _field("Expense: what was paid for.")] = "",
    purpose: Annotated[
        str, _field("Expense, effort: work | appraisal | prevention; default work.")
    ] = "",
    reason: Annotated[str, _field("A few words; never of a prompt or an answer.")] = "",
    tenant: Annotated[str, _field("On whose behalf.")] = "",
    url: Url = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Tell the collector one record of a run; prints the record's id.

    Example: spanledger records add revenue --external-key ticket-77 --amount 20.00 --currency EUR
    """
    told = {
        "kind": kind, "run_id": run_id, "trace_id": trace_id, "span_id": span_id,
        "external_key": external_key, "record_id": record_id or uuid.uuid4().hex,
        "at": at or _now(), "recorded_at": recorded_at, "amount": amount, "currency": currency,
        "outcome": outcome, "quantity": quantity, "unit": unit, "verdict": verdict, "name": name,
        "score": score, "label": label, "minutes": minutes, "role": role, "category": category,
        "purpose": purpose, "reason": reason, "tenant": tenant,
    }  # fmt: skip
    with connect(url) as ledger:
        recorded = ledger.add_records([{field: said for field, said in told.items() if said}])
    if recorded.rejected:
        raise PermanentError(f"the record was not stored: {recorded.rejected[0].reason}")
    if as_json:
        print_json({"record_id": recorded.record_ids[0]})
        return
    console().print(text(recorded.record_ids[0]))


def _now() -> str:
    """Told by hand it is another telling each time, also with the words of an earlier one."""
    return datetime.now(timezone.utc).isoformat()


@records.command("import")
def import_records(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or JSON lines (.jsonl).")],
    kind: Annotated[
        str, typer.Option("--kind", help=f"Kind of lines that do not say theirs: {_FILE_KINDS}.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the lines; store nothing, ask nobody.")
    ] = False,
    url: Url = DEFAULT_ADDRESS,
    as_json: Json = False,
) -> None:
    """Tell the collector the records of a file, and entries about assets; bad lines are listed.

    Good lines are stored. Importing a file again stores nothing twice. Ends with 1 when a line was
    bad.

    Example: spanledger records import invoices.csv --kind revenue
    """
    if dry_run:
        imported = _imported(file, kind, _checked)
    else:
        with connect(url) as ledger:
            imported = _imported(file, kind, ledger.add_records)
    if as_json:
        print_json(imported)
    else:
        _tell(imported, "good" if dry_run else "stored")
    if imported.rejected:
        raise typer.Exit(1)


_Send = Callable[[Sequence[Mapping[str, object]]], Recorded]


def _checked(batch: Sequence[Mapping[str, object]]) -> Recorded:
    """The collector's own decision, without a collector."""
    _, answer = decode_records(orjson.dumps({"records": batch}))
    return Recorded(answer.record_ids, [Rejected(*one) for one in answer.rejected])


def _imported(file: Path, kind: str, send: _Send) -> Imported:
    stored = 0
    rejected: list[Refused] = []
    with _progress() as progress:
        task = progress.add_task(file.name, total=None)
        for batch in _batches(read_lines(file, kind)):
            rejected += [Refused(line.number, line.flaw) for line in batch if line.flaw]
            good = [line for line in batch if not line.flaw]
            recorded = _sent(good, send, stored)
            stored += len(recorded.record_ids)
            rejected += [Refused(good[one.index].number, one.reason) for one in recorded.rejected]
            progress.advance(task, len(batch))
    return Imported(str(file), stored, sorted(rejected, key=lambda refused: refused.line))


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while batch := list(islice(lines, _BATCH)):
        yield batch


def _sent(lines: Sequence[Line], send: _Send, stored: int) -> Recorded:
    """Send a batch; again where the collector is busy, or was there a moment ago."""
    for left in reversed(range(_TRIES)):
        try:
            return send([line.record for line in lines]) if lines else Recorded([], [])
        except RetryableError as error:
            if not left or not (stored or isinstance(error, OverloadedError)):
                raise StoreUnavailableError(
                    f"{counted(stored, 'record')} stored, the file stops before line "
                    f"{lines[0].number}: {error}. Import it again: nothing is stored twice."
                ) from error
            time.sleep(error.retry_after_seconds * (_TRIES - left))
    raise AssertionError("every try returns or raises")


def _progress() -> Progress:
    """On a terminal only, beside the answer."""
    out = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} lines"))
    return Progress(*columns, console=out, transient=True, disable=not out.is_terminal)


def _tell(imported: Imported, what: str) -> None:
    if imported.rejected:
        flaws = imported.rejected[:_SHOWN_FLAWS]
        rows = [(str(refused.line), text(refused.reason)) for refused in flaws]
        console().print(Grid("Lines that were left out", (">line", "why"), rows))
        if len(imported.rejected) > len(flaws):
            console().print(f"... and {len(imported.rejected) - len(flaws):,} more (--json)")
    bad = f", {counted(len(imported.rejected), 'line')} left out" if imported.rejected else ""
    console().print(f"{counted(imported.stored, 'record')} {what}{bad}")


@records.command("list")
def list_records(
    run_id: Annotated[str, typer.Option("--run", help="Of this run.")] = "",
    trace_id: Annotated[str, typer.Option("--trace", help="Of this trace.")] = "",
    external_key: Annotated[
        str, typer.Option("--external-key", help="Of the runs that carry this key.")
    ] = "",
    unplaced: Annotated[
        bool,
        typer.Option("--unplaced", help="Those that found no run, and so are in no sum."),
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most that --unplaced lists.")] = 100,
    url: Url = DEFAULT_ADDRESS,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """Every telling of the records about a run: what counts now, and what it amended.

    Or the records of no run: their key or id is mistyped, nothing was named, or the run is to come.

    Example: spanledger records list --external-key ticket-77
    """
    with connect(url, workspace) as ledger:
        if unplaced:
            if run_id or trace_id or external_key:
                raise PermanentError("--unplaced lists records of no run: name none")
            list_unplaced(ledger, limit, as_json=as_json)
            return
        rows = ledger.records(run_id=run_id, trace_id=trace_id, external_key=external_key)
    answer(rows, _table, as_json=as_json, nothing=_NO_RECORDS)


def _table(rows: Sequence[RecordRow]) -> Grid:
    """The rows as people read them."""
    return Grid("Records", _COLUMNS, map(_cells, rows))


def _cells(row: RecordRow) -> Sequence[str]:
    amount = row.quantity if row.amount is None else row.amount
    unit = row.currency or ("minutes" if row.quantity is not None else "")
    return (
        text(row.kind), text(row.record_id), f"{row.telling} of {row.tellings}",
        "yes" if row.counts else "-", f"{row.received_at:%Y-%m-%d %H:%M:%S}",
        f"{row.occurred_at:%Y-%m-%d %H:%M:%S}", text(_what(row)),
        "-" if amount is None else text(f"{plain_decimal(amount)} {unit}"),
        usd_if_any(row.amount_usd), text(row.run_id), text(f"{row.subject_kind} {row.subject}"),
        text(row.reason),
    )  # fmt: skip


def _what(row: RecordRow) -> str:
    score = "" if row.score is None else f"{row.score:g}"
    return " ".join(filter(None, (row.name, row.verdict, score, row.label)))
