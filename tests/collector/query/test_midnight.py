"""What a counter gained from one UTC day into the next is in a day, once, whatever is asked for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Connection, Store

_MIDNIGHT = datetime(2026, 11, 3, tzinfo=timezone.utc)
_JOULES_A_SECOND = 400.0
_TOKENS_A_SECOND = 50.0


@pytest.fixture(scope="module")
def told(module_store: Store) -> Ledger:
    """A GPU and an engine that are asked every 45 seconds, past midnight; one GPU only before."""
    with module_store.connect() as connection:
        _gpu(connection, "GPU-1", range(-450, 451, 45))
        _gpu(connection, "GPU-2", range(-450, 0, 45))
        _engine(connection, range(-450, 451, 45))
    return Ledger(DirectReader(module_store))


def _at(second: int) -> datetime:
    return _MIDNIGHT + timedelta(seconds=second)


def _gpu(connection: Connection, device: str, seconds: range) -> None:
    columns = ("workspace", "host", "device_id", "metric", "kind", "began_at", "at", "value")
    start = _at(-10_000)
    rows = [
        ("default", "h", device, "hw.energy", "cumulative", start, _at(second), joules)
        for second in seconds
        for joules in [1e6 + _JOULES_A_SECOND * second]
    ]
    rows += [
        ("default", "h", device, "hw.power", "gauge", start, _at(second), 100.0 + second)
        for second in seconds
    ]
    connection.insert_rows("gpu_samples", columns, rows)


def _engine(connection: Connection, seconds: range) -> None:
    columns = (
        "workspace", "service_name", "instance", "engine", "model", "measure", "kind", "at",
        "value",
    )  # fmt: skip
    rows = [
        ("default", "chat", "i", "vllm", "m", "output_tokens", "cumulative", _at(second), tokens)
        for second in seconds
        for tokens in [1e6 + _TOKENS_A_SECOND * second]
    ]
    connection.insert_rows("engine_samples", columns, rows)


def test_energy_across_midnight_is_of_the_later_day(told: Ledger) -> None:
    """And nothing else of the day before is: not its samples, not its power, no day without any."""
    days = told.arrow("gpu_utilisation").to_pylist()
    first = [row for row in days if row["device_id"] == "GPU-1"]
    before, after = sorted(first, key=lambda row: row["day"])
    assert before["energy_kwh"] + after["energy_kwh"] == pytest.approx(
        _JOULES_A_SECOND * 900 / 3.6e6
    )
    assert after["energy_kwh"] == pytest.approx(_JOULES_A_SECOND * 495 / 3.6e6)
    assert (before["samples"], after["samples"]) == (20, 22)
    assert after["first_at"] == _MIDNIGHT
    assert after["power_mean_watts"] == 100.0 + 225
    assert [row["day"] for row in days if row["device_id"] == "GPU-2"] == [before["day"]]


def test_tokens_across_midnight_are_of_the_later_minute(told: Ledger) -> None:
    """However the period is cut: the days sum to the whole."""
    [whole] = told.engines()
    assert (whole.output_tokens, whole.counted_seconds) == (_TOKENS_A_SECOND * 900, 900.0)
    [after] = told.engines(since=_MIDNIGHT)
    assert (after.output_tokens, after.counted_seconds) == (_TOKENS_A_SECOND * 495, 495.0)
    assert after.first_at == _MIDNIGHT
    [before] = told.engines(until=_MIDNIGHT)
    assert (before.output_tokens, before.minutes) == (_TOKENS_A_SECOND * 405, 8)
