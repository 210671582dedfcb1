"""Views as named queries: Arrow and pandas, directly and through a collector."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from tests.support.served_ledger import Served

from spanledger_collector import sql
from spanledger_collector.errors import ConfigurationError, NotFoundError, PermanentError
from spanledger_collector.query import DirectReader, Ledger, query_names
from spanledger_collector.query.named import VIEWS
from spanledger_collector.store import Store

LATE = datetime(2030, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def ledger(filled: Store) -> Ledger:
    return Ledger(DirectReader(filled))


def test_every_view_can_be_read() -> None:
    """A new view fails here until it is in the table."""
    assert set(VIEWS) == set(sql.names("views"))


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_the_same_directly_and_through_a_collector(
    view: str, ledger: Ledger, api: Served
) -> None:
    name = f"view:{view}"
    direct = ledger.arrow(name)
    with Ledger.connect(api.address) as remote:
        assert remote.arrow(name).schema == direct.schema
        assert remote.arrow(name).num_rows == direct.num_rows
    if view not in query_names():
        assert ledger.arrow(view).schema == direct.schema


@pytest.mark.slow
@pytest.mark.parametrize("view", [v for v, conditions in VIEWS.items() if len(conditions) > 1])
def test_a_period_is_taken_where_a_view_tells_a_time(view: str, ledger: Ledger) -> None:
    if view != "lost_results":  # nothing is lost here; tests/e2e loses some
        assert ledger.arrow(f"view:{view}", until=LATE).num_rows > 0
    assert ledger.arrow(f"view:{view}", since=LATE).num_rows == 0


def test_a_workspace_reads_its_own_rows_only(filled: Store) -> None:
    other = Ledger(DirectReader(filled), workspace="other")
    assert set(other.arrow("run_economics")["workspace"].to_pylist()) == {"other"}


def test_pandas_keeps_money_exact(ledger: Ledger) -> None:
    frame: Any = ledger.pandas("run_economics")
    total = sum((run.cost_usd or Decimal(0) for run in ledger.runs()), Decimal(0))
    known = frame["cost_usd"].dropna()
    assert {type(cost) for cost in known} == {Decimal}
    assert known.sum() == total
    assert frame["cost_usd"].isna().sum() == 2


def test_what_cannot_be_read_is_told(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFoundError, match="and the views view:agent_energy, view:agent_unit"):
        ledger.arrow("view:spans")
    with pytest.raises(PermanentError, match="has no parameter since"):
        ledger.arrow("amortization", since=LATE)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigurationError, match="pip install pandas"):
        ledger.pandas("models")
