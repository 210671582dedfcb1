"""The OpenAPI document of the API, made of what it is: named queries with the parameters they take.

A query's words are those of the head of its SQL file, and the schema of a report is the type that
the Python API answers, so that the document cannot say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, Final, get_type_hints

from spanledger_collector.query import Ledger, Recorded, Settling, named
from spanledger_collector.query.named import read_names

from .economics import ANSWERS
from .other_schemas import OTHERS, RECORDS, SETTLEMENT
from .parameters import in_path, of_query, of_report
from .query_schemas import headline, row_of, rows_of
from .schemas import WHERE, Schema, schema_of

_JSON: Final = "application/json"
ARROW: Final = "application/vnd.apache.arrow.stream"
_NO_WORD: Final = re.compile(r"\W+")
_PERIOD: Final = ("since", "until")
_PART: Final = (*_PERIOD, "version", "tenant")
#: Part of a trace -> the query that answers it; of the summary there is one row.
TRACE_PARTS: Final[Mapping[str, str]] = {
    "summary": "trace_summary",
    "runs": "trace_runs",
    "attempts": "trace_attempts",
    "spans": "trace_spans",
}
#: Path -> what it answers, the parameters that it takes beside ``workspace``, and what computes it:
#: the words that a parameter may be, and what it is where it is not given, are of that method.
REPORTS: Final[Mapping[str, tuple[str, Sequence[str], Callable[..., Any]]]] = {
    "/v1/agents": (
        "All agents and versions, with intervals and verdicts.",
        (*_PART, "agent"),
        Ledger.agents_of,
    ),
    "/v1/agents/{name}": ("One agent, whole, with intervals.", (*_PART, "by"), Ledger.agent),
    "/v1/agents/{name}/comparison": (
        "Two versions, models or tenants of an agent.",
        (*_PART, "by", "old", "new", "matters"),
        Ledger.compare,
    ),
    "/v1/agents/{name}/what-if": (
        "What an agent would cost otherwise.",
        (
            *_PERIOD,
            "model",
            "tier",
            "cache_share",
            "rework_share",
            "host",
            "gpu",
            "gpu_rate",
            "gpus",
            "weights",
        ),
        Ledger.what_if,
    ),
    "/v1/break-even": (
        "How many runs earn back what was paid once.",
        ("agent",),
        Ledger.break_even,
    ),
    "/v1/frontier": (
        "Cost beside the latency that it buys.",
        (*_PERIOD, "agent"),
        Ledger.frontier,
    ),
    "/v1/quality": (
        "Cost of quality, with intervals.",
        (*_PART, "by", "agent"),
        Ledger.quality,
    ),
    "/v1/rework": ("What was paid twice, and why.", (*_PART, "by", "agent"), Ledger.rework),
    "/v1/sums": ("All agents together, with intervals.", (*_PART, "by", "agent"), Ledger.sums_by),
}
_EITHER: Final = ("Status", "Error")
_ERRORS: Final[Mapping[str, str]] = {
    "400": "A parameter that cannot be used.",
    "401": "No API key, or one that is not known (only where keys are asked for).",
    "403": "Not with this API key.",
    "404": "There is no such thing.",
    "405": "Not with this method.",
    "413": "The answer would be too large: narrow since and until, or ask for fewer rows.",
    "429": "Too many wrong API keys from this address: ask again after Retry-After seconds.",
    "500": "A defect of the collector: its log tells more.",
    "503": "Not now: ask again after Retry-After seconds.",
}
#: What the receivers answer instead, with ``google.rpc.Status`` as OTLP has it (receive/status.py).
_RECEIVED: Final[Mapping[str, tuple[str, Sequence[str]]]] = {
    "400": ("None of the records, or no body, that can be used.", ("Recorded", "Status")),
    "405": ("Not with this method.", ("Status",)),
    "408": ("The body did not come in time.", ("Status",)),
    "413": ("The body is too large.", ("Status",)),
    "415": ("Neither JSON nor an encoding that is known.", ("Status",)),
    "429": ("The journal is full, or too many wrong API keys: send again later.", _EITHER),
    "500": ("A defect of the collector: its log tells more.", ("Status",)),
    "503": ("Not now: send again after Retry-After seconds.", ("Status",)),
}


_SECURITY: Final[Mapping[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "What browsers send: the API key is the password.",
    },
}


@cache
def document() -> Mapping[str, Any]:
    """The document, OpenAPI 3.1."""
    schemas = dict(OTHERS)
    paths = {**_queries(), **_reports(schemas), **_others(schemas)}
    for path, methods in paths.items():
        for method, told in methods.items():
            told["operationId"] = _NO_WORD.sub("_", f"{method}{path}").strip("_")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "spanledger",
            "version": version("spanledger"),
            "summary": "Unit economics of LLM agents.",
            "description": "Money is a string with every digit, null = unknown; times are UTC.",
        },
        "paths": paths,
        # Keys are asked for where the collector has any; without keys everybody may everything.
        "security": [{}, {"bearer": []}, {"header": []}, {"basic": []}],
        "components": {"securitySchemes": _SECURITY, "schemas": schemas},
    }


def _queries() -> Mapping[str, Any]:
    listing = _get("The named queries and the types of their parameters.", [], _named("Queries"))
    paths: dict[str, Any] = {"/v1/queries": {"get": listing}}
    arrow = {ARROW: {"schema": {"type": "string", "contentEncoding": "binary"}}}
    for name in read_names():
        content = {**_body(_JSON, rows_of(name)), **arrow}
        answer = _get(headline(name), of_query(named(name)), content)
        paths[f"/v1/queries/{name}"] = {"get": answer}
    return paths


def _reports(schemas: dict[str, Schema]) -> Mapping[str, Any]:
    return {
        path: {
            "get": _get(
                words,
                [*in_path(path), *of_report(("workspace", *names), method)],
                _body(_JSON, schema_of(get_type_hints(ANSWERS[path])["return"], schemas)),
            )
        }
        for path, (words, names, method) in REPORTS.items()
    }


def _others(schemas: dict[str, Schema]) -> Mapping[str, Any]:
    health, text = _named("Health"), {"text/plain": {"schema": {"type": "string"}}}
    trace = [*in_path("/v1/traces/{trace_id}"), *of_report(["workspace"])]
    account = _account("The collector's account of itself: 200 while it receives.", health)
    ready = _account("Whether it receives, and the ledger answers.", health)
    return {
        "/v1/traces/{trace_id}": {
            "get": _get(
                "Summary, runs, attempts and spans of one trace.", trace, _body(_JSON, _trace())
            )
        },
        "/v1/budgets": {
            "get": _get(
                "Budgets and alerts as evaluated last.",
                [*of_report(["workspace"])],
                _named("Watched"),
            )
        },
        "/v1/records": {
            "post": _records(schema_of(Recorded, schemas)),
        },
        "/v1/settlements": {
            "post": _post(
                "Have traces settled again, by this collector.",
                _JSON,
                SETTLEMENT,
                schema_of(Settling, schemas),
            )
        },
        "/v1/sql": {
            "post": _post(
                "One guarded SELECT; off unless asked for.",
                "text/plain",
                {"type": "string"},
                {"$ref": WHERE + "Rows"},
            )
        },
        "/healthz": {"get": account},
        "/readyz": {"get": ready},
        "/metrics": {"get": _get("Prometheus text.", [], text)},
        "/openapi.json": {"get": _get("This document.", [], _body(_JSON, {"type": "object"}))},
    }


def _account(summary: str, health: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "summary": summary,
        "parameters": [],
        "responses": {
            "200": {"description": "It does.", "content": health},
            "503": {"description": "It does not, and why not.", "content": health},
        },
    }


def _named(name: str) -> dict[str, Any]:
    return _body(_JSON, {"$ref": WHERE + name})


def _trace() -> Schema:
    parts = {part: row_of(name) for part, name in TRACE_PARTS.items()}
    many = {part: {"type": "array", "items": row} for part, row in parts.items()}
    return {
        "type": "object",
        "required": list(parts),
        "properties": {**many, "summary": parts["summary"]},
        "additionalProperties": False,
    }


def _get(words: str, parameters: Sequence[Any], content: Any) -> dict[str, Any]:
    return {"summary": words, "parameters": list(parameters), "responses": _answers("200", content)}


def _records(answer: Schema) -> dict[str, Any]:
    """What is sent to a receiver, which answers as one."""
    told = _post("Records of runs.", _JSON, RECORDS, answer)
    received = {
        code: {
            "description": words,
            "content": _body(_JSON, {"anyOf": [{"$ref": WHERE + name} for name in names]}),
        }
        for code, (words, names) in _RECEIVED.items()
    }
    given = {code: one for code, one in told["responses"].items() if code != "404"}
    return {**told, "responses": {**given, **received}}


def _post(words: str, kind: str, body: Schema, answer: Schema) -> dict[str, Any]:
    return {
        "summary": words,
        "requestBody": {"required": True, "content": _body(kind, body)},
        "responses": {
            **_answers("200", _body(_JSON, answer)),
            "413": {
                "description": "The body is too large, or the answer would be.",
                "content": _named("Error"),
            },
        },
    }


def _answers(status: str, content: Any) -> Mapping[str, Any]:
    error = _named("Error")
    failures = {code: {"description": told, "content": error} for code, told in _ERRORS.items()}
    return {status: {"description": "The answer.", "content": content}, **failures}


def _body(kind: str, schema: Schema) -> dict[str, Any]:
    return {kind: {"schema": schema}}
