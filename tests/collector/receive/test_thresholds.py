"""Scores mean what the operator says they mean, whatever way an evaluation comes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.collector.receive.conftest import Connect, Inbox, Start
from tests.collector.receive.test_evaluations import body as spans_body
from tests.collector.receive.told_logs import attributes_of, log_request, told_spans
from tests.support.otlp_requests import PlainSpan, request

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.receive.thresholds import read_thresholds

RULES = """
evaluations:
  - { name: Relevance, wrong_below: 0.5 }
  - { name: hallucination, wrong_from: 0.7, verdict: hallucinated }
  - { name: band, wrong_below: 1, wrong_from: 4 }
  - { name: "*", wrong_below: -1 }
"""


@pytest.fixture(name="rules")
def _rules(tmp_path: Path) -> Path:
    path = tmp_path / "evaluations.yaml"
    path.write_text(RULES)
    return path


def _told(name: str, score: float | str | None, **others: str) -> Span:
    span = Span()
    told: dict[str, AnyValue] = {"gen_ai.evaluation.name": AnyValue(string_value=name)}
    if isinstance(score, str):
        told["gen_ai.evaluation.score.value"] = AnyValue(string_value=score)
    elif isinstance(score, int):
        told["gen_ai.evaluation.score.value"] = AnyValue(int_value=score)
    elif score is not None:
        told["gen_ai.evaluation.score.value"] = AnyValue(double_value=score)
    for key, value in others.items():
        told[key.replace("__", ".")] = AnyValue(string_value=value)
    span.attributes.extend(KeyValue(key=key, value=value) for key, value in told.items())
    return span


@pytest.mark.parametrize(
    ("name", "score", "verdict"),
    [
        ("relevance", 0.49, "wrong"),
        ("RELEVANCE", 0.5, "acceptable"),
        ("hallucination", 0.7, "hallucinated"),
        ("hallucination", 0.69, "acceptable"),
        ("band", 0, "wrong"),
        ("band", 1, "acceptable"),
        ("band", 4, "wrong"),
        ("another", 0.0, "acceptable"),
        ("another", -2.0, "wrong"),
        ("relevance", None, None),
        ("relevance", "0.1", None),
        ("relevance", float("nan"), None),
    ],
)
def test_a_score_is_held_against_the_rule_of_its_name(
    rules: Path, name: str, score: float | str | None, verdict: str | None
) -> None:
    span = _told(name, score)
    read_thresholds(rules).judge([span])
    assert attributes_of(span).get("spanledger.evaluation.verdict") == verdict


def test_a_verdict_that_is_told_is_kept(rules: Path) -> None:
    span = _told("relevance", 0.1, spanledger__evaluation__verdict="acceptable")
    read_thresholds(rules).judge([span])
    assert attributes_of(span)["spanledger.evaluation.verdict"] == "acceptable"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("evaluations:\n  - { name: a }", "rule 1.*give wrong_below or wrong_from"),
        ("evaluations:\n  - { name: a, wrong_from: .nan }", "wrong_from"),
        ("evaluations:\n  - { name: a, wrong_from: 1, verdict: acceptable }", "verdict"),
        (
            "evaluations:\n  - { name: a, wrong_from: 1 }\n  - { name: A, wrong_below: 1 }",
            "two rules for a",
        ),
    ],
)
def test_a_rule_that_cannot_be_is_told(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "evaluations.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=why):
        read_thresholds(path)


async def test_every_way_in_is_judged(
    start: Start, connect: Connect, inbox: Inbox, rules: Path
) -> None:
    """An event of a span, a log record, a record of the API and one of the SDK."""
    connection = await connect(await start(evaluations_file=rules))
    told: Mapping[str, Any] = {
        "gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.1,
    }  # fmt: skip
    of_sdk = PlainSpan(attributes=(("gen_ai.operation.name", "record"), *told.items()))
    record = {"kind": "evaluation", "run_id": "r", "name": "relevance", "score": 0.1}
    sent = (
        ("/v1/traces", spans_body(dict(told)), "application/x-protobuf"),
        (
            "/v1/logs",
            log_request({"attributes": told}).SerializeToString(),
            "application/x-protobuf",
        ),
        ("/v1/traces", request([of_sdk]), "application/x-protobuf"),
        ("/v1/records", orjson.dumps({"records": [record]}), "application/json"),
    )
    for path, content, content_type in sent:
        await connection.request(content, path=path, content_type=content_type)
        assert (await connection.answer()).status == 200, path
    for payload in inbox.payloads:
        found = [attributes_of(span) for span in told_spans(payload)]
        judged = [one for one in found if "gen_ai.evaluation.score.value" in one]
        assert [one["spanledger.evaluation.verdict"] for one in judged] == ["wrong"]
