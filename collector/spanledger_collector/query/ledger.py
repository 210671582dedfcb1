"""The Python API: ``Ledger.connect(address)`` and typed questions to it.

Example:
    >>> from spanledger_collector.query import Ledger
    >>> with Ledger.connect("spanledger://127.0.0.1:4319") as ledger:
    ...     report = ledger.trace("4bf92f3577b34da6a3ce929d0e0e4736")
    ...     print(report.summary.cost_usd)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, final

import pyarrow as pa

if TYPE_CHECKING:  # an optional package of the reader's own
    import pandas as pd

from spanledger_collector.errors import (
    ConfigurationError,
    NotFoundError,
    PermanentError,
    RefusedQueryError,
)
from spanledger_collector.store import Store

from .agent_figures import AgentFigures, agent_figures
from .arguments import checks_arguments
from .assets import Assets
from .breakdowns import Breakdowns
from .decisions import Decisions, period
from .explanation import (
    ChargeLineRow,
    ExplainedAttemptRow,
    Explanation,
    SpanPlaceRow,
    explain,
    lines_of,
)
from .hardware import Hardware
from .named import named
from .origins import Origins
from .parsing import parse_rows
from .priced import Priced
from .reader import DirectReader, Reader, Row
from .recording import Recorded
from .records import Records
from .remembered import Remembered
from .remote import DEFAULT_PORT, SCHEMES, RemoteReader
from .rows import (
    AttemptRow,
    RunRow,
    SpanRow,
    TraceReport,
    TraceRow,
    ValueRuleRow,
)
from .settling import Asked, Settling

DEFAULT_ADDRESS = f"spanledger://127.0.0.1:{DEFAULT_PORT}"
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_SPAN_ID_LENGTH = 16
_ID_LENGTHS = (_SPAN_ID_LENGTH, 32)
#: Makes an ad-hoc statement safe to run on an open store, or refuses it.
Guard = Callable[[Store, str], str]


@final
@checks_arguments
class Ledger(Decisions, Breakdowns, Origins, Priced, Records, Assets, Hardware):
    """Typed reads of one ledger; use :meth:`connect`.

    Times are ``datetime`` or text in ISO 8601, UTC unless they say otherwise. An argument of the
    wrong kind is a :class:`PermanentError`, as are a period that ends before it starts and a word
    that is none of those there are; nothing is asked then.

    Args:
        reader: where the rows come from.
        workspace: whose ledger is read; empty = that of the API key, ``default`` without one.
        store: what the reader reads, if it is to be closed with the ledger.
        guard: for ad-hoc SQL on that store.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        workspace: str = "",
        store: Store | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._reader = reader
        self._workspace = workspace
        self._store = store
        self._guard = guard

    @classmethod
    def connect(
        cls,
        address: str = DEFAULT_ADDRESS,
        *,
        workspace: str = "",
        key: str | None = None,
        guard: Guard | None = None,
    ) -> Ledger:
        """Open a ledger for reading.

        Args:
            address: ``spanledger://host:port`` = a running collector; ``chdb:///path`` = an
                embedded ledger no collector has open; ``http(s)://user:password@host:port`` = a
                ClickHouse server.
            workspace: whose ledger is read; empty = that of the API key, ``default`` without one.
            key: the API key of a collector; None = that of ``SPANLEDGER_API_KEY``.
            guard: what makes :meth:`sql` safe when ClickHouse is read directly; without it ad-hoc
                SQL is refused there. A collector has its own.

        Raises:
            ConfigurationError: the address has another form.
            NotFoundError: there is no ledger; reading never makes one.
            StoreUnavailableError: nothing answers there.
        """
        scheme, separator, _ = address.partition("://")
        if separator and scheme in SCHEMES:
            return cls(RemoteReader.at(address, key=key), workspace=workspace)
        if separator and scheme in ("chdb", "http", "https"):
            store = Store.open(address, create=False)
            return cls(DirectReader(store), workspace=workspace, store=store, guard=guard)
        raise ConfigurationError(
            f"{address!r} is no ledger address; give spanledger://host:port (a collector), "
            "chdb:///path (embedded) or http(s)://user:password@host:port (a ClickHouse server)"
        )

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back connections, and the engine if it was opened here."""
        self._reader.close()
        if self._store is not None:
            self._store.close()

    def remembering(self) -> Ledger:
        """The same ledger for questions that belong together: each is asked once, and kept.

        It holds every answer that it gave; drop it with what was made of them.
        """
        return Ledger(Remembered(self._reader), workspace=self._workspace)

    def query(self, name: str, **parameters: object) -> list[Row]:
        """Rows of any named query, untyped.

        Raises:
            NotFoundError: there is no such query.
            PermanentError: a parameter is missing, unknown or of the wrong type.
        """
        return self._reader.rows(name, self._parameters(name, parameters))

    def arrow(self, name: str, **parameters: object) -> pa.Table:
        """A named query or a view as an Arrow table, money as exact decimals.

        Args:
            name: of a query, or of a view (``docs/views.md``). Of ``asset_shares``, ``coverage``
                and ``unplaced_records`` there are both: that is the query, ``view:coverage`` the
                view.
            parameters: those of the query; of a view ``since`` and ``until``, where it tells a
                time.

        Raises:
            NotFoundError: there is no such query or view.
            PermanentError: a parameter is missing, unknown or of the wrong type.
        """
        return self._reader.arrow(name, self._parameters(name, parameters))

    def pandas(self, name: str, **parameters: object) -> pd.DataFrame:
        """The same as a data frame of pandas; money stays ``Decimal``, unknown is None.

        Raises:
            ConfigurationError: pandas is not installed; spanledger does not bring it.
        """
        if find_spec("pandas") is None:
            raise ConfigurationError(
                "a data frame needs pandas: pip install pandas, or read with Ledger.arrow"
            )
        table: Any = self.arrow(name, **parameters)
        frame: pd.DataFrame = table.to_pandas()
        return frame

    def _parameters(self, name: str, given: Mapping[str, object]) -> Mapping[str, object]:
        """The given ones and the workspace, where the query asks for one (prices have none)."""
        if not self._workspace or "workspace" not in named(name).parameters:
            return given
        return {"workspace": self._workspace, **given}

    def sql(self, text: str) -> pa.Table:
        """One ad-hoc SELECT over the ledger's tables and views.

        Raises:
            RefusedQueryError: it is outside of what is allowed, or nobody guards it.
        """
        if self._store is None:
            return self._reader.sql(text)
        if self._guard is None:
            raise RefusedQueryError(
                "ad-hoc SQL on ClickHouse itself needs a guard here; use `spanledger sql`, or ask "
                "a collector that was started with `spanledger up --sql`"
            )
        return self._reader.sql(self._guard(self._store, text))

    def add_records(self, records: Sequence[Mapping[str, object]]) -> Recorded:
        """Tell the collector what is known of runs by now: revenue, outcomes, evaluations, ...

        Args:
            records: each with ``kind``, a subject and the fields of that kind (``docs/records.md``
                has them). Money as text or ``Decimal``, times as ``datetime`` or ISO 8601. The same
                record with the same ``record_id`` again changes nothing; another one amends it.

        Returns:
            What was stored, on disk, and what was not and why (a write-off or transfer of more than
            is left of its asset, for one). Runs show it some seconds later.

        Raises:
            ConfigurationError: this ledger is read directly; only a collector takes records.
            StoreUnavailableError: none answers; what was sent may or may not be stored.
        """
        if not isinstance(self._reader, RemoteReader):
            raise ConfigurationError(
                "records go through a running collector: connect to spanledger://host:port"
            )
        return self._reader.add_records(records)

    def settle_again(
        self, since: datetime | None = None, until: datetime | None = None, *, trace_id: str = ""
    ) -> Settling:
        """Have traces settled again: their ``attempts`` and ``runs`` are written anew.

        A collector does it, beside what arrives: the one that is asked, else one over the same
        database within seconds, else the next that is started. Figures stay as they were, but for
        what was lost, or what an older version wrote otherwise.

        Args:
            since: traces with spans on the day (UTC) of this time or later.
            until: or before it; days are taken whole.
            trace_id: only this one.

        Raises:
            RefusedQueryError: the key may not operate.
            ConfigurationError: the ledger is not open for writing here.
            StoreUnavailableError: nobody answers.
        """
        asked = Asked.of(self._workspace, trace_id, since, until)
        if isinstance(self._reader, RemoteReader):
            return self._reader.settle_again(asked)
        if self._store is None:
            raise ConfigurationError("connect to the ledger by its address to have it settled")
        with self._store.connect() as connection:
            return asked.leave(connection)

    def trace(self, trace_id: str, *, with_attempts: bool = True) -> TraceReport:
        """What one trace cost and why.

        Args:
            trace_id: 32 hex digits.
            with_attempts: else the report has none: of a long trace they are half of what is read.

        Raises:
            NotFoundError: the ledger has no such trace (spans take about three seconds to settle).
        """
        wanted = trace_id.strip().lower()
        summaries = parse_rows(TraceRow, self.query("trace_summary", trace_id=wanted))
        if not summaries:
            why = (
                "; a trace appears about three seconds after its last span arrives"
                if _TRACE_ID.fullmatch(wanted)
                else ": a trace id has 32 hex digits"
            )
            raise NotFoundError(
                f"no trace {trace_id!r} in the ledger{why} (`spanledger runs` lists the newest)"
            )
        attempts = self.query("trace_attempts", trace_id=wanted) if with_attempts else []
        return TraceReport(
            summary=summaries[0],
            runs=parse_rows(RunRow, self.query("trace_runs", trace_id=wanted)),
            attempts=parse_rows(AttemptRow, attempts),
            spans=parse_rows(SpanRow, self.query("trace_spans", trace_id=wanted)),
        )

    def explain(
        self, identifier: str, *, trace_id: str = "", offset: int = 0, limit: int | None = None
    ) -> Sequence[Explanation]:
        """How the cost of a trace, or of one span, came about: attempt by attempt.

        Args:
            identifier: a trace id (32 hex digits) or a span id (16).
            trace_id: the trace of the span, where several have a span of that id.
            offset: so many attempts are left out.
            limit: so many are explained at most; None = all that are left.

        Raises:
            NotFoundError: the ledger has no attempt of it.
            PermanentError: it is neither id, or several traces have such a span.
        """
        wanted = identifier.strip().lower()
        if len(wanted) not in _ID_LENGTHS:
            raise PermanentError(
                f"{identifier!r} is neither a trace id (32 hex digits) nor a span id (16)"
            )
        span_id = wanted if len(wanted) == _SPAN_ID_LENGTH else ""
        where = {"trace_id": self._trace_of(span_id, trace_id) if span_id else wanted}
        attempts = self.query("explain_attempts", **where, span_id=span_id)
        if not attempts:
            raise NotFoundError(f"the ledger has no attempt of a model call under {identifier!r}")
        some = attempts[offset:][:limit]
        lines = lines_of(some, self.query("explain_charges", **where, span_id=span_id))
        return explain(parse_rows(ExplainedAttemptRow, some), parse_rows(ChargeLineRow, lines))

    def _trace_of(self, span_id: str, trace_id: str) -> str:
        if trace_id:
            return trace_id.strip().lower()
        places = parse_rows(SpanPlaceRow, self.query("traces_of_span", span_id=span_id, limit=20))
        if len(places) > 1:
            known = ", ".join(place.trace_id for place in places)
            raise PermanentError(f"several traces have a span {span_id!r}; name one: {known}")
        if not places:
            raise NotFoundError(f"the ledger has no attempt of a model call in a span {span_id!r}")
        return places[0].trace_id

    def runs(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        agent_name: str = "",
        limit: int = 1000,
    ) -> Sequence[RunRow]:
        """Runs, newest first; an empty agent name means any."""
        filters = {**period(since, until), "agent_name": agent_name, "limit": limit}
        return parse_rows(RunRow, self.query("runs", **filters))

    def agents(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[AgentFigures]:
        """Unit economics per agent and version over a period, with intervals and a verdict."""
        return agent_figures(self.query, period(since, until))

    def value_rules(self) -> Sequence[ValueRuleRow]:
        """The rules in force by which runs without a recorded amount are worth something."""
        return parse_rows(ValueRuleRow, self.query("value_rules"))
