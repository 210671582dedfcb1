"""What budgets of several processes ask the ledger, as docs/budgets.md does it."""

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.served_ledger import Served

from spanledger_collector.query import DirectReader
from spanledger_collector.store import Store

PAGE = Path(__file__).parents[3] / "docs" / "budgets.md"


@pytest.mark.parametrize("per", ["agent", "tenant", ""])
def test_what_is_spent_is_what_the_attempts_cost(filled: Store, per: str) -> None:
    """The sum of each agent or tenant is the sum of its attempts, whatever they are of."""
    reader = DirectReader(filled)
    column = {"agent": "agent_name", "tenant": "tenant", "": "''"}[per]
    told = reader.sql(
        f"SELECT {column} AS k, sum(cost_usd) AS usd, countIf(cost_usd IS NULL) AS unknown "
        "FROM attempts FINAL WHERE workspace = 'default' AND counted GROUP BY k"
    ).to_pylist()
    assert len(told) > (per != "")
    for row in told:
        asked = {"workspace": "default", "per": per, "key": row["k"]}
        [spent] = reader.rows("spending", asked)
        assert spent["spent_usd"] == (row["usd"] or 0)
        assert spent["unknown_calls"] == row["unknown"]
    reader.close()


def test_the_documented_function_asks_the_collector(api: Served) -> None:
    """The block of the page, with this collector's address: the day's money and the whole."""
    [block] = [
        text
        for text in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        if "def from_the_ledger" in text
    ]
    names: dict[str, Any] = {"spanledger": __import__("spanledger")}
    exec(block.replace("http://localhost:4319", api.url), names)  # noqa: S102 - our own page
    ask = names["from_the_ledger"]
    assert Decimal(ask("acme", None)) > 0
    assert Decimal(ask("nobody & co", None)) == 0
    later = datetime.now(timezone.utc) + timedelta(days=3650)
    assert Decimal(ask("acme", later)) == 0
