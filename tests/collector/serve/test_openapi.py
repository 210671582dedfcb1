"""The OpenAPI document is one, and says what the API does: no route and no parameter is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from prometheus_client import CollectorRegistry
from starlette.routing import Route
from tests.support.filled_ledger import TRACE
from tests.support.served_ledger import Served

from spanledger_collector.query import named, query_names
from spanledger_collector.query.named import DEFAULTS
from spanledger_collector.serve.api import Api
from spanledger_collector.serve.column_schemas import column_schema
from spanledger_collector.serve.columns import columns, described
from spanledger_collector.serve.economics import ANSWERS
from spanledger_collector.serve.openapi import REPORTS, document
from spanledger_collector.store import Store

PATHS: dict[str, Any] = dict(document()["paths"])


@pytest.fixture
def client(api: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=300) as client:
        yield client


def test_the_document_is_valid(client: httpx.Client) -> None:
    """By the standard's own schema; and it is what the port serves."""
    served: Any = client.get("/openapi.json").json()
    validate(served)
    assert served["paths"].keys() == PATHS.keys()


def test_every_route_is_told_and_every_path_is_a_route() -> None:
    """With its method: /v1/queries/{name} query by query."""
    api = Api(reader=lambda: None, health=dict, registry=CollectorRegistry(), records=_nothing)
    routes = {one.path: one for one in api.routed.routes if isinstance(one, Route)}
    api.close()
    queries = {f"/v1/queries/{name}" for name in query_names()}
    assert set(PATHS) - queries == set(routes) - {"/v1/queries/{name}"}
    assert queries <= set(PATHS)
    for path in set(PATHS) - queries - {"/v1/records"}:
        methods = {method.upper() for method in PATHS[path]}
        assert methods == (routes[path].methods or set()) - {"HEAD"}


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """Stands for what takes records."""


@pytest.mark.parametrize("name", query_names())
def test_a_query_is_told_with_its_parameters(name: str) -> None:
    """All of them, by name; and in words."""
    told = PATHS[f"/v1/queries/{name}"]["get"]
    assert {one["name"] for one in told["parameters"]} == set(named(name).parameters)
    assert len(told["summary"]) > 10


def test_the_columns_are_those_that_the_engine_tells(any_store: Store) -> None:
    """Embedded and server: every column of every query has a type, and the type a schema."""
    with any_store.connect() as connection:
        assert described(connection) == columns(), (
            "run: python -m spanledger_collector.serve.columns"
        )
    for name in query_names():
        rows = PATHS[f"/v1/queries/{name}"]["get"]["responses"]["200"]["content"]
        row = rows["application/json"]["schema"]["properties"]["rows"]["items"]
        assert set(row["properties"]) == set(columns()[name])
        for column, schema in row["properties"].items():
            assert schema.keys() & {"type", "anyOf", "enum"}, (name, column)


@pytest.mark.parametrize(
    ("kind", "value", "other"),
    [
        ("Array(Tuple(`from` UInt16, until UInt16))", [{"from": 1, "until": 2}], [{"from": 1}]),
        ("Tuple(DateTime64(3, 'UTC'), String)", ["2026-11-01", ""], ["2026-11-01"]),
        ("Map(LowCardinality(String), Decimal(38, 6))", {"a": "1.5"}, {"a": 1.5}),
        ("LowCardinality(Nullable(String))", None, 1),
        ("Nullable(Decimal(38, 12))", None, "1e5"),
        ("Float64", None, "1"),
    ],
)
def test_a_type_of_the_engine_is_one_of_json(kind: str, value: Any, other: Any) -> None:
    told = Draft202012Validator(column_schema(kind))
    told.validate(value)
    assert not told.is_valid(other)
    with pytest.raises(TypeError, match="IPv6 has no schema"):
        column_schema("Array(IPv6)")


#: What a query has to be told here.
_VALUES = {
    "trace_id": TRACE, "span_id": "0" * 16, "provider": "openai", "model": "gpt-4o-mini",
    "at": "2026-11-01", "known_at": "2026-11-01", "slice_seconds": "86400",
    "agent_name": "planner",
}  # fmt: skip


@pytest.mark.parametrize("name", query_names())
def test_a_real_answer_is_as_told(client: httpx.Client, name: str) -> None:
    """Every query's rows have the columns of the document, no others, and money as text."""
    needed = set(named(name).parameters) - set(DEFAULTS)
    given = {one: _VALUES[one] for one in needed}
    given |= {"per": "workspace"} if name == "spending" else {}
    given |= {"trace_id": TRACE} if name == "records" else {}
    answer = client.get(f"/v1/queries/{name}", params=given)
    assert answer.status_code == 200, answer.text
    schema = PATHS[f"/v1/queries/{name}"]["get"]["responses"]["200"]["content"]
    told = {**schema["application/json"]["schema"], "components": document()["components"]}
    Draft202012Validator(told).validate(answer.json())


def test_the_rest_is_told(client: httpx.Client) -> None:
    """How keys are sent, what is too large, what readiness answers, whose budgets."""
    schemes = document()["components"]["securitySchemes"]
    assert {one["type"] for one in schemes.values()} == {"http", "apiKey"}
    assert "413" in PATHS["/v1/sql"]["post"]["responses"]
    large = client.post("/v1/sql", content="SELECT 1 " + " " * 70_000)
    assert large.status_code == 413
    ready = PATHS["/readyz"]["get"]["responses"]
    assert set(ready) == {"200", "503"}
    assert client.get("/readyz").json() == {"ready": True}
    (word,) = PATHS["/v1/budgets"]["get"]["parameters"]
    assert word["name"] == "workspace"


@pytest.mark.parametrize("path", REPORTS)
def test_a_report_is_told_with_its_parameters(client: httpx.Client, path: str) -> None:
    """What the API itself lists when it is asked for one that it has not."""
    assert path in ANSWERS
    answer = client.get(path.replace("{name}", "planner"), params={"nothing": "1"})
    assert answer.status_code == 400
    listed = answer.json()["error"].partition("there are ")[2].split(", ")
    told = {one["name"] for one in PATHS[path]["get"]["parameters"] if one["in"] == "query"}
    assert set(listed) == told


@pytest.mark.parametrize(
    "path", [path for path, told in PATHS.items() if "get" in told and "/queries/" not in path]
)
def test_answers_are_of_the_kind_told(client: httpx.Client, path: str) -> None:
    """Status, media type and schema of a plain request."""
    where = re.sub(r"\{trace_id\}", TRACE, path).replace("{name}", "planner")
    given = {"old": "1", "new": "2"} if path.endswith("comparison") else {}
    answer = client.get(where, params=given)
    told = PATHS[path]["get"]["responses"]
    assert str(answer.status_code) in told
    kind = answer.headers["content-type"].partition(";")[0]
    content = told[str(answer.status_code)]["content"]
    assert kind in content
    if kind == "application/json":
        schema = {**content[kind]["schema"], "components": document()["components"]}
        Draft202012Validator(schema).validate(answer.json())
