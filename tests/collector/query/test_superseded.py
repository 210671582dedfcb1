"""What a later settlement wrote instead of a row: no condition finds the older version again."""

from __future__ import annotations

import json

from tests.collector.settle.scene import START, hex32

from spanledger_collector.query import Behind, DirectReader, Ledger, Slice
from spanledger_collector.store import Connection, Store

_ROW = {
    "workspace": "default", "trace_id": hex32(1), "span_id": "a", "attempt_number": 1,
    "agent_name": "a", "operation": "chat", "purpose": "work", "counted": True,
    "started_at": f"{START:%Y-%m-%d %H:%M:%S}", "price_status": "priced", "cost_usd": "1",
}  # fmt: skip


def _insert(connection: Connection, **changed: object) -> None:
    row = json.dumps({**_ROW, **changed}).encode()
    connection.insert_bytes("attempts", row, "JSONEachRow")


def test_conditions_hold_for_the_newest_version_alone(store: Store) -> None:
    """Also where the engine looks for rows by their key before it knows which version is newest."""
    with store.connect() as connection:
        connection.execute("SYSTEM STOP MERGES attempts")
        _insert(connection, version=1, rework_reason="failed", tenant="acme")
        _insert(connection, version=2, rework_reason="", tenant="beta")
        _insert(connection, version=1, span_id="b", rework_reason="failed", tenant="acme")
        _insert(connection, version=2, span_id="b", rework_reason="failed", is_deleted=1)
        parts = "SELECT count() AS n FROM system.parts WHERE table = 'attempts' AND active"
        assert connection.rows(f"{parts} AND database = currentDatabase()")[0]["n"] == 4
    with Ledger(DirectReader(store)) as ledger:
        assert ledger.attempts_by("rework") == []
        assert ledger.rework().reasons == []
        assert [row.rework_attempts for row in ledger.rework().rates] == [0]
        for gone in (Behind(Slice(tenant="acme")), Behind(rework_reason="failed")):
            assert ledger.attempts_behind(gone) == []
            assert ledger.models_behind(gone) == []
        (left,) = ledger.attempts_behind(Behind(Slice(tenant="beta")))
        assert (left.span_id, left.rework_reason) == ("a", "")
        assert [one["span_id"] for one in ledger.query("trace_attempts", trace_id=hex32(1))] == [
            "a"
        ]
