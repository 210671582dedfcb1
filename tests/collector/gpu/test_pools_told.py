"""The bill of a pool as people and programs read it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from tests.collector.gpu.pools import BEGIN, Scene

from spanledger_collector.cli.app import execute
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store


def test_a_bill_in_all_by_day_and_in_the_terminal(
    gpus: Scene,
    module_store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows are those of view ``gpu_bill``; nobody else's workspace shows them."""
    monkeypatch.setenv("COLUMNS", "250")
    gpus.rates((0, "2.95"), (15, "1.37"))
    gpus.served(1, 10, 60)
    gpus.close()
    bill = gpus.bill()
    ledger = Ledger(DirectReader(module_store))
    [row] = [one for one in ledger.pools() if one.pool == gpus.name]
    [day] = [one for one in ledger.pools(by="day") if one.pool == gpus.name]
    assert (row.day, day.day) == ("", f"{BEGIN:%Y-%m-%d}")
    assert row.billed_usd == Decimal("2.95") * 2 / 4 + Decimal("1.37") * 2 / 4
    for name in ("billed_usd", "attributed_usd", "load_usd", "idle_usd", "billed_gpu_seconds"):
        assert getattr(row, name) == getattr(day, name) == bill[name]
    assert row.utilisation == bill["utilisation"]
    assert row.fully_loaded_factor == pytest.approx(1800 / 60)
    assert not [one for one in ledger.pools(until=BEGIN.replace(hour=0)) if one.pool == gpus.name]
    address = module_store.address
    url = ["--url", f"chdb://{address.path}?database={address.database}"]
    assert execute(["pools", *url, "--json"]) == 0
    [told] = [one for one in json.loads(capsys.readouterr().out) if one["pool"] == gpus.name]
    assert told["idle_usd"] == str(row.idle_usd)
    assert execute(["pools", *url, "--days"]) == 0
    [line] = [one for one in capsys.readouterr().out.splitlines() if gpus.name in one]
    for cell in (day.day, "1.00", f"${row.billed_usd}".rstrip("0"), "3.3%", "30", "100.0%"):
        assert cell in line
    assert execute(["pools", *url, "--workspace", "nobody"]) == 0
    assert "SPANLEDGER_GPU_FILE" in capsys.readouterr().out


def test_what_has_no_rate_is_unknown_and_said(
    gpus: Scene,
    module_store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Time without a rate is never free: unknown, or a lower bound where a part has one."""
    monkeypatch.setenv("COLUMNS", "250")
    address = module_store.address
    pools = ["pools", "--url", f"chdb://{address.path}?database={address.database}"]

    def line() -> str:
        gpus.close()
        assert execute(pools) == 0
        [told] = [one for one in capsys.readouterr().out.splitlines() if gpus.name in one]
        return told

    assert "unknown" in line()
    gpus.rates((15, "4"))
    told = line()
    assert "≥$2 " in told
    assert "50.0%" in told
