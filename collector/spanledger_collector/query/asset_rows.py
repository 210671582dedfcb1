"""Rows about assets: their books, entry by entry, charge by charge, agent by agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class AssetRow:
    """One asset as its books stand (query ``assets``); ends of intervals are None where unknown."""

    asset_id: str
    kind: str
    method: str
    unit: str
    agent_name: str
    agent_version: str
    capital_usd: Decimal
    charged_usd: Decimal
    net_book_value_usd: Decimal
    written_off_usd: Decimal
    refused_usd: Decimal
    salvage_usd: Decimal
    chargeable_usd: Decimal
    rate_usd: Decimal
    rate_low_usd: Decimal | None
    rate_high_usd: Decimal | None
    charged_units: Decimal
    remaining_units: Decimal
    remaining_low_units: Decimal | None
    remaining_high_units: Decimal | None
    accrued_usd: Decimal | None
    unabsorbed_usd: Decimal | None
    charged_from: datetime | None
    ends_at: datetime | None
    state: str
    estimates: int
    unconverted_entries: int
    unconverted_currencies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssetEntryRow:
    """One entry of the books of an asset (query ``asset_entries``)."""

    asset_id: str
    entry: str
    entry_id: str
    amount: Decimal | None
    currency: str
    to_asset_id: str
    expected_units: Decimal | None
    reason: str
    occurred_at: datetime
    received_at: datetime
    taken_usd: Decimal | None
    capital_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class AssetChargeRow:
    """What one run was charged of one asset (query ``asset_charges``).

    ``amount_low_usd`` and ``amount_high_usd``: had as many units come as the plan expects at most,
    and at least; None = it does not say.
    """

    posted_at: datetime
    asset_id: str
    trace_id: str
    run_id: str
    agent_name: str
    agent_version: str
    units: Decimal
    rate_usd: Decimal
    amount_usd: Decimal
    amount_low_usd: Decimal | None
    amount_high_usd: Decimal | None
    plan_id: str
    basis_id: str


@dataclass(frozen=True, slots=True)
class AssetShareRow:
    """What runs of one agent and version carry of one asset (query ``asset_shares``).

    The ends are those of the plans' expected units; None = a plan does not say them.
    """

    asset_id: str
    kind: str
    agent_name: str
    agent_version: str
    runs: int
    units: Decimal
    charged_usd: Decimal
    charged_low_usd: Decimal | None
    charged_high_usd: Decimal | None
    per_run_usd: Decimal
    per_run_low_usd: Decimal | None
    per_run_high_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class AssetUseRow:
    """Units of an asset on one UTC day, as one kind of plan counted them (query ``asset_use``)."""

    asset_id: str
    unit: str
    agent_name: str
    agent_version: str
    day: date
    units: Decimal


@dataclass(frozen=True, slots=True)
class AssetPeriodRow:
    """A time in which a plan was in force, or nothing could be charged (``asset_periods``)."""

    asset_id: str
    what: str
    unit: str
    agent_name: str
    agent_version: str
    begins_at: datetime
    ends_at: datetime
