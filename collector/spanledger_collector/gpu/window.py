"""One pool in one stretch of time: what was billed, and whose it was. Pure.

Times are dealt out in whole GPU-nanoseconds and amounts in units of 10^-12 USD, so that shares,
loading and idle time sum to the bill exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise

from spanledger.compute.bill import billed_usd, split_usd
from spanledger.compute.engine import (
    APPROXIMATE_ERROR,
    CACHE_UNTOLD_ERROR,
    KEY_ERROR,
    REPLICAS_ERROR,
    Attribution,
    Engine,
    Key,
    Observation,
    attribute,
)
from spanledger.compute.engine_work import Work, work

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Rate:
    """What GPU time costs from a moment to another: USD for so many GPU seconds."""

    price_id: str
    valid_from: datetime
    valid_to: datetime
    usd: Decimal
    per_seconds: int


@dataclass(frozen=True, slots=True)
class Bill:
    """A window of a pool; amounts are None where no rate holds.

    Attributes:
        attribution: whose the time was.
        price_id: of the rate.
        billed_usd: GPUs x time x rate.
        shares_usd: call -> what it carries; with ``load_usd`` and ``idle_usd`` exactly the bill.
        waste_usd: call -> part of its share that computed preempted work again.
        load_usd: loading the model (cold start).
        idle_usd: nobody was served.
        work: call -> what was computed and read for it, where its tokens and the model are known.
        least_error: of any share, for what is not known of the pool.
    """

    attribution: Attribution
    price_id: str
    billed_usd: Decimal | None
    shares_usd: Mapping[str, Decimal]
    waste_usd: Mapping[str, Decimal]
    load_usd: Decimal | None
    idle_usd: Decimal | None
    work: Mapping[str, Work]
    least_error: Decimal = Decimal(0)

    @property
    def key(self) -> Key:
        """How the time was shared, where least is known."""
        return self.attribution.key

    def error(self, call: str) -> Decimal:
        """How far the share of a call may be off: a factor of 1 + this either way."""
        return max(KEY_ERROR[self.attribution.keys[call]], self.least_error)


def bill(
    observations: Sequence[Observation],
    begin: datetime,
    end: datetime,
    engine: Engine,
    rate: Rate | None,
) -> Bill:
    """The bill of a window, dealt out.

    Args:
        observations: every call that the pool answered in it.
        begin: of the window.
        end: of it, exclusive; the rate is one and the same in between.
        engine: what the pool is.
        rate: what it costs; None = not known.
    """
    from_ns, to_ns = nanoseconds(begin), nanoseconds(end)
    dealt = attribute(observations, from_ns, to_ns, engine)
    did = work(observations, from_ns, to_ns, engine)
    least = _least_error(engine)
    if not all(one.cache_told for one in observations):  # what is beside it has the rest
        least = max(least, CACHE_UNTOLD_ERROR)
    if rate is None:
        return Bill(dealt, "", None, {}, {}, None, None, did, least)
    billed = billed_usd(dealt.billed_ns, rate.usd, rate.per_seconds)
    calls = sorted(dealt.shares)
    parts = [*(dealt.shares[call] for call in calls), dealt.load_ns, dealt.idle_ns]
    *shares, load, idle = split_usd(billed, parts)
    shares_usd = dict(zip(calls, shares, strict=True))
    waste = {
        call: split_usd(shares_usd[call], [lost, dealt.shares[call] - lost])[0]
        for call, lost in dealt.waste.items()
    }
    return Bill(dealt, rate.price_id, billed, shares_usd, waste, load, idle, did, least)


def _least_error(engine: Engine) -> Decimal:
    """Of several replicas nobody tells which one a call was on; a shape may be known in part."""
    replicas = REPLICAS_ERROR if engine.replicas > 1 else Decimal(0)
    in_part = engine.arch is not None and not engine.arch.is_exact
    return max(replicas, APPROXIMATE_ERROR if in_part else Decimal(0))


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970 of a moment, exact to the microsecond that it has."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def windows(
    begin: datetime, end: datetime, length: timedelta, cuts: Sequence[datetime]
) -> list[tuple[datetime, datetime]]:
    """The stretches from ``begin`` to ``end``: whole multiples of ``length``, cut at ``cuts``."""
    edges = {moment for moment in cuts if begin < moment < end} | {begin, end}
    first = begin - (begin - _EPOCH) % length + length
    while first < end:
        edges.add(first)
        first += length
    ordered = sorted(edges)
    return list(pairwise(ordered))
