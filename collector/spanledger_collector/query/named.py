"""Named queries: the files of ``sql/queries/``, with their parameters read from the SQL itself.

The views of ``sql/views/`` are queries too: ``view:run_economics`` (or ``run_economics``, where no
query has that name), of one workspace and, where they tell a time, of a period.

A parameter is written the ClickHouse way, ``{name:Type}``; values are always sent beside the
statement, never spliced into it.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from typing import Any

from spanledger_collector import sql
from spanledger_collector.errors import NotFoundError, PermanentError

_PARAMETER = re.compile(r"\{(\w+):(\w+(?:\(\d+\))?)\}")
#: In the head of a query: what a parameter may be, ``by (total | day: what a row is)``.
_CHOICE = re.compile(r"\b(\w+) \((\w+(?: \| \w+)+)[:;)]")
#: Parameters that take several of their words, with a comma between.
SEVERAL = frozenset({"only"})
#: No time of a ledger is before it.
EARLIEST = datetime(1970, 1, 1, tzinfo=timezone.utc)
# ClickHouse's Date, by which the views group, ends in 2149.
_LATEST = datetime(2149, 1, 1, tzinfo=timezone.utc)
#: Parameters that are the two ends of one period.
_PERIODS = (("since", "until"), ("since_before", "until_before"))
_INTEGER = re.compile(r"(U?)Int(\d+)")

#: What a parameter is when the caller does not give it. Others have to be given.
DEFAULTS: Mapping[str, object] = {
    "workspace": "default",
    "since": EARLIEST,
    "until": _LATEST,
    "entered_since": EARLIEST,
    "limit": 1000,
    "offset": 0,
    "agent_name": "",
    "agent_version": "",
    "tenant": "",
    "since_before": _LATEST,
    "until_before": _LATEST,
    "span_id": "",
    "run_id": "",
    "external_key": "",
    "by": "total",
    "per": "",
    "key": "",
    "only": "",
    "rework_reason": "",
    "price_status": "",
    "usage_source": "",
    "price_id": "",
    "model_ids": "",
    "path": "",
    "asset_id": "",
    "in_trace": "",
    "grain": "day",
    "as_known_at": _LATEST,
    "as_valid_at": EARLIEST,
    "of_model": "",
    "of_operations": "",
    "set_provider": "",
    "set_model": "",
    "set_tier": "",
    "set_region": "",
    "set_cache_read_ppm": -1,
}

#: Before the name of a view, which a query may have, too.
VIEW_PREFIX = "view:"
_OF_WORKSPACE = "workspace = {workspace:String}"
_BY_DAY = (
    "day >= toDate({since:DateTime64(9)}, 'UTC')",
    "day <= toDate({until:DateTime64(9)} - INTERVAL 1 NANOSECOND, 'UTC')",
)
_BY_START = ("started_at >= {since:DateTime64(9)}", "started_at < {until:DateTime64(9)}")
#: View -> which of its rows a reader gets. A view by days gives them whole.
VIEWS: Mapping[str, Sequence[str]] = {
    "agent_energy": (_OF_WORKSPACE, *_BY_DAY),
    "agent_unit_economics": (_OF_WORKSPACE, *_BY_DAY),
    "amortization": (_OF_WORKSPACE,),
    "asset_balances": (_OF_WORKSPACE,),
    "asset_shares": (_OF_WORKSPACE,),
    "charge_intervals": (_OF_WORKSPACE,),
    "charges": (_OF_WORKSPACE, *_BY_START),
    "completeness": (_OF_WORKSPACE, *_BY_DAY),
    "cost_as_billed": (_OF_WORKSPACE, *_BY_DAY),
    "cost_as_if": (_OF_WORKSPACE, *_BY_DAY),
    "cost_as_known_now": (_OF_WORKSPACE, *_BY_DAY),
    "cost_by_path": (_OF_WORKSPACE, *_BY_DAY),
    "coverage": (_OF_WORKSPACE, *_BY_DAY),
    "engine_utilisation": (_OF_WORKSPACE, *_BY_DAY),
    "fx_history": (),
    "gpu_bill": (_OF_WORKSPACE, *_BY_DAY),
    "gpu_utilisation": (_OF_WORKSPACE, *_BY_DAY),
    "gpu_window_energy": (_OF_WORKSPACE,),
    "latency_frontier": (_OF_WORKSPACE,),
    "lost_results": (_OF_WORKSPACE, *_BY_DAY),
    "model_cost": (_OF_WORKSPACE, *_BY_DAY),
    "price_history": (),
    "quality_cost": (_OF_WORKSPACE, *_BY_DAY),
    "rework": (_OF_WORKSPACE, *_BY_DAY),
    "rework_rate": (_OF_WORKSPACE, *_BY_DAY),
    "run_energy": (_OF_WORKSPACE, *_BY_START),
    "run_economics": (_OF_WORKSPACE, *_BY_START),
    "run_options": (_OF_WORKSPACE, *_BY_START),
    "trace_cost": (_OF_WORKSPACE, *_BY_START),
    "training_runs": (_OF_WORKSPACE,),
    "unplaced_records": (_OF_WORKSPACE,),
    "value_rules_in_force": ("workspace IN ('', {workspace:String})",),
}


#: Queries that hold something of each run at once: of all agents that is more than fits.
_LARGE = frozenset({"frontier", "frontier_traces"})
#: Sums in the order of the tables, which only a reading across months gives, and what is more than
#: so many bytes waits on disk. Of one agent it would be slower.
_IN_ORDER: Mapping[str, object] = {
    "optimize_aggregation_in_order": 1,
    "do_not_merge_across_partitions_select_final": 0,
    "max_bytes_before_external_group_by": 50_000_000,
}
#: Views that hold something of each trace of all times at once.
_OF_EVERY_TRACE = frozenset({"completeness", "lost_results"})
#: Half of what a read may have is for the streams of rows that are read.
_ON_DISK: Mapping[str, object] = {"max_bytes_before_external_group_by": 300_000_000}


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One read of the ledger.

    Attributes:
        name: file name in ``sql/queries/`` without ``.sql``, or that of a view.
        text: the statement.
        parameters: parameter name -> ClickHouse type.
        choices: parameter name -> the words that it may be, where it is not any text.
    """

    name: str
    text: str
    parameters: Mapping[str, str]
    choices: Mapping[str, Sequence[str]]

    def settings(self, bound: Mapping[str, object]) -> Mapping[str, object] | None:
        """Settings of the engine for the query with these values; None = those of all."""
        if self.name.removeprefix(VIEW_PREFIX) in _OF_EVERY_TRACE:
            return _ON_DISK
        return _IN_ORDER if self.name in _LARGE and not bound["agent_name"] else None

    def bind(self, given: Mapping[str, object]) -> dict[str, Any]:
        """Values for every parameter: the given ones, else the defaults.

        Raises:
            PermanentError: an unknown parameter, a missing one, a value of the wrong type, or a
                period that ends before it starts.
        """
        unknown = sorted(set(given) - set(self.parameters))
        if unknown:
            raise PermanentError(
                f"query {self.name!r} has no parameter {', '.join(unknown)}; "
                f"it takes {', '.join(sorted(self.parameters))}"
            )
        missing = sorted(set(self.parameters) - set(given) - set(DEFAULTS))
        if missing:
            raise PermanentError(f"query {self.name!r} needs the parameter {', '.join(missing)}")
        bound = {
            name: self._value(name, kind, given.get(name, DEFAULTS.get(name)))
            for name, kind in self.parameters.items()
        }
        for since, until in _PERIODS:
            if since in bound and until in bound:
                check_period(bound[since], bound[until], (since, until))
        return bound

    def _value(self, name: str, kind: str, value: object) -> Any:
        try:
            converted = _convert(kind, value)
            self._check_choice(name, converted)
        except (ValueError, TypeError) as error:
            raise PermanentError(
                f"query {self.name!r}: parameter {name} = {value!r} cannot be used: {error}"
            ) from error
        return converted

    def _check_choice(self, name: str, value: object) -> None:
        """A word that the query does not know would be answered as if it were another."""
        if name not in self.choices or value == DEFAULTS.get(name):
            return
        words = str(value).split(",") if name in SEVERAL else [str(value)]
        if not set(words) <= set(self.choices[name]):
            raise ValueError(f"it is none of {', '.join(self.choices[name])}")


