"""Energy and CO2e of pools, runs and agents: measured where GPUs told it, bounds elsewhere.

One ledger for all tests; each has a pool, a provider, devices and traces of its own.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.collector.gpu.pools import BEGIN, POOLS, Scene
from tests.collector.settle import scene

from spanledger_collector.cli.app import execute
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.gpu import read_pools
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

_LIMIT = 700  # watts of an H100
_HALF_HOUR = 1800
_KWH = 3.6e6


def _tell(gpus: Scene, change: str) -> None:
    """Change the pool's entry: its file, then the collector's next start."""
    gpus.write(gpus.file.replace("    gpus: 2\n", f"    gpus: 2\n{change}"))


def _readings(gpus: Scene, watts: float, minutes: range, devices: int = 2) -> None:
    """Each minute each device tells its counter."""
    rows = [
        (
            "default", "gpu-1", f"{gpus.name}-{device}", "hw.energy", "cumulative", BEGIN,
            BEGIN + timedelta(minutes=minute), 1e6 + watts * 60 * minute,
        )
        for device in range(devices)
        for minute in minutes
    ]  # fmt: skip
    columns = ("workspace", "host", "device_id", "metric", "kind", "began_at", "at", "value")
    gpus.connection.insert_rows("gpu_samples", columns, rows)


def _meter(gpus: Scene) -> str:
    return f'    meter: {{ host: "gpu-*", devices: ["{gpus.name}-*"] }}\n'


_GRID = "    grid: { low_g_per_kwh: 300, high_g_per_kwh: 400, source: the utility, as_of: 2025 }\n"


def _energy(gpus: Scene, view: str) -> dict[str, Any]:
    [row] = gpus.connection.rows(
        f"SELECT * FROM {view} WHERE agent_name = {{name:String}}", {"name": gpus.name}
    )
    return dict(row)


def test_measured_energy_replaces_the_bounds(gpus: Scene) -> None:
    """To the joule, times what cools the boards; its calls carry a part between two bounds."""
    _tell(gpus, _meter(gpus) + _GRID + "    pue: 1.25\n")
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 590)
    _readings(gpus, 400.0, range(-2, 40))
    gpus.close()
    bill = gpus.bill()
    kwh = 2 * _HALF_HOUR * 400.0 / _KWH * 1.25
    assert bill["energy_source"] == "measured"
    assert bill["energy_measured_share"] == pytest.approx(1)
    assert (bill["energy_kwh_low"], bill["energy_kwh_high"]) == (
        pytest.approx(kwh),
        pytest.approx(kwh),
    )
    assert bill["co2e_kg_low"] == pytest.approx(kwh * 0.3)
    assert bill["co2e_kg_high"] == pytest.approx(kwh * 0.4)
    assert (bill["unknown_energy_gpu_seconds"], bill["unknown_co2e_gpu_seconds"]) == (0, 0)
    assert bill["grid_source"] == "the utility"
    run = _energy(gpus, "run_energy")
    assert (run["calls"], run["unknown_energy_calls"], run["unknown_co2e_calls"]) == (1, 0, 0)
    assert run["gpu_seconds"] == pytest.approx(2 * 590)
    # As if idle boards drew as much, and as if they drew nothing.
    assert run["energy_kwh_low"] == pytest.approx(2 * 590 * 400 / _KWH * 1.25)
    assert run["energy_kwh_high"] == pytest.approx(2 * 600 * 400 / _KWH * 1.25)
    assert run["co2e_kg_high"] == pytest.approx(run["energy_kwh_high"] * 0.4)


def test_what_is_not_measured_is_bounded_by_the_power_limit(gpus: Scene) -> None:
    """Ten of thirty minutes are measured; the rest keeps its bounds, and it is said."""
    _tell(gpus, _meter(gpus))
    gpus.served(1, 10, 60)
    _readings(gpus, 400.0, range(11))
    gpus.close()
    bill = gpus.bill()
    assert bill["energy_source"] == "measured in part"
    assert bill["energy_measured_share"] == pytest.approx(1 / 3)
    measured, rest = 2 * 600 * 400.0, 2 * 1200
    assert bill["energy_kwh_low"] == pytest.approx((measured + rest * _LIMIT * 0.1) * 1.09 / _KWH)
    assert bill["energy_kwh_high"] == pytest.approx((measured + rest * _LIMIT * 0.3) * 1.56 / _KWH)
    assert bill["co2e_kg_low"] is None
    assert bill["unknown_co2e_gpu_seconds"] == 2 * _HALF_HOUR


def test_late_readings_and_another_grid_are_taken_in(gpus: Scene) -> None:
    """The money stays as it is; written once more, and not again without news."""
    _tell(gpus, _meter(gpus))
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 60)
    gpus.close()
    before = gpus.bill()
    assert before["energy_source"] == "power limit"
    _readings(gpus, 400.0, range(-2, 40))
    assert gpus.close() == 0
    after = gpus.bill()
    assert after["energy_source"] == "measured"
    assert after["billed_usd"] == before["billed_usd"]
    versions = "SELECT version FROM gpu_energy FINAL WHERE pool = {p:String} ORDER BY version"
    written = gpus.connection.rows(versions, {"p": gpus.name})
    gpus.close()
    assert gpus.connection.rows(versions, {"p": gpus.name}) == written
    _tell(gpus, _meter(gpus) + _GRID)
    gpus.close()
    assert gpus.bill()["co2e_kg_low"] == pytest.approx(after["energy_kwh_low"] * 0.3)


def test_a_window_waits_for_the_readings_after_it(gpus: Scene) -> None:
    """Until they may be there its energy has bounds only."""
    _tell(gpus, _meter(gpus))
    gpus.served(1, 10, 60)
    _readings(gpus, 400.0, range(-2, 11))
    gpus.moment = BEGIN + timedelta(minutes=12)
    gpus.close()
    assert gpus.bill()["energy_source"] == "power limit"
    gpus.moment = BEGIN + timedelta(minutes=15)
    gpus.close()
    assert gpus.bill()["energy_source"] == "measured"


def test_more_devices_than_gpus_are_taken_in_the_mean(gpus: Scene) -> None:
    """The pool pays for two; a pattern that fits four does not double what they draw."""
    _tell(gpus, _meter(gpus))
    _readings(gpus, 400.0, range(-2, 40), devices=4)
    gpus.close()
    bill = gpus.bill()
    assert bill["energy_measured_share"] == pytest.approx(1)
    assert bill["energy_kwh_low"] == pytest.approx(2 * _HALF_HOUR * 400 / _KWH * 1.09)


def test_readings_of_another_workspace_say_nothing(gpus: Scene) -> None:
    """Who may send for one workspace cannot tell what the GPUs of another draw."""
    _tell(gpus, f'    meter: {{ workspace: acme, devices: ["{gpus.name}-*"] }}\n')
    _readings(gpus, 400.0, range(-2, 40))
    gpus.close()
    assert gpus.bill()["energy_source"] == "power limit"


def test_hosted_calls_are_unknown_and_never_zero(gpus: Scene) -> None:
    """Of an agent that calls both, the sums are of what is known, and it says of how much not."""
    _tell(gpus, _GRID)
    gpus.served(1, 10, 60)
    gpus.served(2, 100, 60, provider="openai", request_model="gpt-x")
    gpus.close()
    by_run: list[dict[str, Any]] = gpus.connection.rows(
        "SELECT * FROM run_energy WHERE agent_name = {n:String} ORDER BY started_at",
        {"n": gpus.name},
    )
    own, hosted = by_run
    assert own["energy_kwh_low"] == pytest.approx(2 * 60 * _LIMIT * 0.1 * 1.09 / _KWH)
    assert own["energy_kwh_high"] == pytest.approx(2 * 60 * _LIMIT * 1.56 / _KWH)
    assert (hosted["calls"], hosted["unknown_energy_calls"], hosted["unknown_co2e_calls"]) == (
        1, 1, 1,
    )  # fmt: skip
    for name in ("energy_kwh_low", "energy_kwh_high", "co2e_kg_low", "co2e_kg_high"):
        assert hosted[name] is None
    day = _energy(gpus, "agent_energy")
    assert (day["runs"], day["calls"], day["unknown_energy_calls"]) == (2, 2, 1)
    assert day["energy_kwh_high"] == pytest.approx(own["energy_kwh_high"])
    assert day["co2e_kg_high"] == pytest.approx(own["energy_kwh_high"] * 0.4)


def test_an_unknown_gpu_without_readings_is_not_known(gpus: Scene) -> None:
    """No power limit, no bounds: NULL."""
    gpus.write(gpus.file.replace("    gpu: NVIDIA H100 80GB HBM3\n", _GRID))
    gpus.served(1, 10, 60)
    gpus.close()
    bill = gpus.bill()
    assert (bill["energy_source"], bill["energy_kwh_low"], bill["co2e_kg_high"]) == ("", None, None)
    assert bill["unknown_energy_gpu_seconds"] == 2 * _HALF_HOUR
    assert _energy(gpus, "run_energy")["energy_kwh_low"] is None


def test_the_views_are_queries(gpus: Scene, module_store: Store) -> None:
    """Of a workspace and a period."""
    _tell(gpus, _GRID)
    gpus.served(1, 10, 60)
    gpus.close()
    ledger = Ledger(DirectReader(module_store))
    for view in ("run_energy", "agent_energy"):
        rows = ledger.arrow(view, since=BEGIN, until=BEGIN + timedelta(days=1)).to_pylist()
        assert gpus.name in {row["agent_name"] for row in rows}
        later = datetime(2027, 1, 1, tzinfo=timezone.utc)
        assert ledger.arrow(view, since=later).num_rows == 0
        assert ledger.arrow(view, workspace="nobody").num_rows == 0
    assert scene.START.date() in {
        row["window_start"].date() for row in ledger.arrow("gpu_window_energy").to_pylist()
    }


@pytest.mark.slow
def test_energy_in_the_terminal(
    gpus: Scene,
    module_store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a meter told as an interval in one unit; a hosted call beside it is not known, not 0."""
    monkeypatch.setenv("COLUMNS", "200")
    _tell(gpus, _meter(gpus) + _GRID + "    pue: { low: 1.0, high: 1.5 }\n")
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 590)
    gpus.served(2, 20, 5, provider="openai")
    _readings(gpus, 400.0, range(-2, 40))
    gpus.close()
    address = module_store.address
    url = ["--url", f"chdb://{address.path}?database={address.database}"]
    assert execute(["energy", *url, "--json"]) == 0
    [row] = [one for one in json.loads(capsys.readouterr().out) if one["agent_name"] == gpus.name]
    view = _energy(gpus, "agent_energy")
    assert (row["runs"], row["calls"], row["unknown_energy_calls"]) == (2, 2, 1)
    assert 0 < row["energy_kwh_low"] == view["energy_kwh_low"] < row["energy_kwh_high"]
    assert row["co2e_kg_low"] == pytest.approx(row["energy_kwh_low"] * 0.3)
    assert execute(["energy", *url]) == 0
    [line] = [one for one in capsys.readouterr().out.splitlines() if gpus.name in one]
    assert "50.0%" in line
    assert f"{row['energy_kwh_low'] * 1000:.3g} to {row['energy_kwh_high'] * 1000:.3g} Wh" in line
    assert execute(["energy", *url, "--until", "2020-01-01"]) == 0
    assert "No runs here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_GRID.replace("300", "500"), "high_g_per_kwh is below"),
        (_GRID.replace("source: the utility, ", ""), "source"),
        ("    pue: 0.9\n", "pue"),
        ("    pue: { low: 1.3, high: 1.2 }\n", "high is below low"),
        ("    meter: { device: x }\n", "meter"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(change: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "gpus.yaml"
    path.write_text(POOLS.format(name="chat").replace("    gpus: 2\n", f"    gpus: 2\n{change}"))
    with pytest.raises(ConfigurationError, match=told):
        read_pools(path)
