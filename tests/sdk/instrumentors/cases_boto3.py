"""The ``boto3`` client of Bedrock's runtime under the contract; it has no asynchronous sister."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from tests.sdk.instrumentors.conftest import Spans
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)
from tests.support.contracts import OLDEST, Hole

from spanledger import semconv
from spanledger.instrumentors.boto3 import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL = "us.anthropic.claude-opus-5-20260101-v1:0"
EMBED_MODEL = "amazon.titan-embed-text-v2:0"
ASKED: dict[str, Any] = {
    "modelId": MODEL,
    "messages": [{"role": "user", "content": [{"text": SECRET_PROMPT}]}],
    "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "topP": 0.9},
}
MESSAGE: dict[str, Any] = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": SECRET_PROMPT}],
}
ANSWER = Answer(
    text=SECRET_ANSWER,
    input_tokens=1000,
    output_tokens=70,
    cache_read_tokens=400,
    cache_write_5m_tokens=50,
    cache_write_1h_tokens=30,
)
CLAUDE = dataclasses.replace(ANSWER, model="claude-opus-5-20260101")
EMBEDDED = Answer(input_tokens=12, output_tokens=0)
PLAIN = Answer(input_tokens=1000, output_tokens=70)
CACHED = Answer(
    input_tokens=1000, output_tokens=70, cache_read_tokens=400, cache_write_5m_tokens=50
)


def told_by(spans: Spans) -> dict[str, Any]:
    """What the one span has."""
    [span] = spans()
    return dict(span.attributes or {})


def same_counts(told: dict[str, Any], answer: Answer) -> None:
    """Whether a span has the provider's counts, whole."""
    written = answer.cache_write_5m_tokens + answer.cache_write_1h_tokens
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == answer.input_tokens
    assert told[semconv.USAGE_OUTPUT_TOKENS] == answer.output_tokens
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == answer.cache_read_tokens
    assert told.get(semconv.USAGE_CACHE_WRITE_INPUT_TOKENS, 0) == written
    assert semconv.USAGE_PARTIAL not in told


def connect(provider: Provider, **settings: Any) -> Any:
    """A client of the simulated provider."""
    make: Any = boto3.client  # its types have an overload a service
    return make(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=provider.url,
        aws_access_key_id="made-up",
        aws_secret_access_key="made-up",
        config=Config(**settings),
    )


def make(_mode: Mode, provider: Provider, **options: Any) -> Any:
    """A client that waits as long as it is told: the real one waits a random time up to seconds.

    Retrying is done by a handler of botocore's public event, as an application may.
    """
    timeout = options.get("timeout", 60)
    client = connect(
        provider, read_timeout=timeout, connect_timeout=timeout, retries={"total_max_attempts": 1}
    )
    retry = functools.partial(_retry, options.get("max_retries", 2))
    client.meta.events.register_first("needs-retry.bedrock-runtime", retry)
    return client


def _retry(most: int, *, attempts: int, response: Any, **_event: Any) -> float | None:
    status = response[0].status_code if response else 0
    if attempts > most or status not in (429, 503):
        return None
    return float(response[0].headers["retry-after"])


def invoke(client: Any, model: str, body: dict[str, Any]) -> Any:
    """InvokeModel as applications call it."""
    return json.loads(client.invoke_model(modelId=model, body=json.dumps(body))["body"].read())


def invoke_stream(client: Any, model: str, body: dict[str, Any]) -> Any:
    """The chunks of the same."""
    asked = {"modelId": model, "body": json.dumps(body).encode()}
    return client.invoke_model_with_response_stream(**asked)["body"]


def _chat(
    name: str, shape: Shape, call: Callable[[Any], Any], answer: Answer = ANSWER
) -> Operation:
    return Operation(name, shape, call, answer, f"chat {MODEL}", answered_by=answer.model)


OPERATIONS = (
    _chat("bedrock converse", Shape.WHOLE, lambda c: c.converse(**ASKED)),
    _chat("bedrock converse stream", Shape.STREAM, lambda c: c.converse_stream(**ASKED)["stream"]),
    _chat("bedrock invoke", Shape.WHOLE, lambda c: invoke(c, MODEL, MESSAGE), CLAUDE),
    _chat(
        "bedrock invoke stream", Shape.STREAM, lambda c: invoke_stream(c, MODEL, MESSAGE), CLAUDE
    ),
    Operation(
        "bedrock embeddings",
        Shape.WHOLE,
        lambda c: invoke(c, EMBED_MODEL, {"inputText": SECRET_PROMPT}),
        EMBEDDED,
        f"embeddings {EMBED_MODEL}",
    ),
)

_UNKNOWN = Hole(
    "a_call_is_told_and_its_result_is_untouched",
    "old versions of botocore drop the counts of cached tokens that Converse sends",
    ways=("bedrock converse", "bedrock converse stream"),
    parts=("input is told", "cached input is told"),
)

CASES = ClientCases(
    instrumentor=INSTRUMENTOR,
    make=make,
    operations=OPERATIONS,
    lacks={
        "async": "boto3 has no asynchronous client",
        "async stream": "boto3 has no asynchronous client",
    },
    holes=(
        Hole(
            "reasoning_is_told_as_a_part_of_the_output",
            "no usage of Converse counts thoughts apart",
        ),
        Hole(
            "the_model_that_answered_is_told",
            "the answers of Converse and of Amazon's models name none",
            ways=("bedrock converse", "bedrock converse stream", "bedrock embeddings"),
        ),
        *((_UNKNOWN,) if OLDEST else ()),
    ),
)