def _convert(kind: str, value: object) -> object:
    """A value as its ClickHouse type wants it; text is parsed (it comes from URLs)."""
    if kind.startswith("DateTime"):
        return parse_moment(value)
    integer = _INTEGER.fullmatch(kind)
    if integer:
        return _integer(value, signed=not integer[1], bits=int(integer[2]))
    if not isinstance(value, str):
        raise TypeError("give a text")
    if "\0" in value:
        raise ValueError("it holds a zero byte")
    return value


def parse_moment(value: object) -> datetime:
    """A time, UTC unless it says otherwise, within what every table can hold.

    Raises:
        ValueError: it is no time, or none that a table can hold.
    """
    # Python 3.10 does not read the Z of ISO 8601.
    text = re.sub("[zZ]$", "+00:00", str(value))
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("give a time such as 2026-11-01T12:00:00Z") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    if not EARLIEST <= moment <= _LATEST:
        raise ValueError(f"give a time between {EARLIEST:%Y} and {_LATEST:%Y}")
    return moment


def check_period(
    since: datetime | None, until: datetime | None, names: tuple[str, str] = ("since", "until")
) -> None:
    """A period does not end before it starts: the one rule of all doors.

    Args:
        since: its start; None = open.
        until: its end, exclusive; None = open. At its start nothing is in it, which is no mistake.
        names: what they are called where they were given.

    Raises:
        PermanentError: it does.
    """
    if since is None or until is None or since <= until:
        return
    start, end = (f"{at.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}Z" for at in (since, until))
    raise PermanentError(
        f"the period ends before it starts: {names[0]} {start} is after {names[1]} {end}; "
        "give the earlier time as its start"
    )


