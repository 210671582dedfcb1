"""What asks more of an asset than it has is refused, by its place and with what is left."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from spanledger_collector.query.asset_limits import EntryKey, asking_too_much
from spanledger_collector.query.asset_rows import AssetRow

BOOKS: dict[str, Any] = {
    "asset_id": "ft", "kind": "training", "method": "", "unit": "", "agent_name": "",
    "agent_version": "", "capital_usd": Decimal(120), "charged_usd": Decimal(20),
    "net_book_value_usd": Decimal(100), "written_off_usd": Decimal(0), "refused_usd": Decimal(0),
    "salvage_usd": Decimal(0), "chargeable_usd": Decimal(100), "rate_low_usd": None,
    "rate_high_usd": None, "remaining_low_units": None, "remaining_high_units": None,
    "charged_from": None, "ends_at": None, "rate_usd": Decimal(0),
    "charged_units": Decimal(2), "remaining_units": Decimal(0),
    "accrued_usd": None, "unabsorbed_usd": None, "state": "active", "estimates": 1,
    "unconverted_entries": 0, "unconverted_currencies": (),
}  # fmt: skip


def _told(kind: str, amount: str = "", **fields: Any) -> dict[str, object]:
    return {"kind": f"asset_{kind}", "asset": "ft", "amount": amount, **fields}


def _refused(*records: dict[str, object], told: Collection[EntryKey] = ()) -> list[int]:
    return [*asking_too_much(dict(enumerate(records)), [AssetRow(**BOOKS)], told)]


def test_more_than_is_left_is_refused_and_says_what_is() -> None:
    [(place, reason)] = asking_too_much(
        {7: _told("transfer", "100.5", to="b")}, [AssetRow(**BOOKS)]
    ).items()
    assert place == 7
    assert reason.startswith("100.5 USD of asset 'ft' is more than the 100 USD that are left")
    assert _refused(_told("write_off", "100")) == []
    assert _refused(_told("write_off")) == []  # all that is left
    assert _refused(_told("cost", "-100.01"), _told("cost", "-100")) == [0]


def test_what_is_told_together_is_counted_together() -> None:
    assert _refused(
        _told("write_off", "60"), _told("transfer", "60"), _told("write_off", "40")
    ) == [1]
    assert _refused(_told("cost", "30"), _told("transfer", "130"), _told("write_off", "1")) == [2]
    assert _refused(_told("cost", "1", currency="EUR"), _told("transfer", "5000")) == []
    assert _refused(_told("cost", "-1", currency="EUR"), _told("transfer", "101")) == [1]


def test_what_nobody_can_tell_is_left_to_the_ledger() -> None:
    """An asset not in the books yet, an amount that is none."""
    assert _refused(_told("transfer", "500") | {"asset": "new"}) == []
    assert _refused(_told("transfer", "much")) == []
    assert _refused(_told("plan", "500")) == []


def test_an_entry_that_is_told_again_asks_nothing() -> None:
    """Its name is in the books; one with a new name is held against them like any other."""
    named = _told("transfer", "500", record_id="move-1")
    assert _refused(named, told={("ft", "transfer", "move-1")}) == []
    assert _refused(named, told={("ft", "write_off", "move-1")}) == [0]
