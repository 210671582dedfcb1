"""Groups of an agent's page: which runs they lead to, and which two versions it compares first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from tests.collector.settle import scene

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store
from spanledger_collector.web.asked import Asked, exact
from spanledger_collector.web.pages import agent, runs
from spanledger_collector.web.parts import Page, Pick, Tabled
from spanledger_collector.web.table import Table

NOW = datetime(2026, 11, 28, tzinfo=timezone.utc)
HOUR = 3600
#: Hours after the start, version, tenant, tokens by model.
RUNS: tuple[tuple[int, str, str, dict[str, int]], ...] = (
    (-1, "", "other", {"m1": 4}),
    (0, "1", "acme", {"m1": 5}),
    (1, "2", "acme", {"m1": 1, "m2": 7}),
    # The period begins here: with a run of the newer version.
    (24, "2", "", {"m2": 9}),
    (25, "1", "acme", {"m1": 3, "m2": 2}),
    (26, "", "other", {}),
    (27, "1", "", {"m1": 11}),
)


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    rows: list[scene.Row] = []
    for trace, (hour, version, tenant, tokens) in enumerate(RUNS, 1):
        given: dict[str, Any] = {"trace": trace, "tenant": tenant, "at": hour * HOUR}
        rows.append(scene.span(1, 0, "agent", agent_name="a", agent_version=version, **given))
        rows += [
            scene.call(number, 1, (count, 0), request_model=model, **given)
            for number, (model, count) in enumerate(tokens.items(), 2)
        ]
    with module_store.connect() as connection:
        scene.publish(connection, [scene.price(model, input="0.01") for model in ("m1", "m2")])
        scene.load(connection, rows)
    scene.settle(module_store, range(1, len(RUNS) + 1))
    with Ledger(DirectReader(module_store)) as found:
        yield found


def asked(path: str, query: str) -> Asked:
    return Asked(path, exact(dict(parse_qsl(query))), NOW)


def table(page: Page, table_id: str) -> Table:
    found = (part.table for part in page.parts if isinstance(part, Tabled))
    return next(one for one in found if one.id == table_id)


PERIOD = f"agent=a&since={(scene.START + timedelta(days=1)).date()}&until=2026-11-30"


@pytest.mark.parametrize("query", ["agent=a&range=all", PERIOD])
@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("model", {"m1", "m2", ""}),
        ("version", {"1", "2", ""}),
        ("tenant", {"acme", "other", ""}),
    ],
)  # fmt: skip
def test_a_group_leads_to_its_runs_and_no_other(
    ledger: Ledger, by: str, keys: set[str], query: str
) -> None:
    groups = table(agent.page(ledger, asked("agent", f"{query}&by={by}")), "groups")
    assert {group.key for group in groups.rows} == keys
    for group in groups.rows:
        assert groups.link is not None
        path, _, told = groups.link(group).partition("?")
        assert path == "/ui/runs"
        found = table(runs.page(ledger, asked("runs", told)), "runs").rows
        assert len(found) == group.sums.runs
        costs = sum((run.total_cost_usd or Decimal(0) for run in found), Decimal(0))
        assert costs == group.sums.total_cost_usd
    every = sum(group.sums.runs for group in groups.rows)
    assert every == len(RUNS) - (3 if query == PERIOD else 0)


@pytest.mark.parametrize("query", ["agent=a&range=all", PERIOD])
def test_versions_are_as_old_as_their_first_run_of_all(ledger: Ledger, query: str) -> None:
    """A period that begins with a run of the newer one makes it no older."""
    page = agent.page(ledger, asked("agent", f"{query}&by=version"))
    (pick,) = [part for part in page.parts if isinstance(part, Pick)]
    starts = ledger.version_starts("a")
    assert sorted(starts, key=lambda version: starts[version]) == ["", "1", "2"]
    assert (pick.old, pick.new) == ("1", "2")
