"""A ledger of one agent with enough runs to tell something of, and of one with too few.

``writer`` runs 30 times as version 1 on model ``m1`` and 18 times as version 2 on ``m2``, which
costs half as much; it is paid where it succeeds. 30 USD of training are spread over 300 runs of
version 2. ``tiny`` runs three times
on ``m3``. Everything is drawn from one seed and settled by the real
settler; ``RUNS`` is what was drawn, for a test to compute the truth from.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.collector.settle import scene

from spanledger_collector.store import Store

#: USD a token of input, by model.
RATES = {"m1": Decimal("0.002"), "m2": Decimal("0.001"), "m3": Decimal("0.0005")}
#: Of ``m1`` alone the book knows a rate for cached input and for batches.
CACHED_RATE, BATCH_RATE = Decimal("0.0002"), Decimal("0.001")
REVENUE = Decimal("1.5")
#: 30 USD over 300 runs of version 2.
AMORTIZED = Decimal("0.1")


@dataclass(frozen=True)
class Drawn:
    """One run of ``writer``, as it was drawn."""

    trace: int
    version: str
    model: str
    tenant: str
    seconds: int
    tokens: int
    wasted_tokens: int
    succeeded: bool

    @property
    def cost(self) -> Decimal:
        return (self.tokens + self.wasted_tokens) * RATES[self.model]

    @property
    def total(self) -> Decimal:
        return self.cost + (AMORTIZED if self.version == "2" else 0)

    @property
    def wasted(self) -> Decimal:
        return self.wasted_tokens * RATES[self.model]

    @property
    def value(self) -> Decimal:
        return REVENUE if self.succeeded else Decimal(0)


def _draw() -> Sequence[Drawn]:
    rng = random.Random(7)  # noqa: S311 - test data
    return [
        Drawn(
            trace=100 + number,
            version="1" if number < 30 else "2",
            model="m1" if number < 30 else "m2",
            tenant=rng.choice(["acme", "beta"]),
            seconds=rng.randrange(5, 50),
            tokens=int(rng.lognormvariate(6, 0.5)),
            wasted_tokens=rng.choice([0, 0, 0, 100]),
            succeeded=rng.random() < (0.6 if number < 30 else 0.8),
        )
        for number in range(48)
    ]


RUNS = _draw()


def write(store: Store) -> None:
    """Put it into an empty, migrated ledger."""
    with store.connect() as connection:
        scene.publish(connection, _prices())
        scene.load(connection, _asset())
        scene.settle(store, [1, 2])
        runs = [*map(_run, RUNS), *map(_tiny, (90, 91, 92))]
        scene.load(connection, [row for spans in runs for row in spans])
    scene.settle(store, [*(run.trace for run in RUNS), 90, 91, 92])


def _prices() -> list[scene.Row]:
    cached = {"cache_read_usd_per_token": str(CACHED_RATE)}
    standard = [
        scene.price(model, input=str(rate), **(cached if model == "m1" else {}))
        for model, rate in RATES.items()
    ]
    return [*standard, scene.price("m1", input=str(BATCH_RATE), service_tier="batch")]


def _asset() -> list[scene.Row]:
    cost = {"entry": "cost", "kind": "training", "amount": "30"}
    plan = {"entry": "plan", "method": "units_of_production", "unit": "execution"}
    plan |= {"expected_units": "300", "agent.name": "writer", "agent.version": "2"}
    return [
        scene.span(
            1, role="record", trace=trace, lasts=0, received_at=scene.moment(scene.START),
            attributes={f"spanledger.asset.{k}": v for k, v in {"id": "ft", **told}.items()},
        )
        for trace, told in ((1, cost), (2, plan))
    ]  # fmt: skip


def _run(run: Drawn) -> list[scene.Row]:
    told = {"spanledger.outcome": "success" if run.succeeded else "failure"}
    if run.succeeded:
        told["spanledger.revenue.amount"] = str(REVENUE)
    where = {"trace": run.trace, "at": run.trace * 60}
    root = scene.span(
        1, 0, "agent", lasts=run.seconds, agent_name="writer", agent_version=run.version,
        run_id=f"w{run.trace}", tenant=run.tenant, attributes=told, **where,
    )  # fmt: skip
    calls = [scene.call(2, 1, (run.tokens, 0), request_model=run.model, **where)]
    if run.wasted_tokens:
        calls = [
            scene.call(3, 1, (run.wasted_tokens, 0), request_model=run.model, **where),
            scene.call(2, 1, (run.tokens, 0), request_model=run.model, rework_of=3,
                       rework_reason="regenerated", **where),
        ]  # fmt: skip
    return [root, *calls]


def _tiny(trace: int) -> list[scene.Row]:
    root = scene.span(1, 0, "agent", trace=trace, agent_name="tiny", agent_version="1")
    return [root, scene.call(2, 1, (trace, 0), trace=trace, request_model="m3")]
