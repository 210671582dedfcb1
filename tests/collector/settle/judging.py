"""What was decided about the calls of traces that are written for one test."""

from spanledger_collector.store import Store

from . import scene


def verdicts(store: Store, traces: list[list[scene.Row]]) -> list[dict[int, tuple[str, int]]]:
    """For every trace: span -> (reason it does not count or '', span counted instead or 0)."""
    with store.connect() as connection:
        spans = [
            {**row, "trace_id": scene.hex32(number), "service_name": f"app{number}"}
            for number, rows in enumerate(traces, 1)
            for row in rows
        ]
        scene.load(connection, spans)
        scene.settle(store, range(1, len(traces) + 1))
        found: list[dict[int, tuple[str, int]]] = []
        for number in range(1, len(traces) + 1):
            rows = scene.attempts(connection, number)
            assert all(row["counted"] == (row["excluded_reason"] == "") for row in rows)
            found.append(
                {
                    int(row["span_id"], 16): (
                        str(row["excluded_reason"]),
                        int(row["duplicate_of"] or "0", 16),
                    )
                    for row in rows
                    if row["outcome"] != "retried"
                }
            )
        return found
