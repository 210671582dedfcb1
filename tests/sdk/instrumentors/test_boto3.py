"""What only Bedrock's client does: bodies read like files, formats of many vendors, events."""

from __future__ import annotations

import functools
import gc
import io
import json
import time
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.client import ClientCreator
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError
from botocore.response import StreamingBody
from opentelemetry.sdk.trace import TracerProvider
from tests.sdk.instrumentors.cases_boto3 import (
    ANSWER,
    ASKED,
    CASES,
    EMBED_MODEL,
    MESSAGE,
    MODEL,
    connect,
    invoke,
    invoke_stream,
)
from tests.sdk.instrumentors.conftest import Desk, Spans

from spanledger import _registry, semconv
from spanledger._hosts import provider_of
from spanledger.instrumentors.boto3 import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider, ToolCall

PLAIN = Answer(input_tokens=1000, output_tokens=70)
CACHED = Answer(
    input_tokens=1000, output_tokens=70, cache_read_tokens=400, cache_write_5m_tokens=50
)
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


def _told(spans: Spans) -> dict[str, Any]:
    [span] = spans()
    return dict(span.attributes or {})


def _same_counts(told: dict[str, Any], answer: Answer) -> None:
    written = answer.cache_write_5m_tokens + answer.cache_write_1h_tokens
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == answer.input_tokens
    assert told[semconv.USAGE_OUTPUT_TOKENS] == answer.output_tokens
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == answer.cache_read_tokens
    assert told.get(semconv.USAGE_CACHE_WRITE_INPUT_TOKENS, 0) == written
    assert semconv.USAGE_PARTIAL not in told


@pytest.mark.parametrize(("model", "body", "answer"), VENDORS, ids=IDS)
def test_each_vendors_answer_is_read(
    model: str, body: dict[str, Any], answer: Answer, desk: Desk
) -> None:
    """From the body where it has counts, from Bedrock's headers where it has none."""
    desk.provider.enqueue(answer)
    invoke(desk.make(CASES, "sync"), model, body)
    told = _told(desk.spans)
    _same_counts(told, answer)
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
    told = _told(desk.spans)
    _same_counts(told, answer)
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
    told = _told(desk.spans)
    assert told[semconv.USAGE_PARTIAL] is True
    assert told[semconv.USAGE_SOURCE] in ("estimated", "provider")  # Meta counts as it goes
    assert told[semconv.USAGE_INPUT_TOKENS] > 0
    assert 2 <= told[semconv.USAGE_OUTPUT_TOKENS] <= 20


def test_embeddings_have_input_alone(desk: Desk) -> None:
    """Cohere's answer has no counts: the header of the input is all there is, and enough."""
    desk.provider.enqueue(Answer(input_tokens=12))
    invoke(desk.make(CASES, "sync"), "cohere.embed-english-v3", {"texts": ["hello"]})
    told = _told(desk.spans)
    assert told[semconv.OPERATION_NAME] == "embeddings"
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == 12
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 0


def test_reranking_is_told_in_search_units(desk: Desk) -> None:
    """No tokens are estimated for it: they would be nobody's bill."""
    documents = [f"document {number}" for number in range(150)]
    body = {"query": "which?", "documents": documents, "api_version": 2}
    invoke(desk.make(CASES, "sync"), "cohere.rerank-v3-5:0", body)
    told = _told(desk.spans)
    assert told[semconv.OPERATION_NAME] == "rerank"
    assert told[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_SEARCH_UNITS] == 2
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert semconv.USAGE_INPUT_TOKENS not in told


