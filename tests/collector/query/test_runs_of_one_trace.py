"""Runs of one trace are no draws of their own: intervals are by traces where runs share them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pytest
from tests.collector.settle import scene

from spanledger_collector.estimate import Joint, part_interval
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Connection, Store

TRACES = 24
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Drawn:
    """A run of ``sub``: what it cost, what of that was wasted and what judged, in cents."""

    trace: int
    version: str
    cost: int
    wasted: int
    judged: int
    earned: int
    succeeded: bool
    duration_ns: int


def _drawn() -> Sequence[Drawn]:
    """One to six runs in each of 24 traces, which go dear or cheap, well or ill together."""
    rng = random.Random(71)  # noqa: S311 - test data
    found: list[Drawn] = []
    for trace in range(1, TRACES + 1):
        level, fails = rng.randrange(20, 200), rng.random() < 0.3
        for _ in range(rng.randrange(1, 7)):
            cost = level + rng.randrange(10)
            wasted = cost // 2 if fails and rng.random() < 0.8 else 0
            succeeded = rng.random() < (0.2 if fails else 0.9)
            found.append(
                Drawn(
                    trace, str(trace % 2), cost, wasted, rng.randrange(1, 5),
                    rng.randrange(100, 300), succeeded, (level + rng.randrange(40)) * 10**8,
                )
            )  # fmt: skip
    return found


RUNS = _drawn()


def _usd(cents: int) -> str:
    return str(cents * CENT)


def insert(connection: Connection, runs: Sequence[Drawn]) -> None:
    """The runs and their attempts, as the settler leaves them."""
    rows: list[scene.Row] = []
    attempts: list[scene.Row] = []
    for number, run in enumerate(runs):
        key = {
            "workspace": "default", "trace_id": scene.hex32(run.trace), "run_id": f"r{number}",
            "agent_name": "sub", "agent_version": run.version, "version": 1,
            "started_at": scene.moment(scene.START),
        }  # fmt: skip
        cost = {"cost_usd": _usd(run.cost + run.judged), "attempts": 3}
        rows.append(
            {
                **key, **cost, "inclusive_cost_usd": cost["cost_usd"], "inclusive_attempts": 3,
                "rework_cost_usd": _usd(run.wasted), "appraisal_cost_usd": _usd(run.judged),
                "revenue_usd": _usd(run.earned), "duration_ns": run.duration_ns,
                "outcome": "success" if run.succeeded else "failure",
            }
        )  # fmt: skip
        parts = [
            ("work", run.cost - run.wasted, ""), ("work", run.wasted, "regenerated"),
            ("appraisal", run.judged, ""),
        ]  # fmt: skip
        attempts += [
            {
                **key, "span_id": scene.hex16(3 * number + place), "counted": True,
                "request_model": "m1", "price_status": "priced", "purpose": purpose,
                "cost_usd": _usd(cents), "rework_reason": reason,
            }
            for place, (purpose, cents, reason) in enumerate(parts)
        ]  # fmt: skip
    for table, written in (("runs", rows), ("attempts", attempts)):
        connection.insert_bytes(table, "\n".join(map(json.dumps, written)).encode(), "JSONEachRow")


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    with module_store.connect() as connection:
        insert(connection, RUNS)
    with Ledger(DirectReader(module_store)) as found:
        yield found


def test_shares_of_money_are_reckoned_by_traces(ledger: Ledger) -> None:
    """Waste and quality of a trace, over its work and cost: a trace is what is drawn."""
    (rate,) = ledger.rework(by="agent").rates
    (quality,) = ledger.quality(by="agent")
    traces = [[run for run in RUNS if run.trace == trace] for trace in range(1, TRACES + 1)]
    wasted, judged, work = (
        [sum(getattr(run, name) for run in trace) / 100 for trace in traces]
        for name in ("wasted", "judged", "cost")
    )
    for share, joint in (
        (rate.rework_share, Joint.of(wasted, work)),
        (
            quality.quality_share,
            Joint.of(
                [a + b for a, b in zip(wasted, judged, strict=True)],
                [a + b for a, b in zip(work, judged, strict=True)],
            ),
        ),
    ):
        expected = part_interval(joint)
        assert share.n == TRACES < len(RUNS)
        assert (float(share.low or 0), float(share.high or 0)) == pytest.approx(
            (expected.low, expected.high), rel=1e-9
        )