def _integer(value: object, *, signed: bool, bits: int) -> int:
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    try:
        number = int(str(value))
    except ValueError:
        raise ValueError("give a whole number") from None
    if not lowest <= number <= highest:
        raise ValueError(f"give a number between {lowest} and {highest}")
    return number


def query_names() -> tuple[str, ...]:
    """Names of all queries, sorted."""
    return sql.names("queries")


def read_names() -> tuple[str, ...]:
    """Names of all that can be read: the queries, and the views with what tells them apart."""
    return (*query_names(), *(VIEW_PREFIX + view for view in sorted(VIEWS)))


@cache
def named(name: str) -> NamedQuery:
    """The query of that name, or the view.

    Raises:
        NotFoundError: there is none; the message lists those there are.
    """
    view = name.removeprefix(VIEW_PREFIX)
    if name in query_names():
        text = sql.read(f"queries/{name}.sql")
    elif view in VIEWS:
        text = f"SELECT * FROM {_source(view)} WHERE {' AND '.join(VIEWS[view]) or 'true'}"  # noqa: S608 - names and conditions of ours
    else:
        raise NotFoundError(
            f"no query named {name!r}; there are: {', '.join(query_names())}; and the views "
            f"{', '.join(VIEW_PREFIX + one for one in VIEWS)}"
        )
    parameters = dict(_PARAMETER.findall(text))
    choices = _choices(text, parameters)
    return NamedQuery(name, text, parameters, choices)


def _choices(text: str, parameters: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    heading = itertools.takewhile(lambda line: line.startswith("--"), text.splitlines())
    head = " ".join(line.removeprefix("--").strip() for line in heading).partition("grain:")[0]
    told = {name: words.split(" | ") for name, words in _CHOICE.findall(head)}
    return {name: words for name, words in told.items() if name in parameters}


def _source(view: str) -> str:
    """A view that takes parameters is handed those of the query, by the same names."""
    parameters = dict(_PARAMETER.findall(sql.read(f"views/{view}.sql")))
    handed = (f"{name} = {{{name}:{kind}}}" for name, kind in parameters.items())
    return f"{view}({', '.join(handed)})" if parameters else view