def test_pictures_have_no_tokens_to_estimate(desk: Desk) -> None:
    """They are billed by the piece, and how many there are is told."""
    desk.provider.enqueue(Answer(usage=False))
    body = {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a house"}}
    invoke(desk.make(CASES, "sync"), "amazon.nova-canvas-v1:0", body)
    told = _told(desk.spans)
    assert told[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_IMAGES] == 1
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert semconv.USAGE_INPUT_TOKENS not in told


def _read_in_pieces(body: Any) -> bytes:
    pieces: list[bytes] = []
    while piece := body.read(7):
        pieces.append(piece)
    return b"".join(pieces)


def _read_into(body: Any) -> bytes:
    buffer, pieces = bytearray(11), bytearray()
    while number := body.readinto(buffer):
        pieces += buffer[:number]
    return bytes(pieces)


def _read_within(body: Any) -> bytes:
    with body as raw:
        return raw.read()


def _stream_within(body: Any) -> bytes:
    with body as raw:
        return b"".join(raw.stream(9))


def _iterate_within(body: Any) -> bytes:
    with body as raw:
        return b"".join(raw)


READERS: dict[str, Callable[[Any], bytes]] = {
    "read": lambda body: body.read(),
    "read none": lambda body: body.read(amt=None),
    "read pieces": _read_in_pieces,
    "readinto": _read_into,
    "readline": lambda body: b"".join(iter(body.readline, b"")),
    "readlines": lambda body: b"".join(body.readlines()),
    "for": b"".join,
    "next": lambda body: next(body) + b"".join(iter(lambda: body.read(100), b"")),
    "iter_chunks": lambda body: b"".join(body.iter_chunks(chunk_size=5)),
    "iter_lines": lambda body: b"".join(body.iter_lines(keepends=True)),
    "with": _read_within,
    "with stream": _stream_within,
    "with for": _iterate_within,
    "json.load": lambda body: json.dumps(json.load(body)).encode(),
    "text": lambda body: io.TextIOWrapper(body).read().encode(),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_body_is_read_by_any_of_its_methods_once(
    read: Callable[[Any], bytes], desk: Desk
) -> None:
    """Nothing is read before the application reads; what it reads is what was sent, and told."""
    desk.provider.enqueue(ANSWER)
    client = desk.make(CASES, "sync")
    body = client.invoke_model(modelId=MODEL, body=json.dumps(MESSAGE))["body"]
    assert isinstance(body, StreamingBody)
    assert body.tell() == 0
    assert not desk.spans()
    content = json.loads(read(body))
    assert content["content"][0]["text"] == ANSWER.text
    assert len(desk.provider.requests) == 1
    told = _told(desk.spans)
    _same_counts(told, ANSWER)
    assert told[semconv.RESPONSE_ID] == content["id"]


def test_a_body_that_nobody_reads_is_told_by_its_headers(desk: Desk) -> None:
    """The answer was made and is billed; the span ends when it was there, not when it is closed."""
    desk.provider.enqueue(CACHED)
    result = desk.make(CASES, "sync").invoke_model(modelId=MODEL, body=json.dumps(MESSAGE))
    result["body"].close()
    _same_counts(_told(desk.spans), CACHED)


def test_a_body_without_counts_is_estimated_from_the_texts(desk: Desk) -> None:
    """Neither vendor nor headers tell: the request's text is counted, not its JSON."""
    desk.provider.enqueue(Answer(text="one two three", usage=False))
    body = {"prompt": "word " * 50, "temperature": 0.5}
    invoke(desk.make(CASES, "sync"), "mistral.mistral-large-2402-v1:0", body)
    told = _told(desk.spans)
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert 45 <= told[semconv.USAGE_INPUT_TOKENS] <= 70
    assert 2 <= told[semconv.USAGE_OUTPUT_TOKENS] <= 6


def test_the_span_of_an_answer_ends_before_it_is_read(desk: Desk) -> None:
    """An application may read a body much later: that is no latency of the model."""
    client = desk.make(CASES, "sync")
    body = client.invoke_model(modelId=MODEL, body=json.dumps(MESSAGE))["body"]
    between = time.time_ns()
    body.read()
    [span] = desk.spans()
    assert span.end_time is not None
    assert span.end_time <= between


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
    told = _told(desk.spans)
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
    told = _told(spans)
    assert told.get(semconv.RETRY_COUNT, 0) == result["ResponseMetadata"]["RetryAttempts"] == 2
    assert told[semconv.RETRY_REASON] == ("503", "429")
    assert min(told[semconv.RETRY_WAIT_SECONDS]) >= 0.01


def test_a_call_that_was_never_sent_is_told_as_failed(desk: Desk) -> None:
    """Parameters are checked by botocore before any request."""
    with pytest.raises(Exception, match="Missing required parameter"):
        desk.make(CASES, "sync").converse(messages=[])
    told = _told(desk.spans)
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


def test_clients_are_put_back_as_they_were(provider: Provider, spans: Spans) -> None:
    """Also those made meanwhile: methods and events; a bound method kept passes calls through."""
    client = connect(provider)
    wrapped = vars(type(client))["converse"]
    kept = client.converse
    kept(**ASKED)
    _registry.uninstrument(["boto3"])
    assert vars(type(client))["converse"] is wrapped.__wrapped__
    kept(**ASKED)
    client.converse(**ASKED)
    assert len(spans()) == 1
    _registry.instrument(["boto3"])
    _registry.uninstrument(["boto3"])
    client.close()


def _again(response: Any, **_event: Any) -> float | None:
    return 0.01 if response[0].status_code == 503 else None


@pytest.mark.parametrize("seen", [False, True], ids=["frozen", "collected"])
def test_clients_made_before_are_told(
    provider: Provider, tracer_provider: TracerProvider, request: Any, *, seen: bool
) -> None:
    """As a module makes them that is imported before; also where the collector hides the client."""
    client = connect(provider)
    bare = vars(type(client))["converse"]
    if not seen:
        gc.freeze()
    spans: Spans = request.getfixturevalue("spans")
    assert vars(type(client))["converse"].__wrapped__ is bare
    provider.enqueue(Answer(status=503), ANSWER, PLAIN)
    client.meta.events.register_first("needs-retry.bedrock-runtime", _again)
    client.converse(**ASKED)
    assert invoke(client, MODEL, MESSAGE)
    told = [dict(span.attributes or {}) for span in spans()]
    assert [one[semconv.USAGE_OUTPUT_TOKENS] for one in told] == [70, 70]
    assert told[0][semconv.RETRY_REASON] == ("503",)
    _registry.uninstrument(["boto3"])
    assert vars(type(client))["converse"] is bare
    client.converse(**ASKED)
    assert len(spans()) == 2
    _registry.instrument(["boto3"], tracer_provider=tracer_provider)
    client.converse(**ASKED)
    assert len(spans()) == 3
    client.close()


def test_methods_that_others_put_on_a_client_before_are_told(
    provider: Provider, request: Any
) -> None:
    """Over the bare method that they found, so that no call goes by the class."""
    client = connect(provider)
    client.converse = functools.partial(client.converse)
    theirs = client.converse
    spans: Spans = request.getfixturevalue("spans")
    provider.enqueue(ANSWER)
    client.converse(**ASKED)
    _same_counts(_told(spans), ANSWER)
    _registry.uninstrument(["boto3"])
    assert client.converse is theirs
    client.close()


@pytest.mark.parametrize("streamed", [False, True])
def test_methods_that_others_put_on_the_client_itself_are_told(
    provider: Provider, spans: Spans, monkeypatch: pytest.MonkeyPatch, *, streamed: bool
) -> None:
    """OpenLLMetry and OpenInference do so before we see the client, over the bare methods."""
    make: Any = ClientCreator.create_client
    theirs: list[str] = []

    def creating(self: Any, *args: Any, **kwargs: Any) -> Any:
        client = make(self, *args, **kwargs)
        for name in ("converse", "converse_stream"):
            bare = getattr(client, name)

            def counted(*args: Any, name: str = name, bare: Any = bare, **kwargs: Any) -> Any:
                theirs.append(name)
                return bare(*args, **kwargs)

            setattr(client, name, counted)
        return client

    monkeypatch.setattr(ClientCreator, "create_client", creating)
    client = connect(provider)
    name = "converse_stream" if streamed else "converse"
    provider.enqueue(ANSWER)

    def ask() -> None:
        made = getattr(client, name)(**ASKED)
        assert not streamed or list(made["stream"])

    ask()
    told = _told(spans)
    assert told[semconv.SERVER_ADDRESS] == "127.0.0.1"
    _same_counts(told, ANSWER)
    assert theirs == [name]
    _registry.uninstrument(["boto3"])
    assert vars(client)[name].__name__ == "counted"
    ask()
    assert (len(spans()), theirs) == (1, [name, name])
    client.close()


def test_clients_of_other_services_and_of_botocore_alone(provider: Provider, spans: Spans) -> None:
    """Only Bedrock's runtime is touched, however its client was made."""
    made: dict[str, Any] = {
        "region_name": "us-east-1",
        "endpoint_url": provider.url,
        "aws_access_key_id": "made-up",
        "aws_secret_access_key": "made-up",
    }
    session = botocore.session.get_session()
    other = session.create_client("sts", **made)
    with pytest.raises(Exception, match="no such endpoint"):
        other.get_caller_identity()
    bedrock = session.create_client("bedrock-runtime", **made)
    bedrock.converse(**ASKED)
    assert len(spans()) == 1
    other.close()
    bedrock.close()


def test_the_host_tells_the_provider() -> None:
    """By the end of its name."""
    host = "bedrock-runtime.eu-central-1.amazonaws.com"
    assert provider_of(host, 443, "x") == "aws.bedrock"


def test_an_embedding_that_is_sent_as_a_file_is_told_too(desk: Desk) -> None:
    """A body that cannot be read twice is left alone."""
    desk.provider.enqueue(Answer(input_tokens=12))
    client = desk.make(CASES, "sync")
    body = io.BytesIO(b'{"inputText": "hello"}')
    client.invoke_model(modelId=EMBED_MODEL, body=body)["body"].read()
    assert _told(desk.spans)[semconv.USAGE_INPUT_TOKENS] == 12
