"""The kind of an asset is that of its costs; an heir that has none has its giver's."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from spanledger_collector.export import export
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

from . import scene
from .booked import books_of, clock, entered, ran, settled

KINDS = {
    "set-1": "evaluation", "tuned": "training", "set-2": "evaluation", "set-3": "evaluation",
    "own": "hosting",
}  # fmt: skip


def _moved(number: int, arrives: int, happened: int, **told: str) -> scene.Row:
    times = {"started_at": clock(happened), "ended_at": clock(happened)}
    return entered(number, arrives, "transfer", **told) | times


def _books() -> list[list[scene.Row]]:
    """Evaluation, 10 USD for 10 runs; after 2 of them a third of what is left goes elsewhere.

    1 to `tuned`, said to be trained with; 1 to `set-2` and half of that to `set-3`, which nobody
    says anything of, the second known first; 0.50 to `own`, which costs of its own say the kind of.
    """
    plan = {"method": "x", "unit": "execution", "expected_units": 10, "agent__name": "q"}
    return [
        [
            entered(1, 0, "cost", amount="10", kind="evaluation", id="set-1"),
            entered(2, 0, "plan", id="set-1", **plan),
            entered(3, 0, "cost", amount="1", kind="hosting", id="own"),
            entered(4, 0, "plan", id="set-3", **plan),
        ],
        [*ran(1, 1, "q"), *ran(2, 1, "q")],
        [_moved(5, 2, 3, id="set-2", to="set-3", amount="0.5")],
        [
            _moved(6, 3, 2, id="set-1", to="tuned", amount="1", kind="training"),
            _moved(7, 3, 2, id="set-1", to="set-2", amount="1"),
            _moved(8, 3, 2, id="set-1", to="own", amount="0.5", kind="training"),
        ],
        [*ran(3, 4, "q"), *ran(4, 4, "q")],
    ]


@pytest.mark.slow
def test_what_an_asset_is_for_survives_a_transfer(store: Store, tmp_path: Path) -> None:
    """2 runs at 1 USD, 2 at 5.50 / 8, with 0.05 of the heir each: all of it is appraisal."""
    appraisal = {"set-1": Decimal("3.375"), "set-3": Decimal("0.1")}
    with store.connect() as connection:
        settled(store, connection, *_books())
        assert {name: books_of(connection, name)["kind"] for name in KINDS} == KINDS
    with Ledger(DirectReader(store)) as ledger:
        shares = {
            (share.asset_id, share.kind): share.charged_usd for share in ledger.asset_shares()
        }
        assert shares == {(name, "evaluation"): usd for name, usd in appraisal.items()}
        (quality,) = ledger.quality(by="agent")
        assert quality.amortized_appraisal_usd == sum(appraisal.values())
        export(ledger, tmp_path / "focus.csv", "focus", grain="day")
    with (tmp_path / "focus.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("x_AmortizedTrainingCost", "x_AmortizedOtherCost")
    sums = [sum(Decimal(row[column]) for row in rows) for column in columns]
    assert sums == [0, sum(appraisal.values())]
