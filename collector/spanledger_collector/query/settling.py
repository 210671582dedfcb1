"""Traces that are to be settled again: asked of a collector, or left in the ledger for the next."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from spanledger_collector.store import Connection
from spanledger_collector.store.settle_requests import FIRST_DAY, LAST_DAY, ask_settling

from .named import check_period

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Settling:
    """What was asked for.

    Attributes:
        traces: that a collector settles again.
    """

    traces: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Which traces: days are taken whole."""

    workspace: str
    trace_id: str
    first_day: date
    last_day: date

    @classmethod
    def of(
        cls, workspace: str, trace_id: str, since: datetime | None, until: datetime | None
    ) -> "Asked":
        """Those with spans on a day of the period (UTC).

        Raises:
            PermanentError: it ends before it starts.
        """
        check_period(since, until)
        first = FIRST_DAY if since is None else since.astimezone(timezone.utc).date()
        last = LAST_DAY if until is None else (until - _TICK).astimezone(timezone.utc).date()
        return cls(workspace, trace_id.lower(), first, last)

    def body(self) -> bytes:
        """As a collector is asked."""
        told: Mapping[str, Any] = {
            "workspace": self.workspace,
            "trace_id": self.trace_id,
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
        }
        return json.dumps(told).encode()

    def leave(self, connection: Connection) -> Settling:
        """In the ledger, for the collector that runs over it or is started next."""
        traces = ask_settling(
            connection,
            reason="spanledger settle",
            workspace=self.workspace,
            trace_id=self.trace_id,
            first_day=self.first_day,
            last_day=self.last_day,
        )
        return Settling(traces)
