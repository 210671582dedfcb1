"""Rates of GPUs of one's own: on demand, reserved, spot, owned."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook, PriceRow

_RATES = """
gpu_hours:
  - { gpu: chat, usd_per_hour: "2.95", valid_from: 2026-11-01, why: on demand }
  - { gpu: chat, usd_per_hour: "1.25", valid_from: 2026-11-10, why: spot }
  - gpu: lab
    valid_from: 2026-01-01
    owned:
      capex_usd: "240000"
      salvage_usd: "20000"
      life_hours: 40000
      kilowatts: "5"
      pue: "1.2"
      usd_per_kwh: "0.15"
      hosting_usd_per_hour: "1.10"
    why: bought in December
  - gpu: year
    valid_from: 2026-01-01
    reserved: { upfront_usd: "8760", hourly_usd: "1.10", term_hours: 8760 }
    why: a year, half of it paid at once
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "prices.yaml"
    path.write_text(text)
    return path


def _holding(book: PriceBook, name: str, day: int) -> PriceRow:
    """The row of a GPU that holds on a day of November."""
    at = datetime(2026, 11, day, tzinfo=timezone.utc)
    rows = sorted(
        (row for row in book.rows() if row.key[:2] == ("gpu", name)), key=lambda row: row.known_from
    )
    newest = {row.row_key: row for row in rows}
    (row,) = [row for row in newest.values() if row.valid_from <= at < row.valid_to]
    return row


def test_a_series_of_spot_prices_is_dated(tmp_path: Path) -> None:
    """Each holds until the next; exact, for an hour of 3600 GPU seconds."""
    book = PriceBook.shipped(_file(tmp_path, _RATES))
    ends = {day: _holding(book, "chat", day).rates.units["gpu_seconds"] for day in (9, 10)}
    assert ends == {9: (Decimal("2.95"), 3600), 10: (Decimal("1.25"), 3600)}


def test_owned_hardware_by_its_life_and_power(tmp_path: Path) -> None:
    """220,000 over 40,000 hours, 5 kW x 1.2 x 0.15, and 1.10 for its place: 7.50 an hour."""
    book = PriceBook.shipped(_file(tmp_path, _RATES))
    assert _holding(book, "lab", 5).rates.units["gpu_seconds"].usd == Decimal("7.50")


def test_reserved_capacity_by_its_term(tmp_path: Path) -> None:
    """8760 for a year of hours, and 1.10 for each: 2.10 an hour, used or not."""
    book = PriceBook.shipped(_file(tmp_path, _RATES))
    assert _holding(book, "year", 5).rates.units["gpu_seconds"].usd == Decimal("2.10")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            'usd_per_hour: "1", owned: {capex_usd: "1", life_hours: 1}',
            "either usd_per_hour or owned",
        ),
        (
            'owned: {capex_usd: "1", life_hours: 1}, reserved: {term_hours: 1}',
            "either usd_per_hour or owned or reserved",
        ),
        ('owned: {capex_usd: "1", life_hours: 0}', "life_hours"),
        ('reserved: {upfront_usd: "1", term_hours: 0}', "term_hours"),
        ("usd_per_hour: 2.95", "quoted string"),
    ],
)
def test_a_mistake_is_told_with_its_entry(tmp_path: Path, entry: str, message: str) -> None:
    text = f"gpu_hours: [{{gpu: chat, valid_from: 2026-11-01, why: x, {entry}}}]"
    with pytest.raises(ConfigurationError, match=f"gpu_hours, entry 1.*{message}"):
        PriceBook.shipped(_file(tmp_path, text))
