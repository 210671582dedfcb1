"""One settlement: the transforms, in order, over a bounded set of traces.

::

    gather_spans    -> settling_spans what all others read: one moment's view of the spans
    pair_tellers    -> told_twice     which agents two instrumentations tell, if any
    attribute_spans -> span_runs      which run each span belongs to
    trace_callers   -> run_paths      which agents and tools led to runs that were called, if any
    attribute_records -> run_records  which run each record is of, which telling of it counts
    judge_calls     -> call_verdicts  which spans count
    judge_answers   -> answer_verdicts  what answers judged wrong wasted, if there are any
    judge_repeats   -> answer_verdicts  what was wasted of agents that were run again, if any were
    price_attempts  -> attempts       the ledger
    price_services  -> attempts       what else a run cost, if anything: tools, people, expenses
    post_takings    -> asset_takings  what write-offs and transfers get of assets, if there are any
    post_waits      -> asset_waits    whose charges wait for the rate of a currency, if any do
    post_charges    -> amortization_charges  what runs carry of assets, if there are any
    sum_runs        -> runs
    bury_attempts, bury_runs          what an earlier settlement wrote and the newest did not
    search_records  -> stray_records  which records have no run any more, or have one since, if any

Small groups cost what the engine needs to plan these statements, not to run them. Hence the working
table, the many narrow stages and the settings below; and in the statements a SELECT in a SELECT
where one would say an alias twice: each further use of an alias is analysed anew, with all that is
below it.

Each step reads what the step before wrote under the same version, so a settlement that dies half
way leaves nothing that the next one does not replace. The same spans, prices and aliases give the
same rows, apart from ``version``.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, cast

from spanledger.hosts import PRIVATE_HOST
from spanledger_collector import sql
from spanledger_collector.store import Connection

from .strays import search_settled, try_searching
from .turns import Turn, try_turn, turn

# Traces whose size is asked for at once.
_PAGE_TRACES = 10_000
# Transfers from asset to asset that one settlement follows.
_MAX_CHAIN = 100
#: In the order they are run.
STEPS = (
    "pair_tellers",
    "attribute_spans",
    "trace_callers",
    "attribute_records",
    "judge_calls",
    "judge_answers",
    "judge_repeats",
    "price_attempts",
    "price_services",
    "post_takings",
    "post_waits",
    "post_charges",
    "sum_runs",
    "bury_attempts",
    "bury_runs",
)
#: Of these what depends on what was posted before, and is done in turns.
POSTING = ("post_takings", "post_waits", "post_charges")


_POSTED = "transforms/takings_posted.sql"

# Planning is most of the work of a small group. There is nothing for the optimiser to find in these
# statements (indexes are used without it), compiling them pays after hours, more threads only cost
# more set-up for the 20,000 rows there are at most, and a view in line is planned once, not twice.
_SETTINGS = """\
SETTINGS query_plan_enable_optimizations = 0, compile_expressions = 0, max_threads = 1,
    analyzer_inline_views = 1"""


_NOTHING: Mapping[str, str] = MappingProxyType({})


class TraceKey(NamedTuple):
    """Names one trace."""

    workspace: str
    trace_id: str


def begin(connection: Connection, traces: Sequence[TraceKey], version: int) -> None:
    """Name the traces of a settlement, for its steps to read.

    Args:
        connection: of the calling thread.
        traces: few enough for one statement (see :func:`chunks`).
        version: higher than that of any earlier settlement.
    """
    connection.insert_rows(
        "settling",
        ("version", "workspace", "trace_id"),
        [(version, key.workspace, key.trace_id) for key in traces],
    )


def gather(connection: Connection, version: int, hosts: Mapping[str, str]) -> None:
    """Copy the spans of a settlement that has begun to where its steps read them.

    Args:
        connection: of the calling thread.
        version: the settlement.
        hosts: host, or host:port -> who bills there, as the operator says.

    Raises:
        CollectorError: they could not be read.
    """
    named = {
        "hosts": "\n".join(hosts),
        "providers": "\n".join(hosts.values()),
        "private_host": f"^{PRIVATE_HOST}$",
    }
    _execute(connection, "gather_spans", version, named)


def run_steps(connection: Connection, version: int) -> None:
    """Run the transforms of a settlement whose spans are gathered.

    Raises:
        CollectorError: a step failed; nothing of this settlement is relied upon.
    """
    wanted = dict.fromkeys(STEPS, True) | _occasional(connection, version)
    for step in STEPS:
        if step == "judge_answers" and wanted["attribute_records"]:
            wanted |= _occasional(connection, version)
        if step == POSTING[0]:
            _post(connection, version, [step for step in POSTING if wanted[step]])
        elif step not in POSTING and wanted[step]:
            _execute(connection, step, version)
    if wanted["attribute_records"]:
        search_settled(connection, version)


def try_nothing(connection: Connection, version: int, hosts: Mapping[str, str]) -> None:
    """Run all statements of a settlement of no trace: what fails then is the fault of none.

    Args:
        connection: of the calling thread.
        version: one that is used for nothing else.
        hosts: as for :func:`gather`.

    Raises:
        CollectorError: one of them failed.
    """
    gather(connection, version, hosts)
    _occasional(connection, version)
    for step in STEPS:  # nothing is posted, so no turn is taken
        _execute(connection, step, version)
    connection.rows(sql.read(_POSTED), {"version": version})
    try_turn(connection)
    try_searching(connection, version)
    overtaken(connection, version)


def _post(connection: Connection, version: int, steps: Sequence[str]) -> None:
    """What is never rewritten: by one collector at a time, for it depends on what was posted."""
    if not steps:
        return
    with turn(connection) as held:
        for step in steps:
            _execute(connection, step, version, limits=held.limits())
            if step == "post_takings":
                _follow_transfers(connection, version, held)


def _follow_transfers(connection: Connection, version: int, held: Turn) -> None:
    """Grant what assets may pass on of what was granted to them, until there is nothing left."""
    posted = 0
    for _ in range(_MAX_CHAIN):
        (row,) = connection.rows(sql.read(_POSTED), {"version": version})
        if row["takings"] == posted:
            return
        posted = row["takings"]
        _execute(connection, "post_takings", version, limits=held.limits())


def _occasional(connection: Connection, version: int) -> dict[str, bool]:
    """Which of the steps that few settlements need are needed: planning costs more than asking."""
    (row,) = connection.rows(sql.read("transforms/occasional_steps.sql"), {"version": version})
    return {step: bool(row[step]) for step in row}


def late_rates(connection: Connection) -> list[TraceKey]:
    """Traces with amounts in a currency that got its rate after they were settled."""
    rows = connection.rows(sql.read("transforms/late_rates.sql"))
    return [TraceKey(str(row["workspace"]), str(row["trace_id"])) for row in rows]


def overtaken(connection: Connection, version: int) -> list[TraceKey]:
    """Traces of a finished settlement that another collector is settling, or settled, meanwhile."""
    rows = connection.rows(sql.read("transforms/overtaken_traces.sql"), {"version": version})
    return [TraceKey(str(row["workspace"]), str(row["trace_id"])) for row in rows]


def _execute(
    connection: Connection,
    step: str,
    version: int,
    named: Mapping[str, str] = _NOTHING,
    limits: Mapping[str, object] = _NOTHING,
) -> None:
    text = sql.read(f"transforms/{step}.sql").rstrip()
    connection.execute(f"{text}\n{_SETTINGS}", {"version": version, **named}, limits)


def chunks(
    connection: Connection,
    traces: Sequence[TraceKey],
    versions: Iterator[int],
    *,
    max_traces: int,
    max_spans: int,
) -> Iterator[list[TraceKey]]:
    """The traces that have spans, in groups that one statement can work on.

    A trace larger than ``max_spans`` is a group of its own.

    Args:
        connection: of the calling thread.
        traces: any number of them.
        versions: gives unused versions; one is taken for each page of questions.
        max_traces: most traces of a group.
        max_spans: most spans of a group of several traces.
    """
    chunk: list[TraceKey] = []
    spans = 0
    for key, size in _sizes(connection, traces, versions):
        if chunk and (spans + size > max_spans or len(chunk) == max_traces):
            yield chunk
            chunk, spans = [], 0
        chunk.append(key)
        spans += size
    if chunk:
        yield chunk


def _sizes(
    connection: Connection, traces: Sequence[TraceKey], versions: Iterator[int]
) -> Iterator[tuple[TraceKey, int]]:
    for start in range(0, len(traces), _PAGE_TRACES):
        version = next(versions)
        begin(connection, traces[start : start + _PAGE_TRACES], version)
        for row in connection.rows(sql.read("transforms/trace_sizes.sql"), {"version": version}):
            key = TraceKey(str(row["workspace"]), str(row["trace_id"]))
            yield key, cast("int", row["span_count"])
