"""Added time per call and per chunk: ours and other instrumentations, in one run.

One process per instrumentation lives through the whole run, in an environment of its own (see
``environments``). In every round each makes the same calls bare and metered, one right after the
other, one process at a time, all in random order; ours makes two more: a second bare one, which
shows the noise of the method, and the floor, a hand-written span with the very attributes that ours
wrote. A figure is the median over rounds of what metered took more than bare in the same process
and round, so that different versions of the client do not count. Processor time is what the whole
process spent, the thread that takes the spans away included; elapsed time suffers from whatever
else the machine does.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final, cast

from benchmarks.canned import CLOCKS, KINDS, LONG_CHUNKS, SHORT_CHUNKS
from benchmarks.peers import environments

OURS: Final = "spanledger"
_CALL, _ASYNC, _SHORT, _LONG = KINDS

#: Microseconds added, by (name, kind, clock).
Added = Mapping[tuple[str, str, str], float]


class _Process:
    """A worker (``benchmarks.peers.worker``) and the pipe to it."""

    def __init__(self, name: str, python: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(  # noqa: S603 -- our own program
            [str(python), "-m", "benchmarks.peers.worker", name],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.introduction: dict[str, Any] = self._answer()

    def __enter__(self) -> _Process:  # noqa: PYI034 -- never subclassed, and Self is not in 3.10
        return self

    def __exit__(self, *_: object) -> None:
        cast("IO[str]", self._process.stdin).close()
        self._process.wait(timeout=30)

    def measure(self, variant: str, kind: str) -> dict[str, float]:
        """Microseconds by clock."""
        pipe = cast("IO[str]", self._process.stdin)
        pipe.write(json.dumps({"variant": variant, "kind": kind}) + "\n")
        pipe.flush()
        return self._answer()

    def _answer(self) -> Any:
        line = cast("IO[str]", self._process.stdout).readline()
        if not line:
            raise RuntimeError(f"the worker of {self.name} ended, see above")
        return json.loads(line)


def _measure(processes: list[_Process], rounds: int) -> Added:
    turns = [(process, kind) for process in processes for kind in KINDS]
    taken: dict[tuple[str, str, str, str], list[float]] = {}
    for _ in range(rounds):
        random.shuffle(turns)
        for process, kind in turns:
            variants = ["bare", "metered", *(("again", "floor") if process.name == OURS else ())]
            random.shuffle(variants)
            for variant in variants:  # at once, so that the machine does the same meanwhile
                for clock, microseconds in process.measure(variant, kind).items():
                    taken.setdefault((process.name, variant, kind, clock), []).append(microseconds)
    added: dict[tuple[str, str, str], float] = {}
    for (name, variant, kind, clock), times in taken.items():
        if variant != "bare":
            pairs = zip(times, taken[name, "bare", kind, clock], strict=True)
            shown = name if variant == "metered" else variant
            added[shown, kind, clock] = statistics.median(a - b for a, b in pairs)
    return added


def _chunk(added: Added, name: str, clock: str) -> float:
    return (added[name, _LONG, clock] - added[name, _SHORT, clock]) / (LONG_CHUNKS - SHORT_CHUNKS)


def _print(added: Added, processes: list[_Process], clock: str) -> None:
    floor, floor_async = (added["floor", kind, clock] for kind in (_CALL, _ASYNC))
    print(f"added {clock} time, microseconds")
    kinds = f"{_CALL:>8}{'/ floor':>9}{_ASYNC:>12}{'/ floor':>9}{_SHORT:>14}{_LONG:>15}"
    print(f"  {'':20}{kinds}{'per chunk':>11}  attributes")
    rows = sorted(processes, key=lambda process: added[process.name, _CALL, clock])
    attributes = {process.name: process.introduction["attributes"][_CALL] for process in rows}
    for name in ("again", "floor", *attributes):
        shown = {"again": "noise (bare again)", "floor": "floor"}.get(name, name)
        call, call_async, short, long = (added[name, kind, clock] for kind in KINDS)
        print(
            f"  {shown:20}{call:+8.0f}{call / floor:9.2f}"
            f"{call_async:+12.0f}{call_async / floor_async:9.2f}{short:+14.0f}{long:+15.0f}"
            f"{_chunk(added, name, clock):+11.2f}  {attributes.get(name, '')}"
        )


def main(*, rounds: int = 40, install: bool = True) -> None:
    """Print the figures."""
    print("added time of instrumentations of the openai client, one environment each, interleaved")
    with ExitStack() as stack:
        pythons = [(OURS, Path(sys.executable)), *environments.ready(install=install)]
        processes = [stack.enter_context(_Process(name, python)) for name, python in pythons]
        added = _measure(processes, rounds)
        for clock in CLOCKS:
            _print(added, processes, clock)
        for process in processes:
            print(f"  {process.name}: openai {process.introduction['openai']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--no-install", action="store_true", help="only what is there already")
    given = parser.parse_args()
    main(rounds=given.rounds, install=not given.no_install)
