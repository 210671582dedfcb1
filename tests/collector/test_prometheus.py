"""What a real Prometheus reads of a collector, configured as the compose file has it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dashboards.description import BUDGETS, MetricPanel
from tests.collector.whole_collector import ask, config_of, post, running, settled, until
from tests.support.certificates import Authority
from tests.support.prometheus import HOW, program, prometheus

from spanledger_collector.cli.app import execute

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (program("prometheus") and program("promtool")), reason=HOW),
]

ROOT = Path(__file__).parents[2]
_DEPLOYED = ROOT / "deploy" / "prometheus"
_ALERTS = ROOT / "deploy" / "spanledger" / "alerts.example.yaml"


def _configuration(folder: Path, port: int, key: Path, authority: Path | None = None) -> Path:
    """As deployed, but for where the collector and the key are, and how often it is asked.

    With an authority the lines for TLS are no comments any more.
    """
    told = (_DEPLOYED / "prometheus.yml").read_text("utf-8")
    for was, now in (
        ("collector:4319", f"localhost:{port}"), ("/run/secrets/spanledger_key", str(key)),
        ("scrape_interval: 15s", "scrape_interval: 1s"),
    ):  # fmt: skip
        assert was in told
        told = told.replace(was, now)
    if authority is not None:
        told = re.sub(r"^    # (?=scheme|tls_config|  )", "    ", told, flags=re.MULTILINE)
        told = told.replace("ledger.example", f"localhost\n      ca_file: {authority}")
    path = folder / "prometheus.yml"
    path.write_text(told, "utf-8")
    checked = subprocess.run(
        [program("promtool"), "check", "config", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    return path


async def test_it_reads_budgets_and_alerts_as_the_panels_ask(
    tmp_path: Path, store_dsn: str
) -> None:
    """Each panel's expression has series, with the labels of its legend and the API's amounts."""
    config = config_of(tmp_path / "data", store_dsn, alerts_file=_ALERTS)
    async with running(config) as (_, ports):
        await settled(ports, await post(ports, 0))

        async def watched() -> bool:
            return bool(json.loads((await _get(ports.api, "/v1/budgets"))[1])["budgets"])

        await until(watched)
        given = _configuration(tmp_path, ports.api, _DEPLOYED / "no-key")
        with prometheus(given, tmp_path) as reading:
            [(_, is_up)] = await asyncio.to_thread(reading.wait_for, "up == 1")
            assert is_up == 1
            for panel in BUDGETS.panels:
                assert isinstance(panel, MetricPanel)
                asked = panel.expression.replace("$workspace", "default")
                asked = asked.replace("== 1", ">= 0")  # fires or not
                found = await asyncio.to_thread(reading.wait_for, asked)
                named = set(re.findall(r"\{\{(\w+)\}\}", panel.legend)) - {"age"}  # a word
                for labels, _ in found:
                    assert named <= {*labels, "key"}, "an empty key is no label"
            limits = await asyncio.to_thread(reading.series, "spanledger_budget_limit_usd")
        told: Any = json.loads((await _get(ports.api, "/v1/budgets"))[1])["budgets"]
        assert {(one["name"], float(one["limit_usd"])) for one in told} == {
            (labels["budget"], value) for labels, value in limits
        }
        _, metrics, _ = await _get(ports.api, "/metrics")
    _lint(metrics)


async def test_it_comes_in_by_tls_and_with_a_key_alone(
    tmp_path: Path, store_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As docs/deploy.md has it, its first line alone; with the empty file it is refused."""
    data, key = tmp_path / "data", tmp_path / "key"
    issued = Authority(tmp_path)
    server = issued.issue("server")
    capsys.readouterr()
    assert execute(["keys", "add", "--may", "operate", "--data-dir", str(data)]) == 0
    key.write_text(f"{capsys.readouterr().out.splitlines()[0]}\n")
    config = config_of(
        data, store_dsn, tls_certificate=server.certificate, tls_key=server.key, sql_port=-1
    )
    async with running(config) as (collector, ports):
        await collector.opened()
        for given, expected in ((_DEPLOYED / "no-key", 0), (key, 1)):
            made = _configuration(tmp_path, ports.api, given, issued.path)
            with prometheus(made, tmp_path) as reading:
                await asyncio.to_thread(reading.wait_for, f"up == {expected}")


def _lint(metrics: bytes) -> None:
    """What Prometheus' own tool has to say of names, types and units: nothing."""
    asked = [program("promtool"), "check", "metrics"]
    linted = subprocess.run(asked, input=metrics, capture_output=True, check=False)
    assert (linted.returncode, linted.stdout + linted.stderr) == (0, b"")


async def _get(port: int, path: str) -> tuple[int, bytes, dict[str, str]]:
    return await asyncio.to_thread(ask, port, path)
