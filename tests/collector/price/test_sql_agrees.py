"""The hand-checked bills once more, through the ledger: spans in, settled attempts out.

The SQL of settling is the only price arithmetic of the product; ``oracle`` is the second opinion.
"""

from datetime import datetime, timezone
from decimal import Decimal
from typing import cast

import pytest
from tests.collector.price import test_cases as bills
from tests.collector.price.oracle import UNITS
from tests.collector.settle import scene

from spanledger_collector.price import PriceBook, publish
from spanledger_collector.store import Connection, Store

_RECEIVED = datetime(2100, 1, 1, tzinfo=timezone.utc)


def _span(number: int, case: dict[str, str]) -> scene.Row:
    """The call as the loader writes it: audio and images are part of input and output."""
    usage = bills.usage(case)
    started = scene.moment(datetime.fromisoformat(case["timestamp"]))
    return scene.call(
        number,
        provider=case["provider"],
        request_model=case["model"],
        service_tier=bills.tier(case),
        attributes={"spanledger.inference.region": case["geo"] or case["region"]},
        started_at=started,
        ended_at=started,
        received_at=scene.moment(_RECEIVED),
        input_uncached_tokens=usage.input_uncached + usage.audio_input + usage.image_input,
        cache_read_tokens=usage.cache_read + usage.audio_cache_read,
        cache_write_5m_tokens=usage.cache_write_5m,
        cache_write_1h_tokens=usage.cache_write_1h,
        output_tokens=usage.output + usage.audio_output + usage.image_output,
        units={unit: count for unit in UNITS if (count := getattr(usage, unit))},
    )


def _settled(
    connection: Connection, store: Store, book: PriceBook, cases: list[dict[str, str]]
) -> dict[str, scene.Row]:
    publish(connection, book)
    scene.load(connection, [_span(number, case) for number, case in enumerate(cases, 1)])
    settler = scene.settler(store, resolve=book.resolve, book_id=book.book_id)
    try:
        settler.settle_traces([("default", scene.hex32(1))])
    finally:
        settler.stop(drain=False)
    rows = {int(str(row["span_id"]), 16): row for row in scene.attempts(connection)}
    return {case["case_id"]: rows[number] for number, case in enumerate(cases, 1)}


@pytest.mark.slow
def test_the_ledger_bills_what_the_oracle_bills(store: Store, book: PriceBook) -> None:
    """Every case: the same cost to the last digit, the same price row, or no price at all."""
    cases = bills.cases()
    with store.connect() as connection:
        attempts = _settled(connection, store, book, cases)
    for case in cases:
        name, attempt = case["case_id"], attempts[case["case_id"]]
        bill = bills.priced(book, case)
        if bill.cost is None:
            assert attempt["price_status"] in ("unpriced", "partial", "unmetered"), name
        else:
            assert bill.row is not None
            assert attempt["price_status"] == "priced", name
            assert attempt["price_id"] == bill.row.price_id, name
            assert cast("Decimal", attempt["cost_usd"]) == bill.cost, name
