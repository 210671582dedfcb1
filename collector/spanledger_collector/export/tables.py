"""What an export reads: one Arrow table a piece of the period, in order of time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final, Literal

import pyarrow as pa

from spanledger_collector.errors import PermanentError, TooLargeError
from spanledger_collector.query import Ledger, Row, checked

Format = Literal["csv", "parquet", "focus"]
Grain = Literal["run", "agent", "attempt", "day"]
FORMATS: Final = ("csv", "parquet", "focus")
GRAINS: Final = ("run", "agent", "attempt", "day")

#: Rows that a piece holds at most, unless ten minutes hold more.
PIECE_RECORDS: Final = 100_000
_SLICE_SECONDS: Final = 600
_DAY_SECONDS: Final = 86_400
#: Query of each grain, and whether it sums up days, which then are not cut.
_QUERIES: Final[Mapping[str, tuple[str, bool]]] = {
    "run": ("export_runs", False),
    "attempt": ("export_attempts", False),
    "day": ("export_days", True),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported.

    Attributes:
        rows: of the answer.
        unknown_cost_attempts: counted attempts of the period whose cost is unknown; a FOCUS file
            has no row of them.
    """

    rows: int
    unknown_cost_attempts: int


@dataclass(frozen=True, slots=True)
class _Piece:
    since: datetime
    until: datetime


class Tables:
    """The tables of one export; read once.

    Attributes:
        pieces: how many there are; 0 before the first is read.
        unknown_cost_attempts: see :class:`Exported`.
    """

    def __init__(
        self,
        ledger: Ledger,
        query: str,
        parameters: Mapping[str, object],
        pieces: Sequence[_Piece],
        unknown_cost_attempts: int,
        *,
        whole: bool,
    ) -> None:
        self._whole = whole
        self._ledger = ledger
        self._query = query
        self._parameters = parameters
        self._pieces = pieces
        self.pieces = len(pieces)
        self.unknown_cost_attempts = unknown_cost_attempts

    def __iter__(self) -> Iterator[pa.Table]:
        for piece in self._pieces:
            yield from self._read(piece)

    def _read(self, piece: _Piece) -> Iterator[pa.Table]:
        """A piece; in halves where the ledger's answer would be too large."""
        period = {"since": piece.since, "until": piece.until}
        try:
            table = self._ledger.arrow(self._query, **period, **self._parameters)
        except TooLargeError:
            middle = piece.since + (piece.until - piece.since) / 2
            if self._whole or middle in (piece.since, piece.until):
                raise
        else:
            yield table
            return
        yield from self._read(_Piece(piece.since, middle))
        yield from self._read(_Piece(middle, piece.until))


@checked
def tables(
    ledger: Ledger,
    grain: Grain = "run",
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    focus: bool = False,
) -> Tables:
    """Read a period of a ledger as Arrow tables, each of bounded size.

    Args:
        ledger: to read.
        grain: what a row is: ``run``, ``attempt``, ``day`` (of an agent, version and tenant) or
            ``agent`` (over the whole period; one table).
        since: from this start on; None = from the first.
        until: before this one; None = to the last.
        focus: in the columns of FOCUS, where the grain is what tells rows apart.

    Raises:
        PermanentError: an argument is of the wrong kind, there is no such grain, or not of FOCUS.
    """
    if focus and grain == "agent":
        raise PermanentError(f"there is no grain {grain!r} of FOCUS")
    query, whole_days = (
        ("focus", grain == "day") if focus else _QUERIES.get(grain, ("agents", True))
    )
    slices = _slices(ledger, since, until, _DAY_SECONDS if whole_days else _SLICE_SECONDS)
    unknown = sum(int(one["unknown_cost_attempts"]) for one in slices)
    parameters = {"grain": grain} if focus else {}
    pieces = _pieces(slices, since, until, whole_days=whole_days)
    if query == "agents":
        pieces = [_whole(pieces, since, until)]
    # With nothing in it, an export still has its columns.
    pieces = pieces or [_whole(pieces, since, until)]
    whole = whole_days or query == "agents"
    return Tables(ledger, query, parameters, pieces, unknown, whole=whole)


def _slices(
    ledger: Ledger, since: datetime | None, until: datetime | None, seconds: int
) -> list[Row]:
    given = {"since": since, "until": until}
    period = {name: value for name, value in given.items() if value is not None}
    return ledger.query("export_slices", slice_seconds=seconds, **period)


def _pieces(
    slices: Iterable[Row], since: datetime | None, until: datetime | None, *, whole_days: bool
) -> list[_Piece]:
    """Neighbouring slices together, as long as they are small; days that are summed stay whole."""
    length = timedelta(seconds=_DAY_SECONDS if whole_days else _SLICE_SECONDS)
    pieces: list[_Piece] = []
    records = 0
    for one in slices:
        start = _utc(one["slice_start"])
        if pieces and records + int(one["records"]) <= PIECE_RECORDS:
            pieces[-1] = _Piece(pieces[-1].since, start + length)
            records += int(one["records"])
        else:
            pieces.append(_Piece(start, start + length))
            records = int(one["records"])
    return [
        _Piece(max(piece.since, since or piece.since), min(piece.until, until or piece.until))
        for piece in pieces
    ]


def _whole(pieces: Sequence[_Piece], since: datetime | None, until: datetime | None) -> _Piece:
    now = datetime.now(timezone.utc)
    first = pieces[0].since if pieces else since or now
    last = pieces[-1].until if pieces else until or first
    return _Piece(first, last)


def _utc(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
