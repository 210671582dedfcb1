"""How many units of an asset are still to come: its use so far, carried on to its planned end.

The use of whole UTC days (days without any among them) is averaged, the newest days counting most;
that mean times the days to the planned end is what is still to come. The days are those in which
the asset could be charged by plans like the one in force, of the same unit and for the same runs:
not those of plans that counted something else, nor days on which runs found nothing to charge
(:mod:`spanledger_collector.estimate.use` has the form, and what is not in it). As an entry of the
books it is a plan: a change in an estimate, which acts on what is still to come alone (IAS 8.36).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.estimate import Use, use_to_come, weighted_use

from .asset_rows import AssetPeriodRow, AssetRow, AssetUseRow
from .economics import Ask
from .estimates import Estimate, decimal
from .parsing import parse_rows

HALF_LIFE_DAYS: Final = 14.0
_DAY: Final = timedelta(days=1)
_DAY_SECONDS: Final = Decimal(86_400)
#: Of units and days, as the books keep them.
_PLACES: Final = Decimal("1e-6")
_LEAST: Final = Decimal("1e-6")


@dataclass(frozen=True, slots=True)
class RemainingLife:
    """What is still to come of an asset, beside what its plan says.

    Attributes:
        asset: its books now.
        until: planned end of its use.
        days: from now to then.
        days_seen: whole days of use that it stands on.
        half_life_days: age of a day that counts half as much as the newest one.
        units_per_day: the mean, the newest days counting most.
        units: still to come by it, with the interval of a prediction.
        rate_usd: what a unit would carry: what is left to charge (per time: what the days to come
            cost) / units; its ends are those of the units turned around.
    """

    asset: AssetRow
    until: datetime
    days: Decimal
    days_seen: int
    half_life_days: float
    units_per_day: Decimal
    units: Estimate
    rate_usd: Estimate

    def record(self, record_id: str = "") -> Mapping[str, str]:
        """The entry that books it, for ``Ledger.add_records``: a plan as the one in force."""
        units = _text(self.units.value)
        told = {
            "kind": "asset_plan",
            "asset": self.asset.asset_id,
            "low": _text(self.units.low),
            "high": _text(self.units.high),
            "salvage": _text(self.asset.salvage_usd),
            "agent": self.asset.agent_name,
            "version": self.asset.agent_version,
            "record_id": record_id,
            "reason": (
                f"re-estimated: {self.units_per_day.normalize():f} units a day over "
                f"{self.days_seen} days, until {self.until:%Y-%m-%d}"
            ),
        }
        if self.asset.method == "straight_line_per_time":
            told |= {"life_days": _text(self.days), "executions_per_day": _text(self._daily())}
            told["low"], told["high"] = _around(told)
        elif self.asset.method == "straight_line_per_execution":
            told["expected_executions"] = units
        else:
            told |= {"expected_units": units, "unit": self.asset.unit}
        return {name: said for name, said in told.items() if said}

    def _daily(self) -> Decimal:
        return max(self.units_per_day.quantize(_PLACES), _LEAST)


def _around(told: Mapping[str, str]) -> tuple[str, str]:
    """Low and high that hold days x units a day, which is what a plan per time expects."""
    expected = Decimal(told["life_days"]) * Decimal(told["executions_per_day"])
    low, high = told["low"], told["high"]
    return (
        low and _text(min(Decimal(low), expected)),
        high and _text(max(Decimal(high), expected)),
    )


def _text(number: Decimal | None) -> str:
    if not number:
        return ""
    return f"{max(number, _LEAST).quantize(_PLACES).normalize():f}"


def remaining_life(
    ask: Ask,
    asset_id: str,
    *,
    until: datetime | None = None,
    half_life_days: float = HALF_LIFE_DAYS,
    now: datetime | None = None,
) -> RemainingLife:
    """See :meth:`Ledger.remaining_life`; ``now`` is for whoever asks about another moment."""
    at = now or datetime.now(timezone.utc)
    asset = _asset(ask, asset_id)
    end = _end(asset, until, at)
    units = _units_a_day(asset, parse_rows(AssetUseRow, ask("asset_use", asset_id=asset_id)))
    days = _days(asset, parse_rows(AssetPeriodRow, ask("asset_periods", asset_id=asset_id)), at)
    if not (half_life_days > 0 and math.isfinite(half_life_days)):
        raise PermanentError(f"a half-life of {half_life_days:g} days: give a number above 0")
    use = weighted_use(
        [units.get(day, 0.0) for day in days],
        half_life_days=half_life_days,
        ages=[(days[-1] - day).days for day in days],
    )
    if use.mean <= 0:
        raise PermanentError(
            f"no unit of asset {asset_id!r} came in {use.days} days: its life cannot be told by "
            "its use; write it off, or plan it by hand"
        )
    to_come = Decimal((end - at) // timedelta(microseconds=1)) / 1_000_000 / _DAY_SECONDS
    told = _units(use, to_come)
    return RemainingLife(
        asset, end, to_come.quantize(_PLACES), use.days, half_life_days,
        Decimal(repr(use.mean)).quantize(_PLACES), told, _rate(asset, told),
    )  # fmt: skip


def _asset(ask: Ask, asset_id: str) -> AssetRow:
    for row in parse_rows(AssetRow, ask("assets")):
        if row.asset_id == asset_id:
            return row
    raise NotFoundError(f"no asset {asset_id!r} is booked")


def _end(asset: AssetRow, until: datetime | None, now: datetime) -> datetime:
    if asset.charged_from is None:
        raise PermanentError(
            f"asset {asset.asset_id!r} has no plan yet, so nothing of its use was counted: give it "
            "a first one"
        )
    if asset.state == "waiting_for_rate":
        currencies = ", ".join(asset.unconverted_currencies)
        raise PermanentError(
            f"the costs of asset {asset.asset_id!r} are in {currencies} without a rate: "
            "tell it in the price file, and start the collector again"
        )
    if asset.chargeable_usd <= 0:
        raise PermanentError(f"nothing of asset {asset.asset_id!r} is left to charge")
    end = until or asset.ends_at
    if end is None:
        raise PermanentError(
            f"the plan of asset {asset.asset_id!r} has no last day: say when its use is to end"
        )
    if _to_charge(asset) <= 0 and asset.ends_at is not None and asset.ends_at <= now:
        raise PermanentError(
            f"the days of asset {asset.asset_id!r} are over, and what no run carried of them is no "
            "cost of later runs: book what the days to come cost first"
        )
    if end <= now:
        raise PermanentError(
            f"the use of asset {asset.asset_id!r} ended on {end:%Y-%m-%d}: nothing is to come; "
            "give a later end, or write it off"
        )
    return end


def _units_a_day(asset: AssetRow, rows: Sequence[AssetUseRow]) -> Mapping[date, float]:
    return {row.day: float(row.units) for row in rows if _alike(row, asset)}


def _days(asset: AssetRow, periods: Sequence[AssetPeriodRow], now: datetime) -> list[date]:
    """Whole UTC days in which it could be charged by plans like the one in force, oldest first."""
    resting = {
        day
        for row in periods
        if row.what == "at_rest"
        for day in _dates(row.begins_at.date(), row.ends_at.date())
    }
    found: list[date] = []
    for begin, end in _stretches([row for row in periods if _alike(row, asset)], now):
        found += _dates(begin.date() + _DAY, end.date() - _DAY)
    days = [day for day in found if day not in resting]
    if not days:
        raise PermanentError(
            f"asset {asset.asset_id!r} was not used for a whole UTC day under a plan like the one "
            "in force yet: its use is not known"
        )
    return days


def _stretches(
    periods: Sequence[AssetPeriodRow], now: datetime
) -> Sequence[tuple[datetime, datetime]]:
    """Periods in force, in order, those that follow each other as one; nothing of the future."""
    found: list[tuple[datetime, datetime]] = []
    for row in periods:
        begin, end = row.begins_at, min(row.ends_at, now)
        if row.what != "in_force" or end <= begin:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found


def _alike(row: AssetUseRow | AssetPeriodRow, asset: AssetRow) -> bool:
    """It is of a plan that counted the same unit of the same runs."""
    plan = row.unit, row.agent_name, row.agent_version
    return plan == (asset.unit, asset.agent_name, asset.agent_version)


def _dates(first: date, last: date) -> list[date]:
    return [first + _DAY * number for number in range((last - first).days + 1)]


def _units(use: Use, days: Decimal) -> Estimate:
    value = Decimal(repr(use.mean)) * days
    told = use_to_come(use, float(days))
    return Estimate.of(max(value.quantize(_PLACES, ROUND_HALF_EVEN), _LEAST), told)


def _to_charge(asset: AssetRow) -> Decimal:
    """USD that a plan would spread from now on."""
    if asset.accrued_usd is None:
        return asset.chargeable_usd
    left = asset.capital_usd - asset.salvage_usd - max(asset.accrued_usd, asset.charged_usd)
    return max(left, Decimal(0))


def _rate(asset: AssetRow, units: Estimate) -> Estimate:
    def over(number: Decimal | None) -> Decimal | None:
        return decimal(float(_to_charge(asset) / number)) if number else None

    reason = units.reason
    if not reason and not units.low:
        reason = "perhaps no unit comes any more"
    return Estimate(
        over(units.value), over(units.high), over(units.low), units.level, units.n, units.method,
        reason,
    )  # fmt: skip
