"""``spanledger verify``: is everything still there that was loaded?"""

from collections.abc import Sequence

import typer

from spanledger_collector.query.completeness import CompletenessRow, completeness

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import answer, console, count, counted
from .unplaced import tell_unplaced

_COLUMNS = ("day", ">loaded", ">settled", ">stored", ">missing", ">lost")
_MISSING = 1


def verify(
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """Holds what is stored of each day (UTC) against what was loaded and settled of it.

    Ends with 1 where spans were deleted from the ledger's tables, or what settling wrote of them
    (lost: settled traces that lack runs or attempts; `spanledger settle` writes these again). A
    last line tells which recorded amounts found no run, of whatever day.

    Example: spanledger verify --since 2026-11-01
    """
    given = {"since": utc(since), "until": utc(until)}
    with connect(url, workspace) as ledger:
        rows = completeness(ledger.query, **{k: v for k, v in given.items() if v is not None})
        answer(rows, _table, as_json=as_json, nothing="Nothing was loaded in this period.")
        if not as_json:
            tell_unplaced(ledger)
    missing = sum(row.missing_spans for row in rows)
    lost = sum(row.lost_traces for row in rows)
    if not as_json:
        _tell(missing, lost, rows)
    if missing or lost:
        raise typer.Exit(_MISSING)


def _tell(missing: int, lost: int, rows: Sequence[CompletenessRow]) -> None:
    err = console(stderr=True)
    if missing:
        err.print(
            f"[bold red]{counted(missing, 'span')} missing:[/] somebody deleted rows of `spans`. "
            "Restore them from a backup, or delete these days of `arrivals` and `span_runs` too "
            "where they were to go."
        )
    if lost:
        first = min(row.day for row in rows if row.lost_traces)
        err.print(
            f"[bold red]{counted(lost, 'settled trace')} without runs or attempts:[/] somebody "
            f"deleted rows of these. `spanledger settle --since {first}` writes them again."
        )


def _table(rows: Sequence[CompletenessRow]) -> Grid:
    cells = (
        (
            f"{row.day}", count(row.loaded_spans), count(row.settled_spans),
            count(row.stored_spans), count(row.missing_spans), count(row.lost_traces),
        )
        for row in rows
    )  # fmt: skip
    return Grid("What is stored", _COLUMNS, cells)
