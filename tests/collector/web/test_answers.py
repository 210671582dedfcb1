"""Every answer of the JSON API over the demo's data is what the OpenAPI document says of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, get_args
from urllib.parse import quote

import httpx
import pytest
from jsonschema import Draft202012Validator
from tests.support.served_ledger import Served

from spanledger_collector.demo.show import Shown
from spanledger_collector.query import GroupBy, QualityBy, ReworkBy, named, query_names
from spanledger_collector.query.breakdowns import SumsBy
from spanledger_collector.query.named import DEFAULTS
from spanledger_collector.serve.openapi import REPORTS, document
from spanledger_collector.store import Store
from spanledger_collector.watch.board import AlertRow
from spanledger_collector.watch.evaluation import BudgetRow
from spanledger_collector.watch.watcher import Picture

PATHS: Any = document()["paths"]
_NOW = datetime(2026, 11, 7, tzinfo=timezone.utc)
_HOW = ("usd", "above", "24 h", _NOW, _NOW)
PICTURE = Picture(
    _NOW,
    [
        BudgetRow("daily", "default", "agent", "triage", "day", _NOW, _NOW, Decimal("1.5"),
                  Decimal("1.25"), Decimal("0.25"), None, 2, "warning")
    ],
    [
        AlertRow("dear", "default", "tenant", "acme", "margin_usd", *_HOW, Decimal("0.1"), None,
                 None),
        AlertRow("dear", "default", "tenant", "b", "margin_usd", *_HOW, Decimal("0.1"), Decimal(1),
                 _NOW),
    ],
)  # fmt: skip


@pytest.fixture
def client(demo_site: Served) -> Iterator[httpx.Client]:
    demo_site.watched = PICTURE
    with httpx.Client(base_url=demo_site.url, timeout=300) as client:
        yield client


def checked(client: httpx.Client, path: str, given: dict[str, str], where: str = "") -> Any:
    """The answer, which is as told."""
    answer = client.get(where or path, params=given)
    assert answer.status_code == 200, answer.text
    (media,) = [PATHS[path]["get"]["responses"]["200"]["content"]["application/json"]]
    told = {**media["schema"], "components": document()["components"]}
    Draft202012Validator(told).validate(answer.json())
    return answer.json()


@pytest.mark.slow
def test_reports_are_as_told(client: httpx.Client) -> None:
    """Each of every agent, in each way to divide it; none of them is told as anything at all."""
    agents = {row["agent_name"]: row for row in checked(client, "/v1/agents", {})}
    assert agents
    seen = {"/v1/agents"}
    path = "/v1/agents/{name}"
    for name in filter(None, agents):
        where = f"/v1/agents/{quote(name, safe='')}"
        for by in get_args(GroupBy):
            checked(client, path, {"by": by}, where)
        checked(client, f"{path}/what-if", {}, f"{where}/what-if")
        seen |= {path, f"{path}/what-if"}
    for by in get_args(ReworkBy):
        checked(client, "/v1/rework", {"by": by})
    for by in get_args(QualityBy):
        assert checked(client, "/v1/quality", {"by": by})
    for by in get_args(SumsBy):
        assert checked(client, "/v1/sums", {"by": by})
    checked(client, "/v1/frontier", {})
    checked(client, "/v1/break-even", {})
    elsewhere = {"/v1/agents/{name}/comparison"}  # agents of the demo have one version each
    alone = {"rework", "frontier", "break-even", "quality", "sums"}
    assert seen | elsewhere | {f"/v1/{one}" for one in alone} == set(REPORTS)


def test_a_comparison_is_as_told(site: Served) -> None:
    """Of two versions, with intervals and without."""
    path, where = "/v1/agents/{name}/comparison", "/v1/agents/analyst/comparison"
    with httpx.Client(base_url=site.url, timeout=300) as client:
        told = client.get("/v1/agents/analyst").json()["groups"]
        old, new = sorted(one["key"] for one in told)[:2]
        figures = checked(client, path, {"old": old, "new": new}, where)["figures"]
    assert {one["difference"]["low"] is None for one in figures} == {True, False}


def test_the_rest_is_as_told(client: httpx.Client, demonstrated: tuple[Store, Shown]) -> None:
    """Each trace of the demo, budgets, health, the list of queries; a wrong answer would show."""
    for one in demonstrated[1].traces:
        trace = one.runs[0].trace_id
        checked(client, "/v1/traces/{trace_id}", {}, f"/v1/traces/{trace}")
    told = checked(client, "/v1/budgets", {})
    assert [len(told["budgets"]), len(told["alerts"])] == [1, 2]
    for path in ("/healthz", "/readyz", "/v1/queries"):
        checked(client, path, {})
    schema: Any = {"$ref": "#/components/schemas/AgentFigures"}
    wrong = Draft202012Validator({**schema, "components": document()["components"]})
    (row, *_) = client.get("/v1/agents").json()
    assert wrong.is_valid(row)
    for name, value in (("cost_usd", 1.5), ("runs", "3"), ("verdict", {}), ("more", 1)):
        assert not wrong.is_valid({**row, name: value})


def test_queries_are_as_told(client: httpx.Client, demonstrated: tuple[Store, Shown]) -> None:
    """Each named query whose parameters are known; columns with a type are told with it."""
    trace = demonstrated[1].traces[0].runs[0].trace_id
    values = {"trace_id": trace, "span_id": "0" * 16, "agent_name": "triage"}
    known = {*DEFAULTS, *values} - {"per"}
    asked = [name for name in query_names() if set(named(name).parameters) <= known]
    assert len(asked) > len(query_names()) // 2
    for name in asked:
        needed = set(named(name).parameters) - set(DEFAULTS)
        given = {one: values[one] for one in needed}
        given |= {"trace_id": trace} if name == "records" else {}
        checked(client, f"/v1/queries/{name}", given)
    content = PATHS["/v1/queries/runs"]["get"]["responses"]["200"]["content"]
    row = content["application/json"]["schema"]["properties"]["rows"]["items"]["properties"]
    assert row["calls"] == {"type": "integer"}
    assert row["started_at"]["format"] == "date-time"
