"""Questions about all agents, or all traces, of a large ledger."""

from __future__ import annotations

import pytest

from spanledger_collector.query import DirectReader
from spanledger_collector.query.named import named
from spanledger_collector.store import Store


@pytest.mark.parametrize("name", ["frontier", "frontier_traces"])
def test_what_of_all_agents_does_not_fit_waits_on_disk(store: Store, name: str) -> None:
    """The engine knows the settings; of one agent, which is faster without, there are none."""
    query = named(name)
    told = query.settings(query.bind({})) or {}
    assert query.settings(query.bind({"agent_name": "a"})) is None
    assert named("runs").settings(named("runs").bind({})) is None
    with store.connect() as connection:
        known = {
            str(row["name"])
            for row in connection.rows("SELECT name FROM system.settings WHERE NOT is_obsolete")
        }
    assert "max_bytes_before_external_group_by" in told
    assert set(told) <= known
    reader = DirectReader(store)
    assert reader.rows(name, {}) == []
    assert reader.arrow(name, {}).num_rows == 0
    reader.close()


@pytest.mark.parametrize("name", ["completeness", "view:completeness", "lost_results"])
def test_what_of_all_traces_does_not_fit_waits_on_disk(store: Store, name: str) -> None:
    """`spanledger verify` over all times of five million spans met the limit of a read."""
    query = named(name)
    assert "max_bytes_before_external_group_by" in (query.settings(query.bind({})) or {})
    reader = DirectReader(store)
    assert reader.rows(name, {}) == []
    assert reader.arrow(name, {}).num_rows == 0
    reader.close()


def test_groups_that_would_meet_the_limit_wait_on_disk(store: Store) -> None:
    """Six million groups are more than the 300 MiB that this read may have."""
    groups = (
        "SELECT number % 6000000 AS key, sum(number) AS total FROM numbers(12000000) GROUP BY key"
    )
    reader = DirectReader(store, max_memory_bytes=300 << 20)
    (row,) = reader.sql(f"SELECT count() AS keys, max(total) AS most FROM ({groups})").to_pylist()
    assert row == {"keys": 6_000_000, "most": 2 * 5_999_999 + 6_000_000}
    reader.close()
