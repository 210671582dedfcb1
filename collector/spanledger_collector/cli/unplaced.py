"""Records of no run, as the command line tells them: a list, and a line beside other figures."""

from collections.abc import Sequence

from spanledger_collector.query import Ledger, UnplacedRecordRow, waiting

from .grid import Grid
from .output import answer, console, plain_decimal, printable, text

_COLUMNS = (
    "kind", "record", "=waits since (UTC)", "=happened (UTC)", "what", ">amount", "names",
    "told by", "reason",
)  # fmt: skip
_NONE = "Every record is of a run."
_LIST = "`spanledger records list --unplaced` lists them."


def list_unplaced(ledger: Ledger, limit: int, *, as_json: bool) -> None:
    """Print the records of no run, those that wait longest first, and what all of them come to."""
    rows = ledger.unplaced_records(limit=limit)
    answer(rows, _table, as_json=as_json, nothing=_NONE)
    if rows and not as_json:
        console().print(printable(waiting(ledger.unplaced_amounts())), soft_wrap=True)


def tell_unplaced(ledger: Ledger) -> None:
    """One line where records wait for a run: what a screen of the ledger's completeness owes."""
    told = waiting(ledger.unplaced_amounts())
    if told:
        console().print(f"[yellow]{printable(told)}[/] {_LIST}", soft_wrap=True)


def _table(rows: Sequence[UnplacedRecordRow]) -> Grid:
    return Grid("Records of no run", _COLUMNS, map(_cells, rows))


def _cells(row: UnplacedRecordRow) -> Sequence[str]:
    amount = row.quantity if row.amount is None else row.amount
    unit = row.currency or ("minutes" if row.kind == "effort" else "")
    return (
        text(row.kind), text(row.record_id), f"{row.waits_since:%Y-%m-%d %H:%M:%S}",
        f"{row.occurred_at:%Y-%m-%d %H:%M:%S}", text(f"{row.name} {row.verdict}".strip()),
        "-" if amount is None else text(f"{plain_decimal(amount)} {unit}".strip()),
        "nothing" if row.subject_kind == "none" else text(f"{row.subject_kind} {row.subject}"),
        text(row.service_name), text(row.reason),
    )  # fmt: skip
