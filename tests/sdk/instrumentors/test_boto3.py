"""What only Bedrock's client does: bodies read like files, formats of many vendors, events."""

from __future__ import annotations

import functools
import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError
from tests.sdk.instrumentors.cases_boto3 import (
    ANSWER,
    ASKED,
    CACHED,
    CASES,
    EMBED_MODEL,
    MESSAGE,
    PLAIN,
    connect,
    invoke,
    invoke_stream,
    same_counts,
    told_by,
)
from tests.sdk.instrumentors.conftest import Desk, Spans

from spanledger import semconv
from spanledger.instrumentors.boto3 import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider, ToolCall

#: Model id, request body, and whether its vendor or Bedrock itself tells cached tokens.
VENDORS: list[tuple[str, dict[str, Any], Answer]] = [
    ("anthropic.claude-opus-5-20260101-v1:0", MESSAGE, ANSWER),
    ("openai.gpt-oss-120b-1:0", {"messages": MESSAGE["messages"]}, PLAIN),
    ("us.amazon.nova-pro-v1:0", {"messages": [{"role": "user", "content": []}]}, CACHED),
    ("amazon.titan-text-express-v1", {"inputText": "hello"}, PLAIN),
    ("meta.llama3-1-70b-instruct-v1:0", {"prompt": "hello"}, PLAIN),
    ("mistral.mistral-large-2402-v1:0", {"prompt": "hello"}, CACHED),
    ("cohere.command-r-plus-v1:0", {"message": "hello"}, PLAIN),
]
IDS = [model for model, _, _ in VENDORS]


@pytest.mark.parametrize(("model", "body", "answer"), VENDORS, ids=IDS)
def test_each_vendors_answer_is_read(
    model: str, body: dict[str, Any], answer: Answer, desk: Desk
) -> None:
    """From the body where it has counts, from Bedrock's headers where it has none."""
    desk.provider.enqueue(answer)
    invoke(desk.make(CASES, "sync"), model, body)
    told = told_by(desk.spans)
    same_counts(told, answer)
    assert told[semconv.REQUEST_MODEL] == model
    assert told[semconv.RESPONSE_FINISH_REASONS]
    assert told[semconv.RESPONSE_ID]


@pytest.mark.parametrize(("model", "body", "answer"), VENDORS, ids=IDS)
def test_each_vendors_stream_is_read(
    model: str, body: dict[str, Any], answer: Answer, desk: Desk
) -> None:
    """From the chunks where they have counts, from Bedrock's metrics in the last where not."""
    desk.provider.enqueue(answer)
    assert list(invoke_stream(desk.make(CASES, "sync"), model, body))
    told = told_by(desk.spans)
    same_counts(told, answer)
    assert told[semconv.RESPONSE_FINISH_REASONS]
    assert told[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] > 0


@pytest.mark.parametrize(("model", "body", "answer"), VENDORS, ids=IDS)
def test_a_stream_that_is_left_is_estimated(
    model: str, body: dict[str, Any], answer: Answer, desk: Desk
) -> None:
    """The text that came, in whatever format, is the text that is counted."""
    desk.provider.enqueue(answer)
    stream = invoke_stream(desk.make(CASES, "sync"), model, {**body, "prompt": "one two three"})
    for number, _ in enumerate(stream):
        if number == 6:
            break
    stream.close()
    told = told_by(desk.spans)
    assert told[semconv.USAGE_PARTIAL] is True
    assert told[semconv.USAGE_SOURCE] in ("estimated", "provider")  # Meta counts as it goes
    assert told[semconv.USAGE_INPUT_TOKENS] > 0
    assert 2 <= told[semconv.USAGE_OUTPUT_TOKENS] <= 20


def test_embeddings_have_input_alone(desk: Desk) -> None:
    """Cohere's answer has no counts: the header of the input is all there is, and enough."""
    desk.provider.enqueue(Answer(input_tokens=12))
    invoke(desk.make(CASES, "sync"), "cohere.embed-english-v3", {"texts": ["hello"]})
    told = told_by(desk.spans)
    assert told[semconv.OPERATION_NAME] == "embeddings"
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == 12
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 0


def test_reranking_is_told_in_search_units(desk: Desk) -> None:
    """No tokens are estimated for it: they would be nobody's bill."""
    documents = [f"document {number}" for number in range(150)]
    body = {"query": "which?", "documents": documents, "api_version": 2}
    invoke(desk.make(CASES, "sync"), "cohere.rerank-v3-5:0", body)
    told = told_by(desk.spans)
    assert told[semconv.OPERATION_NAME] == "rerank"
    assert told[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_SEARCH_UNITS] == 2
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert semconv.USAGE_INPUT_TOKENS not in told


