"""The part of the worked example on two versions: compared, paid back, written off, by tenant."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.settle import scene

from spanledger_collector.query import DirectReader, Estimate, Ledger
from spanledger_collector.store import Connection, Store

PAGE = (Path(__file__).parents[2] / "docs" / "worked-example.md").read_text()
SECTION = PAGE.partition("## Two versions: compared")[2].partition("\n## ")[0]
#: Asset -> paid, came in, went on, charged, written off, left.
ASSETS = {
    row[0]: tuple(map(Decimal, row[1:]))
    for row in re.findall(
        r"^\| (first|second) " + r"\| ([0-9.]+) " * 6 + r"\| [^|]+\|$", SECTION, re.MULTILINE
    )
}
#: Question -> the answer, and both ends where it has any.
ANSWERS = {
    question: tuple(float(end) for end in ends if end)
    for question, *ends in re.findall(
        r"^\| ([a-z0-9 ]+) \| (-?[0-9.]+) \| (?:(-?[0-9.]+) to (-?[0-9.]+) )?\| [^|]+\|$",
        SECTION,
        re.MULTILINE,
    )
}
#: Student's t of 16.18 degrees of freedom, between those of 16 and 17 in any printed table.
T16 = 2.1180
#: trace -> tokens: twelve runs of version 1, and twelve of version 2.
TOKENS = {
    trace: (1 if trace <= 12 else 0.5) * (2000 if trace % 2 else 4000) for trace in range(1, 25)
}


def _asset(number: int, minute: int, name: str, entry: str, **told: str) -> scene.Row:
    told = {"id": name, "entry": entry} | told
    attributes = {f"spanledger.asset.{key.replace('__', '.')}": text for key, text in told.items()}
    row = scene.span(1, 0, "record", trace=100 + number, lasts=0, attributes=attributes)
    return row | {"received_at": scene.moment(scene.START + timedelta(minutes=minute))}


def _runs(version: str, minute: int) -> list[scene.Row]:
    rows: list[scene.Row] = []
    for trace in range(1, 13) if version == "1" else range(13, 25):
        where = {"trace": trace, "at": trace * 60}
        rows += [
            scene.span(
                1, 0, "agent", agent_name="clerk", agent_version=version,
                tenant="a" if trace % 2 else "b",
                attributes={"spanledger.outcome": "success"}, **where,
            ),
            scene.call(2, 1, (int(TOKENS[trace]), 0), **where),
        ]  # fmt: skip
    received = scene.moment(scene.START + timedelta(minutes=minute))
    return [row | {"received_at": received} for row in rows]


def _make(store: Store, connection: Connection) -> None:
    scene.publish(connection, [scene.price(input="0.00001"), scene.price("m2", input="0.000005")])
    plan = {"unit": "execution", "method": "x", "agent__name": "clerk"}
    first = [
        _asset(1, 0, "first", "cost", amount="0.50", kind="training"),
        _asset(2, 0, "first", "plan", expected_units="50", agent__version="1", **plan),
    ]
    second = [
        _asset(3, 60, "second", "cost", amount="0.30", kind="training"),
        _asset(4, 61, "first", "transfer", to="second", amount="0.18", kind="training"),
        _asset(5, 62, "first", "write_off", amount="0.20"),
        _asset(6, 63, "second", "plan", expected_units="96", agent__version="2", **plan),
    ]
    for rows in (first, _runs("1", 30), second, _runs("2", 90)):
        scene.load(connection, rows)
        scene.settle(store, sorted({int(str(row["trace_id"]), 16) for row in rows}))


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    with module_store.connect() as connection:
        _make(module_store, connection)
    with Ledger(DirectReader(module_store)) as found:
        yield found


def test_the_assets_are_what_the_page_says(ledger: Ledger) -> None:
    paid = {"first": (Decimal("0.5"), Decimal(0), Decimal("0.18")),
            "second": (Decimal("0.3"), Decimal("0.18"), Decimal(0))}  # fmt: skip
    found = {
        row.asset_id: (
            *paid[row.asset_id], row.charged_usd, row.written_off_usd, row.net_book_value_usd
        )
        for row in ledger.assets()
    }  # fmt: skip
    assert found == ASSETS
    for name, (cost, came, went, charged, lost, left) in ASSETS.items():
        assert cost + came - went - charged - lost == left, name


def _told(estimate: Estimate) -> tuple[float, ...]:
    ends = (estimate.value, estimate.low, estimate.high)
    return tuple(float(end) for end in ends if end is not None)


@pytest.mark.slow
def test_the_answers_are_what_the_page_says(ledger: Ledger) -> None:
    figures = {one.name: one for one in ledger.compare("clerk", "1", "2").figures}
    success, run = figures["cost_per_success"], figures["total_cost_per_run"]
    assert (run.verdict, success.verdict) == ("cheaper", "too few data")
    assert float(success.old.high or 0) == pytest.approx(0.0678, abs=1e-4)
    assert _told(success.new)[1:] == pytest.approx((0.0161, 0.0339), abs=1e-4)
    (paid,) = ledger.agent("clerk").paybacks
    by_tenant = {row.key: float(row.total_cost_usd or 0) for row in ledger.sums_by("tenant")}
    (model,) = [
        s for s in ledger.what_if("clerk", models=[("acme", "m2")]).scenarios if s.kind == "model"
    ]
    found = {
        "a success of version 1": _told(success.old)[:1],
        "a success of version 2": _told(success.new)[:1],
        "difference of a run": _told(run.difference),
        "saved a run": _told(paid.saving_per_run),
        "runs that pay version 2 back": _told(paid.runs_by_saving),
        "total cost of tenant a": (by_tenant["a"],),
        "total cost of tenant b": (by_tenant["b"],),
        "another model saves": (float(model.saved_usd or 0),),
    }
    assert found.keys() == ANSWERS.keys()
    for name, ends in found.items():
        assert ANSWERS[name] == pytest.approx(ends, abs=1e-6), name


def test_a_pencil_says_the_same() -> None:
    """The formulas of the page, without the ledger."""
    cost = {trace: tokens / 100_000 for trace, tokens in TOKENS.items()}
    sides = [[cost[trace] for trace in runs] for runs in (range(1, 13), range(13, 25))]
    means = [sum(side) / 12 for side in sides]
    spread = [
        sum((one - mean) ** 2 for one in side) / 11 for side, mean in zip(sides, means, strict=True)
    ]
    assert [round(one, 6) for one in spread] == [0.000109, 0.000027]
    off = T16 * math.sqrt(sum(spread) / 12)
    saved, paid = means[0] - means[1], 0.30 + 0.18
    share = {trace: 0.01 if trace <= 12 else paid / 96 for trace in cost}
    tenants = [
        sum(cost[trace] + share[trace] for trace in cost if trace % 2 == odd) for odd in (1, 0)
    ]
    found = {
        "a success of version 1": (means[0] + 0.01,),
        "a success of version 2": (means[1] + paid / 96,),
        "difference of a run": (-0.02, -0.02 - off, -0.02 + off),
        "saved a run": (saved, saved - off, saved + off),
        "runs that pay version 2 back": (
            round(paid / saved), math.ceil(paid / (saved + off)), math.ceil(paid / (saved - off)),
        ),
        "total cost of tenant a": (tenants[0],),
        "total cost of tenant b": (tenants[1],),
        "another model saves": (sum(cost.values()) / 2,),
    }  # fmt: skip
    assert found.keys() == ANSWERS.keys()
    for name, ends in found.items():
        assert ANSWERS[name] == pytest.approx(ends, abs=3e-6), name
