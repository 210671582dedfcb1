"""The OpenAPI document is one, and says what the API does: no route and no parameter is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from prometheus_client import CollectorRegistry
from starlette.routing import Route
from tests.collector.settle import scene
from tests.support.filled_ledger import TRACE
from tests.support.served_ledger import Served, served

from spanledger_collector.query import named
from spanledger_collector.query.named import DEFAULTS, read_names
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
    queries = {f"/v1/queries/{name}" for name in read_names()}
    assert set(PATHS) - queries == set(routes) - {"/v1/queries/{name}"}
    assert queries <= set(PATHS)
    for path in set(PATHS) - queries - {"/v1/records"}:
        methods = {method.upper() for method in PATHS[path]}
        assert methods == (routes[path].methods or set()) - {"HEAD"}


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """Stands for what takes records."""


@pytest.mark.parametrize("name", read_names())
def test_a_query_is_told_with_its_parameters(name: str) -> None:
    """All of them, by name; and in words."""
    told = PATHS[f"/v1/queries/{name}"]["get"]
    assert {one["name"] for one in told["parameters"]} == set(named(name).parameters)
    assert all(one["description"] for one in told["parameters"])
    assert len(told["summary"]) > 10


@pytest.mark.slow
def test_the_columns_are_those_that_the_engine_tells(any_store: Store) -> None:
    """Embedded and server: every column of every query has a type, and the type a schema."""
    with any_store.connect() as connection:
        assert described(connection) == columns(), (
            "run: python -m spanledger_collector.serve.columns"
        )
    for name in read_names():
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


@pytest.mark.parametrize("name", read_names())
def test_a_real_answer_is_as_told(client: httpx.Client, name: str) -> None:
    """Every query's rows have the columns of the document, no others, and money as text."""
    needed = set(named(name).parameters) - set(DEFAULTS)
    given = {one: _VALUES[one] for one in needed}
    given |= {"trace_id": TRACE} if name == "records" else {}
    answer = client.get(f"/v1/queries/{name}", params=given)
    assert answer.status_code == 200, answer.text
    schema = PATHS[f"/v1/queries/{name}"]["get"]["responses"]["200"]["content"]
    told = {**schema["application/json"]["schema"], "components": document()["components"]}
    Draft202012Validator(told).validate(answer.json())


@pytest.mark.slow
def test_what_is_required_is_enough(client: httpx.Client) -> None:
    """Every path, asked with nothing but what the document requires."""
    values = {**_VALUES, "old": "1", "new": "2"}
    missing = ("/v1/budgets", "/v1/agents/{name}/comparison")  # nobody watches; one version
    for path, told in PATHS.items():
        if "get" not in told or path == "/v1/queries/records":
            continue
        needed = [one for one in told["get"]["parameters"] if one["required"]]
        given = {one["name"]: values[one["name"]] for one in needed if one["in"] == "query"}
        where = path.replace("{trace_id}", TRACE).replace("{name}", "planner")
        answer = client.get(where, params=given)
        assert answer.status_code == (404 if path in missing else 200), (path, answer.text)
    ids = [told[method]["operationId"] for told in PATHS.values() for method in told]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("queries/economics_by?by=bogus", "it is none of total, day, agent"),
        ("queries/traces_by?by=agent", "it is none of total, day, tenant"),
        ("queries/attempts_behind?only=calls,bogus", "it is none of calls, work"),
        ("queries/focus?grain=hour", "it is none of day, run, attempt"),
        ("queries/spending?per=workspace", "it is none of agent, tenant"),
        ("agents/planner/what-if?cache_share=nan", "is no number"),
        ("agents/planner/what-if?cache_share=inf", "is no number"),
        ("agents/planner/comparison?old=1&new=2&matters=nan", "is no number"),
        ("agents/planner/what-if?tier=zzz", "'zzz' is no service tier"),
        ("agents/planner/what-if?tier=batch&tier=flex", "tier is given 2 times"),
        ("queries/runs?limit=1&limit=2", "limit is given 2 times"),
        ("agents/planner/what-if?host=x&gpu=l4", "all three of host, gpu and gpu_rate"),
        ("agents/planner/what-if?host=x&gpu=l4&gpu_rate=0", "gpu_rate 0 cannot be used: a rate is"),
        ("agents/planner/what-if?gpus=1.5", "gpus = '1.5' is no whole number from 1 on"),
        ("sums?by=agent", "is none of total, day, tenant"),
        ("quality?by=model", "is none of total, agent"),
        ("queries/runs?since=2026-11-03&until=2026-11-01", "the period ends before it starts"),
        ("frontier?since=2026-11-03&until=2026-11-01", "the period ends before it starts"),
    ],
)
def test_a_word_that_means_nothing_is_refused(client: httpx.Client, path: str, told: str) -> None:
    """It would be answered as if it were another; and what is told of it refuses it, too."""
    answer = client.get(f"/v1/{path}")
    assert answer.status_code == 400, answer.text
    assert told in answer.json()["error"]
    assert client.get("/v1/queries/models_behind?only=calls,rework").status_code == 200
    if path.startswith("queries/") and "&" not in path:
        where, _, given = path.partition("?")
        name, _, word = given.partition("=")
        (schema,) = [
            one["schema"] for one in PATHS[f"/v1/{where}"]["get"]["parameters"]
            if one["name"] == name
        ]  # fmt: skip
        assert not Draft202012Validator(schema).is_valid(word)
        assert Draft202012Validator(schema).is_valid(schema["default"])


@pytest.mark.slow
def test_a_name_may_hold_a_slash(store: Store) -> None:
    """An agent of a team: ``team/billing``, and one whose name ends as a path does."""
    names = ("team/billing", "team/comparison", "100%2F")
    with store.connect() as connection:
        for trace, name in enumerate(names, 1):
            who = {"agent_name": name, "agent_version": "1", "trace": trace}
            scene.load(connection, [scene.span(1, 0, "agent", **who)])
    scene.settle(store, [1, 2, 3])
    with served(store) as api, httpx.Client(base_url=api.url, timeout=300) as client:
        for name in names:
            at = f"/v1/agents/{quote(name, safe='')}"
            assert client.get(at).json()["agent_name"] == name
            assert client.get(f"{at}/what-if").status_code == 200
            compared = client.get(f"{at}/comparison", params={"old": "1", "new": "2"})
            assert "'2'" in compared.json()["error"]
        assert client.get("/v1/agents/team").status_code == 404


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


_BY = [path for path, (_, names, _) in REPORTS.items() if "by" in names]


@pytest.mark.parametrize("path", _BY)
def test_the_words_of_a_report_are_told(client: httpx.Client, path: str) -> None:
    """Each that is listed is taken, nothing else is, and the default is what is answered."""
    [told] = [one for one in PATHS[path]["get"]["parameters"] if one["name"] == "by"]
    where = path.replace("{name}", "planner")
    compared = {"old": "1", "new": "2"} if path.endswith("comparison") else {}
    answers = {
        word: client.get(where, params={**compared, "by": word})
        for word in [*told["schema"]["enum"], "weekday"]
    }
    assert answers.pop("weekday").status_code == 400
    # Of a comparison there may be no such groups here.
    assert all(answer.status_code in (200, 404) for answer in answers.values())
    plain = client.get(where, params=compared)
    assert (plain.status_code, plain.json()) == (
        answers[told["schema"]["default"]].status_code,
        answers[told["schema"]["default"]].json(),
    )


@pytest.mark.slow
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
