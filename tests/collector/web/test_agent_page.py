"""The page of one agent asks the ledger each question once, and few of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest

from spanledger_collector.query import DirectReader, GroupBy, Ledger
from spanledger_collector.query.economics import groups
from spanledger_collector.store import Store
from spanledger_collector.web import figures
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.pages import PAGES
from spanledger_collector.web.render import render

NOW = datetime(2026, 11, 7, tzinfo=timezone.utc)


class Counting(DirectReader):
    """A reader that counts what it is asked."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked: Counter[tuple[str, str]] = Counter()

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
        self.asked[name, repr(sorted(parameters.items()))] += 1
        return super().rows(name, parameters)


@pytest.mark.parametrize("by", ["version", "tenant"])
def test_no_question_is_asked_twice(shown: Store, by: str) -> None:
    """Report and comparison stand on the same pass over the runs."""
    reader = Counting(shown)
    with Ledger(reader) as ledger:
        asked = Asked("agent", {"agent": "analyst", "by": by, "range": "all"}, NOW)
        page = PAGES["agent"](ledger, asked)
    assert any("Compare" in getattr(part, "title", "") for part in page.parts)
    assert set(reader.asked.values()) == {1}
    passes = Counter(name for name, _ in reader.asked)
    # The page of an agent with an asset of one version needs its versions as well.
    assert passes["agent_statistics"] == (1 if by == "version" else 2)


@pytest.mark.parametrize("name", ["agent", "agents", "overview", "latency"])
def test_money_below_zero_has_one_sign(written: Store, name: str) -> None:
    """In figures and in sentences alike; what programs read keeps the sign that they know."""
    with Ledger(DirectReader(written)) as ledger:
        asked = Asked(name, {"agent": "writer", "range": "all"}, NOW)
        page = PAGES[name](ledger, asked)
    shown = re.sub(r"<[^>]*>", " ", render(page, asked))
    assert "\N{MINUS SIGN}$" in shown
    assert "-$" not in shown
    if name in ("agent", "agents"):
        assert re.search("margin a run \N{MINUS SIGN}\\$[0-9.]+ to ", shown)


def test_the_sign_of_money_in_a_sentence_is_that_of_figures() -> None:
    """Whoever wrote it; a hyphen inside a name is none."""
    assert figures.prose("-$3 to -$0.50 (-$1), claude-$5, 3-$4 and -5") == (
        "\N{MINUS SIGN}$3 to \N{MINUS SIGN}$0.50 (\N{MINUS SIGN}$1), claude-$5, 3-$4 and -5"
    )


@pytest.mark.parametrize(("agent", "with_assets"), [("writer", True), ("tiny", False)])
def test_by_model_the_attempts_are_read_once(written: Store, agent: str, with_assets: bool) -> None:
    """And what assets are earned back by is asked only of an agent that some serve."""
    reader = Counting(written)
    with Ledger(reader) as ledger:
        asked = Asked("agent", {"agent": agent, "by": "model", "range": "all"}, NOW)
        page = PAGES["agent"](ledger, asked)
    assert any("Compare" in getattr(part, "title", "") for part in page.parts) == with_assets
    by_model = [name for name, told in reader.asked if "('by', 'model" in told]
    assert by_model == ["agent_statistics"]
    assert any(name == "asset_contributions" for name, _ in reader.asked) == with_assets


@pytest.mark.slow
@pytest.mark.parametrize("by", ["version", "tenant", "model"])
@pytest.mark.parametrize("narrowed", [{}, {"agent_version": "2"}, {"tenant": "acme"}])
def test_groups_and_total_of_one_pass_are_those_of_two(
    ledger: Ledger, by: GroupBy, narrowed: dict[str, str]
) -> None:
    """All runs and each group, as if they had been asked for alone."""
    version, tenant = narrowed.get("agent_version", ""), narrowed.get("tenant", "")
    report = ledger.agent("analyst", by=by, agent_version=version, tenant=tenant)
    alone = [one.economics() for one in groups(ledger.query, "analyst", narrowed, by)]
    (total,) = groups(ledger.query, "analyst", narrowed, "total")
    assert report.groups == alone
    assert report.total == total.economics()


def test_a_remembering_ledger_gives_its_own_copies(ledger: Ledger) -> None:
    """What one reader does to its rows is not seen by the next."""
    once = ledger.remembering()
    first = once.query("agents")
    kept = [dict(row) for row in first]
    first[0].clear()
    assert once.query("agents") == kept == ledger.query("agents")
