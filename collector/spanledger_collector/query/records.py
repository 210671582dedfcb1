"""Records of runs as they were told, and those that found no run: money that is in no sum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from spanledger_collector.errors import PermanentError

from .parsing import parse_rows
from .reader import Row
from .rows import RecordRow


@dataclass(frozen=True, slots=True)
class UnplacedRecordRow:
    """One record that is in no run (query ``unplaced_records``)."""

    kind: str
    record_id: str
    tellings: int
    waits_since: datetime
    subject_kind: str
    subject: str
    subject_span_id: str
    told_in: str
    told_by: str
    tenant: str
    occurred_at: datetime
    name: str
    verdict: str
    amount: Decimal | None
    currency: str
    quantity: Decimal | None
    reason: str
    service_name: str


@dataclass(frozen=True, slots=True)
class UnplacedAmountRow:
    """What such records come to, by kind and currency (query ``unplaced_amounts``)."""

    kind: str
    currency: str
    records: int
    of_nothing: int
    amount: Decimal | None
    minutes: Decimal | None
    waits_since: datetime
    newest_since: datetime


class Records(ABC):
    """What was told of runs; :class:`Ledger` answers it."""

    @abstractmethod
    def query(self, name: str, **parameters: object) -> list[Row]:
        """Rows of any named query; see :meth:`Ledger.query`."""

    def records(
        self, *, run_id: str = "", trace_id: str = "", external_key: str = ""
    ) -> Sequence[RecordRow]:
        """Every telling of the records about a run, a trace or an external key, oldest first.

        Raises:
            PermanentError: not exactly one of the three was given.
        """
        subject = {"run_id": run_id, "trace_id": trace_id.lower(), "external_key": external_key}
        if sum(map(bool, subject.values())) != 1:
            raise PermanentError("records are listed by one of run_id, trace_id and external_key")
        return parse_rows(RecordRow, self.query("records", **subject))

    def unplaced_records(
        self, *, limit: int = 1000, offset: int = 0
    ) -> Sequence[UnplacedRecordRow]:
        """Records that are in no run, those that wait longest first.

        A mistyped key, a run that was never sent or is still to come, a record that names nothing.
        A record is looked for when what arrived with it is settled (some seconds).

        Args:
            limit: at most so many.
            offset: so many of those that wait longest are left out.
        """
        rows = self.query("unplaced_records", limit=limit, offset=offset)
        return parse_rows(UnplacedRecordRow, rows)

    def unplaced_amounts(self) -> Sequence[UnplacedAmountRow]:
        """What they come to, by kind and currency; nothing = every record is of some run."""
        return parse_rows(UnplacedAmountRow, self.query("unplaced_amounts"))


def waiting(rows: Sequence[UnplacedAmountRow]) -> str:
    """How many records wait for a run, what they tell and since when, as a sentence.

    Args:
        rows: of :meth:`Records.unplaced_amounts`; empty = an empty sentence.
    """
    if not rows:
        return ""
    records = sum(row.records for row in rows)
    one = records == 1
    told = ", ".join(filter(None, map(_told, rows))) or "no amount"
    since = min(row.waits_since for row in rows)
    return (
        f"{records:,} record{'' if one else 's'} of no run ({told}) {'is' if one else 'are'} in no "
        f"sum; {'it waits' if one else 'the oldest waits'} since {since:%Y-%m-%d %H:%M} UTC."
    )


def _told(row: UnplacedAmountRow) -> str:
    if row.amount is not None:
        return f"{row.kind} {_plain(row.amount)} {row.currency}"
    return "" if row.minutes is None else f"{row.kind} {_plain(row.minutes)} minutes"


def _plain(number: Decimal) -> str:
    """All digits with thousands, no trailing zeros beyond the cents."""
    digits = f"{number:,.12f}".rstrip("0")
    whole, _, part = digits.partition(".")
    return f"{whole}.{part:0<2}" if part else whole
