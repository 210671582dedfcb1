"""Write-offs and transfers that ask more than an asset has are refused before they are sent.

The ledger itself grants no more than is left, whenever an entry arrives; here whoever asks is told
at once. What was acknowledged in the last seconds may not be in the books yet. An entry with a name
may be one that is told again, which asks nothing: it is left to the ledger.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from .recording import Recorded, Rejected
from .rows import AssetRow

_TAKING: Final = ("asset_transfer", "asset_write_off")


def takes_capital(record: Mapping[str, object]) -> bool:
    """Whether a record asks for a certain amount of what is left of an asset."""
    return (
        record.get("kind") in _TAKING and bool(record.get("amount")) and not record.get("record_id")
    )


def asking_too_much(
    records: Sequence[Mapping[str, object]], assets: Sequence[AssetRow]
) -> list[Rejected]:
    """The records that ask more than is left by the books and by the records before them.

    Args:
        records: in the order they are told.
        assets: the books now; an asset that is not in them is asked nothing.
    """
    left = {row.asset_id: row.net_book_value_usd for row in assets}
    rejected: list[Rejected] = []
    for place, record in enumerate(records):
        asset, amount = str(record.get("asset", "")), _amount(record)
        if amount is None or asset not in left:
            continue
        if record.get("kind") == "asset_cost":
            # Of another currency nobody can tell here: asked nothing from then on.
            in_usd = str(record.get("currency") or "USD").upper() == "USD"
            left[asset] = left[asset] + amount if in_usd else Decimal("Infinity")
        elif takes_capital(record) and amount > left[asset]:
            rejected.append(
                Rejected(
                    place,
                    f"{amount:f} USD of asset {asset!r} is more than the {left[asset]:f} USD that "
                    "are left of it; give at most that, or book the missing cost first",
                )
            )
        elif record.get("kind") in _TAKING:
            left[asset] -= amount
    return rejected


def _amount(record: Mapping[str, object]) -> Decimal | None:
    try:
        return Decimal(str(record.get("amount")))
    except InvalidOperation:
        return None  # the collector says what is wrong with it


def with_rejected(recorded: Recorded, refused: Sequence[Rejected], sent: Sequence[int]) -> Recorded:
    """What became of all records, when those at these places only were sent."""
    rejected = [Rejected(sent[one.index], one.reason) for one in recorded.rejected]
    return Recorded(recorded.record_ids, sorted((*rejected, *refused), key=lambda one: one.index))
