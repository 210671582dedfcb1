"""What was billed stays: an operator's file that changes never changes the price of an old call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.settle import scene

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook, publish
from spanledger_collector.price.bookfile import Contents
from spanledger_collector.price.document import read
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Connection, Store

_PRICE = (
    "- {{provider: acme, model: {}, valid_from: {}, why: list,"
    ' usd_per_million_tokens: {{input: "{}"}}}}\n'
)
_FIRST = (
    "prices:\n"
    + _PRICE.format("m1", "2026-01-01", "3.5")
    + _PRICE.format("m2", "2026-01-01", "8")
    + _PRICE.format("m3", "2026-01-01", "2").replace("usd_per", "currency: EUR, per")
)
_CHEAPER = _PRICE.format("m1", "2026-06-01", "1.1")
_LATER = """
adjustments:
- {provider: acme, models: [m2], factor: "0.5", valid_from: 2026-03-01, why: contract}
fx:
- {currency: EUR, usd: "1.5", valid_from: 2026-11-01}
"""


@pytest.fixture(name="operator")
def _operator(store: Store, tmp_path: Path) -> Iterator[Operator]:
    with store.connect() as connection:
        yield Operator(store, connection, tmp_path / "prices.yaml")


class Operator:
    """Somebody with a file of prices, and a collector that is started again when it changes."""

    def __init__(self, store: Store, connection: Connection, path: Path) -> None:
        self.store, self.connection, self.path = store, connection, path

    def call(
        self, trace: int, models: Sequence[str], *, now: bool = False, **given: object
    ) -> None:
        """A trace with a call of each model, of 1,000 tokens, long ago or received now."""
        if now:
            given["received_at"] = scene.moment(datetime.now(timezone.utc) + timedelta(seconds=1))
        calls = [
            scene.call(number, 0, (1000, 0), trace=trace, request_model=model, **given)
            for number, model in enumerate(models, 1)
        ]
        scene.load(self.connection, calls)

    def settle(self, text: str, trace: int) -> list[str | None]:
        """Start with this file and settle a trace, again or for the first time: what it costs."""
        self.path.write_text(text)
        book = PriceBook(Contents(), "base", read(self.path))
        publish(self.connection, book)
        settler = scene.settler(self.store, resolve=book.resolve, book_id=book.book_id)
        settler.settle_traces([("default", scene.hex32(trace))])
        settler.stop(drain=False)
        costs = [row["cost_usd"] for row in scene.attempts(self.connection, trace)]
        return [None if usd is None else f"{usd.normalize():f}" for usd in costs]

    def known(self, at: datetime | None = None) -> Decimal | None:
        """All calls as known then, or now."""
        with Ledger(DirectReader(self.store)) as ledger:
            (row,) = ledger.reprice(as_known_at=at)
        return row.repriced_usd


@pytest.mark.slow
def test_backdated_entries_change_only_what_is_known_now(operator: Operator) -> None:
    """A price, a discount, a rate of a currency: known from the day the ledger learned of it."""
    models = ["m1", "m2", "m3"]
    operator.call(1, models)
    old = ["0.0035", "0.008", None]
    assert operator.settle(_FIRST, 1) == old
    before = datetime.now(timezone.utc)
    assert operator.settle(_FIRST + _CHEAPER + _LATER, 1) == old
    assert operator.known() == Decimal("0.0011") + Decimal("0.004") + Decimal("0.003")
    assert operator.known(before) == Decimal("0.0115")
    operator.call(2, models, now=True)
    assert operator.settle(_FIRST + _CHEAPER + _LATER, 2) == ["0.0011", "0.004", "0.003"]
    assert operator.settle(_FIRST + _CHEAPER + _LATER, 1) == old
    # And what was learned so is not edited in place either.
    with pytest.raises(ConfigurationError, match=r"acme/m1 from 2026-06-01 was edited in place"):
        operator.settle(_FIRST + _CHEAPER.replace("1.1", "9") + _LATER, 1)
    with pytest.raises(ConfigurationError, match=r"rate of EUR for 2026-11-01 was edited in place"):
        operator.settle(_FIRST + _CHEAPER + _LATER.replace("1.5", "1.6"), 1)


@pytest.mark.slow
def test_an_alias_edited_in_place_changes_no_bill(operator: Operator) -> None:
    """It is another answer from then on; a dated entry moves the name for calls from its day."""
    text = _FIRST + "aliases:\n- {provider: acme, id: prod, model: m2}\n"
    edited = text.replace("model: m2}", "model: m1}")
    dated = text + "- {provider: acme, id: prod, model: m1, valid_from: 2026-11-03}\n"
    operator.call(1, ["prod"])
    assert operator.settle(text, 1) == ["0.008"]
    before = datetime.now(timezone.utc)
    assert operator.settle(edited, 1) == ["0.008"]
    assert (operator.known(before), operator.known()) == (Decimal("0.008"), Decimal("0.0035"))
    operator.call(2, ["prod"], now=True)
    assert operator.settle(edited, 2) == ["0.0035"]
    assert operator.settle(text, 1) == ["0.008"]
    assert operator.settle(dated, 1) == ["0.008"]
    assert operator.known(before) == Decimal("0.016")
    operator.call(3, ["prod"], now=True, started_at=scene.moment(scene.START + timedelta(days=2)))
    operator.call(4, ["prod"], now=True)
    assert (operator.settle(dated, 3), operator.settle(dated, 4)) == (["0.0035"], ["0.008"])
    with Ledger(DirectReader(operator.store)) as ledger:
        (explained,) = ledger.explain(scene.hex32(3))
    assert "name: acme/prod means that from 2026-11-03; known from " in " ".join(explained.reasons)
