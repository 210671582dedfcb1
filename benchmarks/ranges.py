"""What a question about thirty days reads of a year of ten million attempts, and how long it takes.

The ledger is that of ``history.py``. Rows are what the engine expects to read of ``attempts`` and
``runs`` after it has left out what indexes and partitions let it. One agent has a twentieth of the
runs; its answers are timed whole too, from the question to figures with intervals. The list of all
agents is asked for over the whole year too: over every one of the ten million attempts.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from benchmarks import history
from spanledger_collector.query import DirectReader, Ledger, named
from spanledger_collector.store import Connection, Store

_MONTH = (history.SINCE + timedelta(days=300), history.SINCE + timedelta(days=330))
_MONTH_BEFORE = (history.SINCE + timedelta(days=270), _MONTH[0])
_PERIOD = {"since": _MONTH[0], "until": _MONTH[1]}
#: In place of the thirty days: all ten million attempts.
_YEAR = {"since": history.SINCE, "until": history.SINCE + timedelta(days=366)}
_AGENT = "agent-7"
#: Queries with what they are asked beside the period.
_ASKED: Sequence[tuple[str, Mapping[str, object]]] = (
    ("models", {}),
    ("coverage", {}),
    ("charges_by_day", {}),
    ("reprice", {}),
    ("agents", {}),
    ("agents", _YEAR),
    ("runs", {}),
    ("economics_by", {"by": "overview"}),
    ("traces_by", {"by": "tenant"}),
    ("rework_rates", {"by": "agent"}),
    ("earned_by", {}),
    ("spent_by", {}),
    ("frontier", {"agent_name": _AGENT}),
    *(("agent_statistics", {"agent_name": _AGENT, "by": by}) for by in ("total", "model")),
)
#: Whole answers about one agent.
_ANSWERS: Mapping[str, Callable[[Ledger], object]] = {
    "agent": lambda ledger: ledger.agent(_AGENT, *_MONTH, by="tenant"),
    "compare": lambda ledger: ledger.compare_periods(_AGENT, _MONTH_BEFORE, _MONTH),
    "what-if": lambda ledger: ledger.what_if(_AGENT, *_MONTH, models=[]),
}
_VIEWS = (
    "agent_unit_economics",
    "model_cost",
    "coverage",
    "rework",
    "cost_as_billed",
    "cost_as_known_now",
)
_VIEW = """
SELECT sum(cost_usd) FROM {view:Identifier}
WHERE workspace = 'default'
    AND day >= toDate({since:DateTime64(9)}) AND day < toDate({until:DateTime64(9)})
"""
_LIMITS = {"max_memory_usage": 1 << 30}


def main(*, attempts: int = 10_000_000) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"chdb://{folder}/ledger")
        with store.connect() as connection:
            history.fill(store, connection, attempts)
            print(f"30 days of a year of {attempts:,} attempts, embedded ledger")
            for name, asked in _ASKED:
                query = named(name)
                words = [one for one in asked.values() if isinstance(one, str)]
                title = " ".join((name, *words, *(["(a year)"] if "since" in asked else [])))
                _measure(connection, title, query.text, query.bind({**_PERIOD, **asked}))
            for view in _VIEWS:
                _measure(connection, f"view {view}", _VIEW, {"view": view, **_PERIOD})
        with Ledger(DirectReader(store)) as ledger:
            for name, answer in _ANSWERS.items():
                clock, processor = time.perf_counter(), time.process_time()
                answer(ledger)
                _print(f"{name} {_AGENT}", "", clock, processor)
        store.close()


def _measure(connection: Connection, name: str, text: str, given: Mapping[str, object]) -> None:
    bare = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    expected = connection.rows(f"EXPLAIN ESTIMATE {bare}", given)
    rows = sum(int(str(row["rows"])) for row in expected if row["table"] in ("attempts", "runs"))
    clock, processor = time.perf_counter(), time.process_time()
    connection.rows(text, given, _LIMITS)
    _print(name, f"{rows:,} rows", clock, processor)


def _print(name: str, rows: str, clock: float, processor: float) -> None:
    wall, used = time.perf_counter() - clock, time.process_time() - processor
    print(f"  {name:33} {rows:>17}  {wall:6.2f} s ({used:5.2f} s of processor time)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=10_000_000)
    main(attempts=parser.parse_args().attempts)
