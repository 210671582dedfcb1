"""Hand-checked bills against the shipped book.

``data/price_cases.csv``: each row a call and what the provider's published prices make of it, with
the evidence. Every row is reproduced, to the last digit; where none can know, there is no amount.
"""

import csv
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.price.oracle import Price, Usage, price

from spanledger_collector.price import PriceBook

_CASES = Path(__file__).with_name("data") / "price_cases.csv"
#: Everything that any book knows.
_NOW = datetime(2100, 1, 1, tzinfo=timezone.utc)
_UNPRICED = "UNPRICED"


def cases() -> list[dict[str, str]]:
    with _CASES.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def usage(case: Mapping[str, str]) -> Usage:
    """Disjoint buckets from totals that contain their parts."""
    number = {name: int(value) for name, value in case.items() if value.isdecimal()}
    cached = number["cache_read"] + number["cache_write_5m"] + number["cache_write_1h"]
    audio = number["audio_in"] - number["audio_cached"]
    return Usage(
        input_uncached=max(0, number["input_total"] - cached - audio - number["image_in"]),
        cache_read=number["cache_read"] - number["audio_cached"],
        cache_write_5m=number["cache_write_5m"],
        cache_write_1h=number["cache_write_1h"],
        output=number["output_total"] - number["audio_out"] - number["image_out"],
        audio_input=audio,
        audio_output=number["audio_out"],
        web_searches=number["web_searches"],
        audio_cache_read=number["audio_cached"],
        image_input=number["image_in"],
        image_output=number["image_out"],
        audio_seconds=number["audio_seconds"],
        characters=number["characters"],
        search_units=number["rerank_searches"],
    )


def tier(case: Mapping[str, str]) -> str:
    return "batch" if case["batch"] == "True" else case["tier"] or case["speed"]


def priced(book: PriceBook, case: Mapping[str, str]) -> Price:
    match = book.resolve(case["provider"], case["model"])
    rows = [r for r in book.rows() if (r.provider, r.model) == (match.provider, match.model)]
    at = datetime.fromisoformat(case["timestamp"])
    return price(rows, tier(case), at, usage(case), _NOW, region=case["geo"] or case["region"])


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["case_id"])
def test_the_book_reproduces_the_bill(book: PriceBook, case: dict[str, str]) -> None:
    """The exact amount, or no amount where none can be known."""
    cost = priced(book, case).cost
    verdict = None if case["verdict_usd"] == _UNPRICED else Decimal(case["verdict_usd"])
    assert cost == verdict


def test_an_unknown_bill_is_never_a_zero(book: PriceBook) -> None:
    """Where the book cannot tell, it says so: no call with usage costs nothing."""
    for case in cases():
        assert priced(book, case).cost != 0, case["case_id"]
