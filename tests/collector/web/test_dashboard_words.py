"""What the dashboards say beside their figures: words, links, budgets, provisioning."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from dashboards.description import BUDGETS, SQL, MetricPanel

from spanledger_collector.watch.metrics import WatchMetrics
from spanledger_collector.web.pages import PAGES

MADE = SQL.parent / "grafana"
PROVISIONING = SQL.parent / "provisioning"


def _dashboards() -> Iterator[Any]:
    for path in MADE.glob("*.json"):
        yield json.loads(path.read_text())


def _panels() -> Iterator[Any]:
    for dashboard in _dashboards():
        yield from dashboard["panels"]


def test_a_panel_says_what_it_is() -> None:
    """Title, a sentence, a unit, our source; no two on the same place."""
    for panel in _panels():
        assert panel["title"]
        assert len(panel["description"]) > 20
        assert panel["fieldConfig"]["defaults"]["unit"]
        is_metric = panel["datasource"]["uid"] == "spanledger-metrics"
        assert is_metric or panel["datasource"]["uid"] == "spanledger"
        assert panel["targets"][0]["expr" if is_metric else "rawSql"]
    for dashboard in _dashboards():
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            x, y, w, h = (panel["gridPos"][name] for name in "xywh")
            cells = {(i, j) for i in range(x, x + w) for j in range(y, y + h)}
            assert x + w <= 24
            assert not cells & taken
            taken |= cells


def test_no_panel_judges_a_figure_by_its_size() -> None:
    """Without thresholds of its own a panel has Grafana's: green, and red from 80 on."""
    plain = {"mode": "absolute", "steps": [{"color": "text", "value": None}]}
    loss = {
        "mode": "absolute",
        "steps": [{"color": "red", "value": None}, {"color": "text", "value": 0}],
    }
    for panel in _panels():
        assert panel["fieldConfig"]["defaults"]["thresholds"] == plain, panel["title"]
        told = {
            override["matcher"]["options"]: one["value"]
            for override in panel["fieldConfig"]["overrides"]
            for one in override["properties"]
            if one["id"] == "thresholds"
        }
        is_stat = panel["type"] == "stat" and "margin_usd" in json.dumps(panel["targets"])
        assert told == ({"margin_usd": loss} if is_stat else {}), panel["title"]


#: As Grafana puts it into an address.
_WORKSPACE = "workspace=${workspace:percentencode}"
_AGENT, _VERSION = "&${agent:queryparam}", "&${version:queryparam}"
_DAYS = "&since=${__from}&until=${__to}"
_TIMES = "&since=${__from:date:iso}&until=${__to:date:iso}"


def _links(told: Any) -> Iterator[str]:
    """Every address that a dashboard leads to."""
    if isinstance(told, dict):
        if "url" in told:
            yield told["url"]
        for value in told.values():
            yield from _links(value)
    elif isinstance(told, list):
        for value in told:
            yield from _links(value)


def test_every_link_keeps_the_workspace_the_choices_and_the_period() -> None:
    """The panel's own: whole days of UTC where it has such, times where it has, else all."""
    for dashboard in _dashboards():
        (own,) = dashboard["links"]
        has_choices = {"agent", "version"} <= {
            one["name"] for one in dashboard["templating"]["list"]
        }
        all_chosen = _AGENT + _VERSION if has_choices else ""
        assert own["url"] == f"${{web}}/ui/overview?{_WORKSPACE}{all_chosen}{_DAYS}"
        for panel in dashboard["panels"]:
            asked = panel["targets"][0].get("rawSql", "")
            kept = _DAYS if "$__dateFilter(" in asked else "&range=all"
            kept = _TIMES if "$__timeFilter(" in asked else kept
            chosen = (_AGENT if "$agent)" in asked else "") + (
                _VERSION if "$version)" in asked else ""
            )
            (link,) = panel["links"]
            page, _, query = link["url"].removeprefix("${web}/ui/").partition("?")
            assert page in {*PAGES, "budgets"}
            assert query == _WORKSPACE + ("" if page == "budgets" else chosen + kept)
            for url in _links(panel):
                assert _WORKSPACE in url, url
                assert url.endswith(chosen + kept) or url.partition("?")[0].endswith(
                    ("/budgets", "/trace", "/asset")
                ), url


def test_budgets_are_asked_for_what_the_collector_tells() -> None:
    """Each metric of a panel is one, with the labels that its condition and its legend name."""
    told = {family.name: family for family in WatchMetrics(lambda: None, None).describe()}
    labels = {name: getattr(family, "_labelnames", ()) for name, family in told.items()}
    assert "budget" in labels["spanledger_budget_spent_usd"]
    for panel in BUDGETS.panels:
        assert isinstance(panel, MetricPanel)
        for name in re.findall(r"spanledger_\w+", panel.expression):
            assert name in told
            named = re.findall(r"\{\{(\w+)\}\}", panel.legend)
            named += re.findall(r"(\w+)=", panel.expression) if "{" in panel.expression else []
            assert set(named) <= set(labels[name])


def test_budgets_draw_so_many_series_and_no_more() -> None:
    """A budget or alert may be per agent, and there may be thousands: of them those that matter."""
    for panel in BUDGETS.panels:
        assert isinstance(panel, MetricPanel)
        most = re.match(r"topk\((\d+), ", panel.expression)
        if panel.kind == "timeseries" and not panel.expression.startswith("max by (budget, per) "):
            assert most is not None, panel.title
            assert f"at most {most[1]} at a time" in panel.description
        assert "alert_firing" not in panel.expression or " == 1)" in panel.expression


def test_a_trace_leads_to_its_page() -> None:
    """From the table of runs to the built-in page, whose address is a variable."""
    told = json.dumps([panel for panel in _panels() if panel["title"] == "Newest runs"])
    assert "${web}/ui/trace?id=${__value.raw}" in told


def test_the_pages_have_another_address_by_the_line_of_the_manual(tmp_path: Path) -> None:
    """docs/deploy.md: it changes the variable *Pages* of each dashboard and nothing else."""
    manual = SQL.parents[1].joinpath("docs", "deploy.md").read_text("utf-8")
    (line,) = re.findall(r"^\$ (sed .+dashboards/grafana.+)$", manual, re.MULTILINE)
    made = tmp_path / "dashboards" / "grafana"
    shutil.copytree(MADE, made)
    subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, check=True)
    for path in MADE.glob("*.json"):
        was, now = (json.loads(one.read_text("utf-8")) for one in (path, made / path.name))
        (web,) = [one for one in was["templating"]["list"] if one["name"] == "web"]
        assert web["query"] == "http://localhost:4319"
        web["query"] = "https://ledger.example:4319"
        assert was == now


def test_provisioning_names_what_is_there() -> None:
    """The data source that panels ask; no password stands in a file."""
    source = yaml.safe_load((PROVISIONING / "datasources" / "spanledger.yaml").read_text())
    one, metrics = source["datasources"]
    assert (metrics["uid"], metrics["type"]) == ("spanledger-metrics", "prometheus")
    assert metrics["url"] == "${PROMETHEUS_URL}"
    assert (one["uid"], one["type"]) == ("spanledger", "grafana-clickhouse-datasource")
    assert one["secureJsonData"]["password"] == "${CLICKHOUSE_READER_PASSWORD}"
    provider = yaml.safe_load((PROVISIONING / "dashboards" / "spanledger.yaml").read_text())
    assert Path(provider["providers"][0]["options"]["path"]).name == "spanledger"
