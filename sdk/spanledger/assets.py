"""Assets: what is paid once and serves many runs (training, data, evaluation, hosting).

An asset has costs (its capital) and a plan (over how many units it is charged). From the plan's
arrival on, every run in its scope carries ``(capital - salvage - charged so far) / expected
units``, until the capital is used up::

    from spanledger import assets

    assets.book_cost("support-ft-7", "120000", kind="training")
    assets.plan("support-ft-7", expected_executions=2_000_000, agent="support")

Nothing is rewritten: another plan is a better estimate of what is *still to come* and holds from
then on (a change in an accounting estimate, IAS 8.36), a write-off takes out what is left, a
transfer moves it to the next checkpoint. Entries travel like records; the same ``record_id`` twice
is one entry. What cannot be used is logged and left out; no function raises.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from opentelemetry.util.types import AttributeValue

from spanledger import semconv
from spanledger._work import scope as _scope
from spanledger._work.recording import About, Amount, exact, money_of, write

if TYPE_CHECKING:  # the API of OpenTelemetry brings it; nothing here needs it to run
    from typing_extensions import Unpack

_log = logging.getLogger("spanledger")

Kind = Literal["training", "data_curation", "evaluation", "provisioning", "hosting"]
Unit = Literal["execution", "token", "flop", "success"]
KINDS: Final = ("training", "data_curation", "evaluation", "provisioning", "hosting")
UNITS: Final = ("execution", "token", "flop", "success")

Attributes = dict[str, AttributeValue]


def book_cost(
    asset: str,
    amount: Amount,
    *,
    kind: Kind = "training",
    currency: str = "USD",
    measured: bool = False,
    **about: Unpack[About],
) -> str:
    """Add capital to an asset.

    Args:
        asset: id of the asset, as you call it.
        amount: in the currency; negative for a credit.
        kind: of the asset.
        currency: code of ISO 4217.
        measured: the amount was measured (a training run), not booked by hand.
        about: ``record_id``, ``reason``, ``at``; see :class:`spanledger.records.About`.

    Returns:
        Id of the entry; empty when it was left out (the log says why).
    """
    money = money_of(semconv.ASSET_AMOUNT, amount, semconv.ASSET_CURRENCY, currency)
    if money is not None and kind not in KINDS:
        _log.warning("cost of asset %r left out: a kind is one of %s", asset, ", ".join(KINDS))
        return ""
    if money is None:
        return ""
    return _enter(asset, "cost", {**money, semconv.ASSET_KIND: kind}, about, measured=measured)


def plan(
    asset: str,
    *,
    expected_executions: Amount | None = None,
    expected_units: Amount | None = None,
    unit: Unit = "execution",
    life_days: Amount | None = None,
    executions_per_day: Amount | None = None,
    low: Amount | None = None,
    high: Amount | None = None,
    salvage: Amount = 0,
    agent: str = "",
    version: str = "",
    **about: Unpack[About],
) -> str:
    """Say over how many units that are still to come an asset is charged, and whose runs carry it.

    One of three: ``expected_executions`` (straight line per execution); ``expected_units`` of a
    ``unit`` (units of production); ``life_days`` and ``executions_per_day`` (straight line per
    time: a run carries the planned rate, what no run carried is shown beside it).

    Args:
        asset: id of the asset.
        expected_executions: runs still to come.
        expected_units: units still to come.
        unit: ``execution``, ``token``, ``flop``, or ``success``: a run whose outcome is recorded
            as one (:func:`spanledger.record_outcome`), whenever that is told.
        life_days: days still to come.
        executions_per_day: runs expected on each of them.
        low: low end of the expected units.
        high: high end of them.
        salvage: what is left at the end and never charged, in USD; 0 or more.
        agent: name of the agent whose runs carry it; empty = every agent.
        version: its version; empty = every version.
        about: ``record_id``, ``reason``, ``at``; see :class:`spanledger.records.About`.

    Returns:
        Id of the entry; empty when it was left out (the log says why).
    """
    method, units = "units_of_production", exact(expected_units or 0)
    days = None if life_days is None else exact(life_days)
    if expected_executions is not None:
        method, unit, units = "straight_line_per_execution", "execution", exact(expected_executions)
    elif life_days is not None:
        method, unit = "straight_line_per_time", "execution"
        daily = exact(executions_per_day or 0)
        units = None if days is None or daily is None else exact(days * daily)
    if units is None or units <= 0 or unit not in UNITS or (days is not None and days <= 0):
        _log.warning(
            "plan of asset %r left out: give expected_executions, or expected_units of a unit (%s),"
            " or life_days and executions_per_day; all above 0",
            asset,
            ", ".join(UNITS),
        )
        return ""
    least, most = (None if end is None else exact(end) for end in (low, high))
    if (least is not None and not 0 < least <= units) or (most is not None and most < units):
        _log.warning(
            "plan of asset %r left out: %s units are expected, low and high of the units are %s "
            "and %s",
            *(asset, units, low, high),
        )
        return ""
    kept = exact(salvage)
    if kept is None or kept < 0:
        _log.warning("plan of asset %r left out: a salvage of %s; give 0 or more", asset, salvage)
        return ""
    told: Attributes = {semconv.ASSET_METHOD: method, semconv.ASSET_UNIT: unit}
    numbers = {
        semconv.ASSET_EXPECTED_UNITS: units,
        semconv.ASSET_EXPECTED_UNITS_LOW: least,
        semconv.ASSET_EXPECTED_UNITS_HIGH: most,
        semconv.ASSET_LIFE_DAYS: days,
        semconv.ASSET_SALVAGE: kept,
    }
    told |= {key: f"{number:f}" for key, number in numbers.items() if number is not None}
    scope = {semconv.ASSET_AGENT_NAME: agent, semconv.ASSET_AGENT_VERSION: version}
    told |= {key: _scope.clean(name) for key, name in scope.items() if name}
    return _enter(asset, "plan", told, about)


def write_off(asset: str, amount: Amount | None = None, **about: Unpack[About]) -> str:
    """Take capital out of an asset as a loss: it is charged to no run.

    Args:
        asset: id of the asset.
        amount: USD, above 0; None = all that is left (early retirement). More than is left takes
            what is left; the rest is in no sum (``refused_usd`` of the collector's books).
        about: ``record_id``, ``reason``, ``at``; see :class:`spanledger.records.About`.

    Returns:
        Id of the entry; empty when it was left out (the log says why).
    """
    told: Attributes | None = {}
    if amount is not None:
        told = _taken(asset, amount)
    return "" if told is None else _enter(asset, "write_off", told, about)


def transfer(
    asset: str,
    to: str,
    amount: Amount | None = None,
    *,
    kind: Kind | None = None,
    **about: Unpack[About],
) -> str:
    """Move capital to another asset: what the next checkpoint is built on.

    Args:
        asset: id of the asset that it leaves.
        to: id of the asset that it goes to.
        amount: USD, above 0; None = all that is left. More than is left moves what is left.
        kind: of the asset that it goes to, where no cost of its own says it; None = that of
            the asset that it leaves.
        about: ``record_id``, ``reason``, ``at``; see :class:`spanledger.records.About`.

    Returns:
        Id of the entry; empty when it was left out (the log says why).
    """
    told: Attributes | None = {} if amount is None else _taken(asset, amount)
    target = _scope.clean(to)
    if told is None or not target:
        return ""
    if kind is not None and kind not in KINDS:
        _log.warning("transfer of asset %r left out: a kind is one of %s", asset, ", ".join(KINDS))
        return ""
    said = {} if kind is None else {semconv.ASSET_KIND: kind}
    return _enter(asset, "transfer", {**told, semconv.ASSET_TO: target, **said}, about)


def cost_attributes(
    asset: str, amount: Decimal, *, measured: bool, currency: str = "USD"
) -> Attributes:
    """What the entry of a cost of training says, for :mod:`spanledger.training`."""
    return {
        semconv.ASSET_ID: _scope.clean(asset),
        semconv.ASSET_ENTRY: "cost",
        semconv.ASSET_KIND: "training",
        semconv.ASSET_AMOUNT: f"{amount:f}",
        semconv.ASSET_CURRENCY: currency,
        semconv.ASSET_MEASURED: measured,
    }


def _taken(asset: str, amount: Amount) -> Attributes | None:
    """An amount that leaves an asset; None = left out (the log says why)."""
    told = money_of(semconv.ASSET_AMOUNT, amount, semconv.ASSET_CURRENCY, "USD")
    if told is not None and Decimal(str(told[semconv.ASSET_AMOUNT])) <= 0:
        _log.warning("%r out of asset %r left out: give an amount above 0", amount, asset)
        return None
    return told


def _enter(
    asset: str, entry: str, told: Attributes, about: About, *, measured: bool = False
) -> str:
    name = _scope.clean(asset)
    if not name:
        _log.warning("%s of an asset left out: give the asset a name", entry)
        return ""
    attributes: Attributes = {semconv.ASSET_ID: name, semconv.ASSET_ENTRY: entry, **told}
    if measured:
        attributes[semconv.ASSET_MEASURED] = True
    return write(f"asset {entry}", attributes, about, apart=True) or ""
