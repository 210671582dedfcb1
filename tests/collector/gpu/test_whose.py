"""Which of several pools of a provider a call is of: one at every moment, and only one."""

from __future__ import annotations

import pytest
from tests.collector.gpu.pools import Scene


@pytest.mark.slow
def test_a_call_is_of_one_pool(gpus: Scene) -> None:
    """Of several that fit it, the first in the file that is up: nobody pays for it twice."""
    broad = (
        f"  - pool: {gpus.name}-rest\n    serves: {{ provider: {gpus.name} }}\n    gpus: 1\n"
        "    up_from: 2026-11-02T10:00:00\n    up_to: 2026-11-02T10:40:00\n"
    )
    gpus.write(gpus.file + broad)
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 60)
    gpus.served(2, 10, 60, request_model="other/model")
    gpus.served(3, 1900, 60)  # the first is down by then
    gpus.close()
    shares = gpus.connection.rows(
        "SELECT pool, trace_id, sum(gpu_seconds) AS seconds FROM gpu_shares FINAL "
        "WHERE startsWith(pool, {p:String}) GROUP BY pool, trace_id ORDER BY trace_id",
        {"p": gpus.name},
    )
    assert [(row["pool"], row["seconds"]) for row in shares] == [
        (gpus.name, 2 * 60), (f"{gpus.name}-rest", 60), (f"{gpus.name}-rest", 60),
    ]  # fmt: skip
    assert gpus.close() == 0


@pytest.mark.slow
def test_a_pool_that_comes_and_goes_within_a_window_takes_its_own_time(gpus: Scene) -> None:
    """While it is up it answers, before and after the other does: no call twice, none without."""
    spot = (
        "  - pool: {name}-spot\n    serves: {{ provider: {name} }}\n    gpus: 1\n"
        "    up_from: 2026-11-02T10:{begin}:00\n    up_to: 2026-11-02T10:{end}:00\n"
    )
    times = (("00", "05"), ("15", "30"))
    entries = (spot.format(name=gpus.name, begin=begin, end=end) for begin, end in times)
    gpus.write("gpu_pools:\n" + "".join(entries) + gpus.file.replace("\ngpu_pools:\n", ""))
    gpus.rates((0, "2.95"))
    gpus.served(1, 100, 60)
    gpus.served(2, 270, 60)  # half of it is before the end of the first
    gpus.served(3, 400, 60)
    gpus.served(4, 700, 60)
    gpus.served(5, 1000, 60)
    gpus.close()
    rows = gpus.connection.rows(
        "SELECT trace_id, pool, sum(gpu_seconds) AS seconds FROM gpu_shares FINAL "
        "WHERE startsWith(pool, {p:String}) GROUP BY trace_id, pool ORDER BY trace_id, pool",
        {"p": gpus.name},
    )
    spot_name = f"{gpus.name}-spot"
    assert [(row["pool"], row["seconds"]) for row in rows] == [
        (spot_name, 60), (gpus.name, 2 * 30), (spot_name, 30), (gpus.name, 2 * 60),
        (gpus.name, 2 * 60), (spot_name, 60),
    ]  # fmt: skip
    assert gpus.close() == 0
