"""Write-offs and transfers that ask more than an asset has: which they are, and why.

The ledger itself grants no more than is left, whenever an entry arrives; here whoever asks is told
at once. What was acknowledged in the last seconds may not be in the books yet. An entry that is
told again under its name asks nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from .asset_rows import AssetRow
from .economics import Ask
from .parsing import parse_rows

_TAKING: Final = ("asset_transfer", "asset_write_off")
#: Names an entry: its asset, what it is (``write_off``, ...), its own name.
EntryKey = tuple[str, str, str]


def over_capital(ask: Ask, records: Mapping[int, Mapping[str, object]]) -> Mapping[int, str]:
    """The records that ask more than is left of their assets, by their places, and why.

    Raises:
        CollectorError: the ledger does not answer.
    """
    told = {*map(_key, ask("asset_entries"))}
    return asking_too_much(records, parse_rows(AssetRow, ask("assets")), told)


def asking_too_much(
    records: Mapping[int, Mapping[str, object]],
    assets: Sequence[AssetRow],
    told: Collection[EntryKey] = (),
) -> Mapping[int, str]:
    """The records that ask more than is left by the books and by the records before them.

    Args:
        records: by their places, in the order they are told.
        assets: the books now; an asset that is not in them is asked nothing.
        told: entries that are in the books already.
    """
    left = {row.asset_id: row.net_book_value_usd for row in assets}
    refused: dict[int, str] = {}
    for place, record in records.items():
        asset, taken = str(record.get("asset", "")), _taken(record)
        if taken is None or asset not in left or _key_of(record) in told:
            continue
        if taken > max(left[asset], 0):
            refused[place] = (
                f"{taken.normalize():f} USD of asset {asset!r} is more than the "
                f"{left[asset].normalize():f} USD that are left of it; give at most that, or book "
                "the missing cost first"
            )
        else:
            left[asset] -= taken
    return refused


def _key(row: Mapping[str, Any]) -> EntryKey:
    return str(row["asset_id"]), str(row["entry"]), str(row["entry_id"])


def _key_of(record: Mapping[str, object]) -> EntryKey:
    kind = str(record.get("kind", "")).removeprefix("asset_")
    return str(record.get("asset", "")), kind, str(record.get("record_id") or "")


def _taken(record: Mapping[str, object]) -> Decimal | None:
    """What a record takes of its asset, less than 0 where it adds; None = none, or nobody knows."""
    kind = record.get("kind")
    try:
        amount = Decimal(str(record.get("amount")))
    except InvalidOperation:
        return None  # nothing was asked, or the collector has said what is wrong with it
    if kind in _TAKING:
        return amount
    if kind != "asset_cost":
        return None
    if str(record.get("currency") or "USD").upper() == "USD":
        return -amount
    # In USD nobody can tell it here: what is added makes room for anything, a credit asks nothing.
    return None if amount < 0 else Decimal("-Infinity")