def test_pictures_have_no_tokens_to_estimate(desk: Desk) -> None:
    """They are billed by the piece, and how many there are is told."""
    desk.provider.enqueue(Answer(usage=False))
    body = {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a house"}}
    invoke(desk.make(CASES, "sync"), "amazon.nova-canvas-v1:0", body)
    told = told_by(desk.spans)
    assert told[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_IMAGES] == 1
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert semconv.USAGE_INPUT_TOKENS not in told


def test_converse_tells_tier_tools_and_the_routed_model(desk: Desk) -> None:
    """What sets the price: the tier that served, and the model that a prompt router chose."""
    routed = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0"
    tools = (ToolCall("search", {"query": "x"}),)
    said = Answer(tool_calls=tools, model=routed, service_tier="priority", finish_reason="tool_use")
    router = "arn:aws:bedrock:us-east-1:1:default-prompt-router/amazon.nova:1"
    desk.provider.enqueue(said, said)
    client = desk.make(CASES, "sync")
    client.converse(**{**ASKED, "modelId": router})
    stream = client.converse_stream(**{**ASKED, "modelId": router})["stream"]
    assert isinstance(stream, EventStream)
    assert len(list(stream)) > 4
    for span in desk.spans():
        told = dict(span.attributes or {})
        assert span.name == f"chat {router}"
        assert told[semconv.RESPONSE_MODEL] == routed
        assert told[semconv.OPENAI_RESPONSE_SERVICE_TIER] == "priority"
        assert told[semconv.RESPONSE_FINISH_REASONS] == ("tool_use",)
        assert told[semconv.REQUEST_MAX_TOKENS] == 100
        assert told[semconv.REQUEST_TOP_P] == 0.9


def test_an_error_inside_a_stream_is_told_by_its_code(desk: Desk) -> None:
    """The HTTP status was 200; the exception is botocore's."""
    desk.provider.enqueue(Answer(text="one two", finish_reason="throttled"))
    stream = desk.make(CASES, "sync").converse_stream(**ASKED)["stream"]
    with pytest.raises(EventStreamError):
        list(stream)
    told = told_by(desk.spans)
    assert told[semconv.ERROR_TYPE] == "throttlingException"
    assert told[semconv.USAGE_PARTIAL] is True
    assert told[semconv.USAGE_OUTPUT_TOKENS] >= 2


def _sleep_briefly(sleep: Callable[[float], None], _seconds: float) -> None:
    sleep(0.01)


@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_botocores_own_retries_are_told(
    mode: str, provider: Provider, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its count and ours agree; the wait is the one it took."""
    monkeypatch.setattr(time, "sleep", functools.partial(_sleep_briefly, time.sleep))
    client = connect(provider, retries={"mode": mode, "total_max_attempts": 3})
    provider.enqueue(Answer(status=503), Answer(status=429), ANSWER)
    result = client.converse(**ASKED)
    client.close()
    told = told_by(spans)
    assert told.get(semconv.RETRY_COUNT, 0) == result["ResponseMetadata"]["RetryAttempts"] == 2
    assert told[semconv.RETRY_REASON] == ("503", "429")
    assert min(told[semconv.RETRY_WAIT_SECONDS]) >= 0.01


def test_a_call_that_was_never_sent_is_told_as_failed(desk: Desk) -> None:
    """Parameters are checked by botocore before any request."""
    with pytest.raises(Exception, match="Missing required parameter"):
        desk.make(CASES, "sync").converse(messages=[])
    told = told_by(desk.spans)
    assert told[semconv.ERROR_TYPE] == "ParamValidationError"
    assert not desk.provider.requests


def test_every_operation_is_told_or_listed(provider: Provider) -> None:
    """An operation that a new version adds fails here until somebody decides about it."""
    client = connect(provider)
    [factory] = INSTRUMENTOR.factories
    prefix = f"{type(client).__module__}.{type(client).__name__}"
    listed = {name.removeprefix(f"{prefix}.") for name in INSTRUMENTOR.not_metered}
    assert set(client.meta.method_to_api_mapping) == set(factory.methods) | listed
    client.close()


def test_an_embedding_that_is_sent_as_a_file_is_told_too(desk: Desk) -> None:
    """A body that cannot be read twice is left alone."""
    desk.provider.enqueue(Answer(input_tokens=12))
    client = desk.make(CASES, "sync")
    body = io.BytesIO(b'{"inputText": "hello"}')
    client.invoke_model(modelId=EMBED_MODEL, body=body)["body"].read()
    assert told_by(desk.spans)[semconv.USAGE_INPUT_TOKENS] == 12
