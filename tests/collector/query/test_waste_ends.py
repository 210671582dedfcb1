"""The share of the work that was wasted, by both ends of estimated usage, and by unknown costs."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console
from tests.collector.settle import scene

from spanledger_collector.cli import agent as agent_verb
from spanledger_collector.cli import agents as agents_verb
from spanledger_collector.cli import quality as quality_verb
from spanledger_collector.cli import rework as rework_verb
from spanledger_collector.estimate import (
    Interval,
    Joint,
    part_interval,
    share_difference,
    share_interval,
    share_quotient,
)
from spanledger_collector.query import DirectReader, Estimate, Ledger
from spanledger_collector.query.waste import by_odds
from spanledger_collector.store import Connection, Store
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.pages import agent as agent_page
from spanledger_collector.web.pages import agents as agents_page
from spanledger_collector.web.pages import quality as quality_page
from spanledger_collector.web.parts import Figures, Page, Tabled

RUNS = 24
AT_LEAST, AT_MOST = "\N{GREATER-THAN OR EQUAL TO}", "\N{LESS-THAN OR EQUAL TO}"
NOW = datetime(2026, 11, 28, tzinfo=timezone.utc)
#: Tokens of the answer that was made again, of the one that was used, and their ends where the
#: usage was estimated; models of calls without a price: one that is used, one that is made again.


@dataclass(frozen=True, slots=True)
class Kind:
    """What the runs of a version are like."""

    wasted: int
    used: int
    wasted_ends: tuple[int, int] | None = None
    used_ends: tuple[int, int] | None = None
    unknown_used: bool = False
    unknown_wasted: bool = False


VERSIONS: Mapping[str, Kind] = {
    "told": Kind(20, 80),
    "guessed": Kind(10, 80, (5, 40), (60, 100)),
    "sure": Kind(4, 80, (3, 5)),
    "gap": Kind(20, 80, unknown_used=True),
    "lost": Kind(20, 80, unknown_wasted=True),
    "both": Kind(20, 80, unknown_used=True, unknown_wasted=True),
}


def _estimated(ends: tuple[int, int] | None) -> Mapping[str, Any]:
    if ends is None:
        return {}
    low, high = ends
    return {"usage_source": "estimated", "input_tokens_low": low, "input_tokens_high": high}


def _run(version: str, trace: int) -> list[scene.Row]:
    kind = VERSIONS[version]
    where: dict[str, Any] = {"trace": trace, "at": trace * 60}
    rows = [
        scene.span(1, 0, "agent", agent_name="redoes", agent_version=version, **where),
        scene.call(2, 1, (kind.wasted, 0), **where, **_estimated(kind.wasted_ends)),
        scene.call(3, 1, (_used(kind, trace), 0), rework_of=2, rework_reason="regenerated",
                   **where, **_estimated(kind.used_ends)),
    ]  # fmt: skip
    nobody: dict[str, Any] = {"request_model": "nobody-knows", **where}
    if kind.unknown_used and trace % 4 == 0:
        rows.append(scene.call(4, 1, (10, 0), **nobody))
    if kind.unknown_wasted and trace % 4 == 1:
        rows += [
            scene.call(5, 1, (10, 0), **nobody),
            scene.call(6, 1, (1, 0), rework_of=5, rework_reason="regenerated", **where),
        ]
    return rows


def _used(kind: Kind, trace: int) -> int:
    return kind.used + (0 if kind.used_ends else trace % 5)


def _older(connection: Connection) -> None:
    """A run as an older collector settled it: the ends of the whole alone."""
    row = {
        "workspace": "older", "trace_id": scene.hex32(9000), "run_id": "r", "agent_name": "was",
        "started_at": scene.moment(scene.START), "attempts": 3, "cost_usd": "10",
        "cost_low_usd": "8", "cost_high_usd": "13", "rework_cost_usd": "1", "version": 1,
        "inclusive_cost_usd": "10",
    }  # fmt: skip
    connection.insert_bytes("runs", json.dumps(row).encode(), "JSONEachRow")


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    traces = {
        1 + place * RUNS + number: version
        for place, version in enumerate(VERSIONS)
        for number in range(RUNS)
    }
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.01")])
        scene.load(connection, [row for t, version in traces.items() for row in _run(version, t)])
    scene.settle(module_store, list(traces))
    with module_store.connect() as connection:
        _older(connection)
    with Ledger(DirectReader(module_store)) as found:
        yield found


def _plain(version: str) -> tuple[float, Interval]:
    """The share of the known cost and its interval by runs, as if nothing were estimated."""
    place, kind = list(VERSIONS).index(version), VERSIONS[version]
    traces = range(1 + place * RUNS, 1 + (place + 1) * RUNS)
    wasted = [float(kind.wasted)] * RUNS
    again = [kind.unknown_wasted and trace % 4 == 1 for trace in traces]
    work = [kind.wasted + _used(kind, t) + float(one) for t, one in zip(traces, again, strict=True)]
    joint = Joint.of(wasted, work)
    return sum(wasted) / sum(work), part_interval(joint)


def _ends(version: str) -> tuple[float, float]:
    """Factors on the odds."""
    kind = VERSIONS[version]
    wasted, used = kind.wasted_ends or (kind.wasted,) * 2, kind.used_ends or (kind.used,) * 2
    at = kind.wasted / kind.used
    return wasted[0] / used[1] / at, wasted[1] / used[0] / at


def _moved(version: str, factor: float) -> tuple[float, Interval]:
    """The share and its interval, with so many times the odds."""
    share, told = _plain(version)
    assert told.low is not None
    assert told.high is not None
    ends = by_odds(told.low, factor), by_odds(told.high, factor)
    return by_odds(share, factor), Interval(*ends, told.level, told.n, told.method)


def _shares(ledger: Ledger, version: str) -> list[Estimate]:
    """Wherever the share of a version is told."""
    agent = {group.key: group for group in ledger.agent("redoes").groups}[version]
    (row,) = [one for one in ledger.agents() if one.agent_version == version]
    rates = {rate.key: rate for rate in ledger.rework(by="version").rates}
    compared = {one.name: one for one in ledger.compare("redoes", version, "told").figures} if (
        version != "told") else {"rework_share": None}  # fmt: skip
    side = compared["rework_share"]
    found = [agent.rework_share, row.rework_share, rates[f"redoes {version}"].rework_share]
    return found if side is None else [*found, side.old]


@pytest.mark.parametrize("version", ["told", "guessed", "sure"])
def test_a_share_is_between_the_ends_of_estimates(ledger: Ledger, version: str) -> None:
    share, plain = _plain(version)
    low, high = _ends(version)
    assert plain.low is not None
    assert plain.high is not None
    for told in _shares(ledger, version):
        assert float(told.value or 0) == pytest.approx(share)
        assert told.low is not None
        assert told.high is not None
        ends = (by_odds(plain.low, low), by_odds(plain.high, high))
        assert (float(told.low), float(told.high)) == pytest.approx(ends, rel=1e-6)
        assert told.method.endswith(", ends of estimates") == (version != "told")
        assert told.reason == ""


def test_a_multiplier_is_the_share_turned_around(ledger: Ledger) -> None:
    rates = {rate.key: rate for rate in ledger.rework(by="version").rates}
    told, group = rates["redoes guessed"], ledger.agent("redoes").groups
    (same,) = [one for one in group if one.key == "guessed"]
    for multiplier in (told.multiplier, same.rework_multiplier):
        assert told.rework_share.high is not None
        assert multiplier.high is not None
        expected = 1 / (1 - float(told.rework_share.high))
        assert float(multiplier.high) == pytest.approx(expected)


def test_unknown_costs_leave_a_share_one_end(ledger: Ledger) -> None:
    """Of work that was used: it is at most as known; of what was wasted: at least; else none."""
    _, plain = _plain("gap")
    for told in _shares(ledger, "gap"):
        assert told.low is None
        assert float(told.high or 0) == pytest.approx(plain.high)
        assert told.reason == "the cost of 6 used attempts is not known"
    _, plain = _plain("lost")
    for told in _shares(ledger, "lost"):
        assert told.high is None
        assert float(told.low or 0) == pytest.approx(plain.low)
        assert told.reason == "the cost of 6 wasted attempts is not known"
    for told in _shares(ledger, "both"):
        assert (told.low, told.high) == (None, None)
        assert told.reason == "the cost of 6 used and 6 wasted attempts is not known"
    out = _printed(lambda out: rework_verb.show(ledger.rework(by="version"), out))
    rates = out.partition("Why")[0].splitlines()
    lines = {line.split("  ")[0]: line for line in rates}
    assert f"{AT_MOST}19." in lines["redoes gap"]
    assert " or less" in lines["redoes gap"]
    assert f"{AT_LEAST}19." in lines["redoes lost"]
    assert " or more" in lines["redoes lost"]
    assert "or " not in lines["redoes both"].replace("redoes", "")
    # Of all work something is unknown in either, of what was wasted in one.
    for version, costs in (("told", 0), ("gap", 1), ("lost", 2), ("both", 2)):
        assert lines[f"redoes {version}"].count(f"{AT_LEAST}$") == costs


@pytest.mark.slow
def test_a_share_that_is_a_bound_is_marked_wherever_it_is_told(ledger: Ledger) -> None:
    """By agent and version, and of one agent; in the shell as on the pages."""
    asked = Asked("agents", {"by": "agent", "range": "all"}, NOW)
    page = {str(row[1]): row for row in _cells(agents_page.page(ledger, asked), "agents")}
    told = _printed(lambda out: out.print(agents_verb.tables(ledger.agents())))
    verdicts = told.partition("Is it worth it?")[2].partition("Why")[0].splitlines()
    for version, mark in (("told", ""), ("gap", AT_MOST), ("lost", AT_LEAST), ("both", "")):
        (line,) = [one for one in verdicts if f" {version} " in one]
        assert f" {mark}19." in line
        assert f" {mark}1.2" in line
        shown = [one.replace(" ", "") for one in page[version]]
        assert any(one.startswith(f"{mark}19.") for one in shown)
        assert any(one.startswith(f"{mark}1.2") for one in shown)
        report = ledger.agent("redoes", agent_version=version)
        printed = _printed(lambda out, report=report: agent_verb.show(report, out))
        assert re.search(rf"wasted of the work +{mark}19\.", printed)
        assert re.search(rf"rework multiplier +{mark}1\.2", printed)
        one = Asked("agent", {"agent": "redoes", "version": version, "range": "all"}, NOW)
        (figure,) = [
            figure
            for part in agent_page.page(ledger, one).parts if isinstance(part, Figures)
            for figure in part.figures if figure.title == "Wasted of the work"
        ]  # fmt: skip
        assert figure.text.replace(" ", "").startswith(f"{mark}19.")


@pytest.mark.parametrize("version", ["told", "guessed", "sure"])
def test_the_share_of_quality_is_between_the_same_ends(ledger: Ledger, version: str) -> None:
    """What was wasted is all that it is of, and nothing was paid but work."""
    (rate,) = [one for one in ledger.rework(by="version").rates if one.key == f"redoes {version}"]
    (row,) = [one for one in ledger.quality(by="version") if one.key == f"redoes {version}"]
    assert row.quality_share == rate.rework_share
    assert row.quality_share.method.endswith(", ends of estimates") == (version != "told")


def test_the_share_of_quality_has_the_end_that_holds(ledger: Ledger) -> None:
    """Here what was wasted is all that it is of."""
    rows = {row.key: row for row in ledger.quality(by="version")}
    for version, ends in (("gap", (False, True)), ("lost", (True, False)), ("both", (False,) * 2)):
        row, (_, plain) = rows[f"redoes {version}"], _plain(version)
        share = row.quality_share
        assert (share.low is not None, share.high is not None) == ends
        found, expected = (share.low, plain.low) if ends[0] else (share.high, plain.high)
        assert not any(ends) or float(found or 0) == pytest.approx(expected)
        attempts = row.unknown_cost_attempts
        assert attempts == (12 if version == "both" else 6)
        assert share.reason == f"the cost of {attempts} attempts is not known"
    told = _printed(lambda out: out.print(quality_verb.table(list(rows.values()), "version")))
    asked = Asked("quality", {"by": "version", "range": "all"}, NOW)
    page = {str(row[0]): row for row in _cells(quality_page.page(ledger, asked), "quality")}
    for version, mark in (("told", ""), ("gap", AT_MOST), ("lost", AT_LEAST), ("both", "")):
        (line,) = [one for one in told.splitlines() if f"redoes {version} " in one]
        assert f" {mark}19." in line
        shown = [one.replace(" ", "") for one in page[f"redoes {version}"]]
        assert any(one.startswith(f"{mark}19.") for one in shown)


def _printed(show: Callable[[Console], None]) -> str:
    out = Console(file=io.StringIO(), width=300, record=True)
    show(out)
    return out.export_text()


def _cells(page: Page, table: str) -> list[list[str]]:
    """The texts of a table of a page."""
    (found,) = [
        part.table for part in page.parts if isinstance(part, Tabled) and part.table.id == table
    ]
    return [[cell.text for cell in cells] for _, cells, _ in found.body()]


def test_a_difference_that_estimates_could_turn_is_not_claimed(ledger: Ledger) -> None:
    """20 % against 11 %, by the runs surely less; by the ends of usage it is 5 to 40 %."""
    found = {one.name: one for one in ledger.compare("redoes", "told", "guessed").figures}
    wasted = found["rework_share"]
    (p, a), (q, b) = _plain("told"), _plain("guessed")
    runs_alone = share_difference((p, a), (q, b))
    assert runs_alone.excludes(0)
    assert wasted.verdict == "too few data"
    assert wasted.difference.reason == "estimates could turn it"
    assert (wasted.more_runs_old, wasted.more_runs_new) == (None, None)
    low, high = _ends("guessed")

    least, most = _moved("guessed", low), _moved("guessed", high)
    expected = share_difference((p, a), least).low, share_difference((p, a), most).high
    assert wasted.difference.low is not None
    assert wasted.difference.high is not None
    ends = float(wasted.difference.low), float(wasted.difference.high)
    assert ends == pytest.approx(expected, rel=1e-6)
    sure = {one.name: one for one in ledger.compare("redoes", "told", "sure").figures}
    assert sure["rework_share"].verdict == "lower"
    assert sure["rework_share"].difference.method.endswith(", ends of estimates")


def test_ratios_of_shares_have_the_doubt_of_both(ledger: Ledger) -> None:
    """All runs of both succeeded; the shares wasted are by the ends of usage, too."""
    found = {one.name: one for one in ledger.compare("redoes", "told", "guessed").figures}
    success, wasted = found["success_rate"].ratio, found["rework_share"].ratio
    everyone = 1.0, share_interval(RUNS, RUNS)
    both = share_quotient(everyone, everyone)
    assert (float(success.low or 0), float(success.high or 0)) == pytest.approx(
        (both.low, both.high)
    )
    low, high = _ends("guessed")
    expected = (
        share_quotient(_plain("told"), _moved("guessed", low)).low,
        share_quotient(_plain("told"), _moved("guessed", high)).high,
    )
    assert (float(wasted.low or 0), float(wasted.high or 0)) == pytest.approx(expected)
    assert wasted.method.endswith(", ends of estimates")


def test_a_difference_that_unknown_costs_cannot_turn_is_told(ledger: Ledger) -> None:
    """Of a version whose wasted cost is at least 20 %, and one of 5 % by all ends."""
    found = {one.name: one for one in ledger.compare("redoes", "sure", "lost").figures}
    assert found["rework_share"].verdict == "higher"
    assert found["rework_share"].difference.value is None
    found = {one.name: one for one in ledger.compare("redoes", "sure", "gap").figures}
    assert found["rework_share"].verdict == "too few data"


def test_sums_of_all_agents_are_between_the_same_ends(ledger: Ledger) -> None:
    """By trace, with every version in it: nothing is told beside attempts of both kinds unknown."""
    (total,) = ledger.sums_by("total")
    assert (total.rework_share.low, total.rework_share.high) == (None, None)
    assert total.rework_share.reason == ("the cost of 12 used and 12 wasted attempts is not known")


def test_runs_of_an_older_collector_are_as_far_off_as_their_whole_cost(ledger: Ledger) -> None:
    older = Ledger(ledger._reader, workspace="older")
    sums = older.agent("was").total.sums
    ends = (
        sums.rework_cheaper_usd, sums.rework_dearer_usd, sums.used_cheaper_usd,
        sums.used_dearer_usd,
    )  # fmt: skip
    assert ends == (1, 3, 2, 3)


def test_odds() -> None:
    assert by_odds(0.2, 2) == pytest.approx(1 / 3)
    assert by_odds(0.0, 2) == 0
    assert by_odds(0.2, math.inf) == 1
    assert Decimal(str(by_odds(1.0, 0.5))) == 1
