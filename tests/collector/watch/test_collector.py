"""A whole collector with rules: the API, the metrics, the command line and the webhook agree."""

from __future__ import annotations

import asyncio
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.collector.watch.receiver import receiving
from tests.collector.whole_collector import (
    config_of,
    get,
    metric_values,
    post,
    running,
    settled,
    until,
)

from spanledger_collector.cli.app import execute
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.pipeline import Collector

_RULES = """
webhook: {{ url: {url} }}
budgets:
  - {{ name: agents, per: agent, window: rolling, hours: 8000, limit_usd: "0.000001" }}
  - {{ name: all, window: rolling, hours: 8000, limit_usd: "1000" }}
alerts:
  - {{ name: busy, metric: attempts, window: rolling, hours: 8000, above: "1" }}
"""
#: Metric, unit, direction, window and threshold of the last.
_BUSY = ["attempts", "count", "above", "8000 h", "1"]


async def _alerts(capsys: pytest.CaptureFixture[str], *options: str) -> set[str]:
    """The rules that the command line tells of, of which one is looked at."""
    line = ["budget", "--alerts", *options]
    assert await asyncio.to_thread(execute, [*line, "--json"]) == 0
    alerts = json.loads(capsys.readouterr().out)
    [busy] = [row for row in alerts if row["rule"] == "busy"]
    keys = ("metric", "unit", "direction", "window", "threshold")
    assert [busy[one] for one in keys] == _BUSY
    assert busy["since"] < busy["until"]
    assert busy["firing_since"]
    assert await asyncio.to_thread(execute, line) == 0
    assert re.search("busy .* above +.* 20[0-9]{2}-", capsys.readouterr().out)
    return {row["rule"] for row in alerts}


@pytest.mark.slow
async def test_what_is_settled_fires_and_is_told_everywhere(
    tmp_path: Path,
    store_dsn: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "rules.yaml"
    with receiving() as receiver:
        path.write_text(_RULES.format(url=receiver.url))
        watched: dict[str, Any] = {"alerts_file": path, "alert_interval_seconds": 0.05}
        config = config_of(tmp_path / "data", store_dsn, webhook_secret="s", **watched)
        async with running(config) as (collector, ports):
            await collector.opened()
            trace = await settled(ports, await post(ports, 0))
            spent = Decimal(trace["summary"]["cost_usd"])
            assert spent > 0

            async def seen() -> bool:
                _, body, _ = await get(ports.api, "/v1/budgets")
                rows = json.loads(body).get("budgets", [])
                return any(row["key"] for row in rows)

            await until(seen)
            status, body, _ = await get(ports.api, "/v1/budgets")
            picture = json.loads(body)
            *agents, whole = picture["budgets"]
            assert status == 200
            assert Decimal(whole["spent_usd"]) == spent
            assert sum(Decimal(row["spent_usd"]) for row in agents) == spent
            assert {row["state"] for row in agents} == {"exceeded"}
            assert whole["state"] == "ok"
            metrics = await metric_values(ports)
            name = 'spanledger_budget_spent_usd{budget="all",key="",per="workspace",'
            name += 'workspace="default"}'
            assert metrics[name] == pytest.approx(float(spent))
            firing = {k for k, v in metrics.items() if "alert_firing" in k and v}
            assert len(firing) == 2 * len(agents) + 1
            receiver.wait(len(firing))
            address = f"spanledger://127.0.0.1:{ports.api}"
            shown = await asyncio.to_thread(execute, ["budget", "--json", "--url", address])
            assert shown == 0
            told = json.loads(capsys.readouterr().out)
            same = ("name", "key", "limit_usd", "spent_usd", "left_usd", "state")
            as_watched = [{one: row[one] for one in same} for row in picture["budgets"]]
            assert [{one: row[one] for one in same} for row in told] == as_watched
            monkeypatch.setenv("COLUMNS", "240")
            line = ["budget", "--url", address, "--rules", str(path)]
            assert await asyncio.to_thread(execute, line) == 0
            table = capsys.readouterr().out
            assert "exceeded" in table
            assert "$1000" in table
            rules = {row["rule"] for row in picture["alerts"]}
            for of in ([], ["--rules", str(path)]):
                assert await _alerts(capsys, "--url", address, *of) == rules
    rules = {json.loads(body)["rule"] for _, body in receiver.messages}
    assert rules == {"agents", "busy"}
    assert (tmp_path / "data" / "alerts.json").exists()


def test_rules_that_cannot_be_are_refused_before_anything_starts(
    tmp_path: Path, store_dsn: str
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("budgets: [{name: b}]")
    with pytest.raises(ConfigurationError, match="limit_usd"):
        Collector(config_of(tmp_path / "data", store_dsn, alerts_file=path))
    assert not (tmp_path / "data").exists()


def test_budgets_of_a_ledger_need_their_file(
    filled_dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ledger knows no budgets; a collector knows its own; both say what to do without."""
    assert execute(["budget", "--url", filled_dsn]) == 2
    assert "--rules" in capsys.readouterr().err
    path = tmp_path / "rules.yaml"
    path.write_text(
        'budgets: [{name: b, per: tenant, window: rolling, hours: 8784, limit_usd: "5"}]'
    )
    assert execute(["budget", "--url", filled_dsn, "--rules", str(path)]) == 0
    assert "acme" in capsys.readouterr().out


def test_a_collector_without_rules_says_so(api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["budget", "--url", api.address]) == 1
    assert "SPANLEDGER_ALERTS_FILE" in capsys.readouterr().err
