"""What only the ``cohere`` client does: units that are no tokens, and billed beside seen tokens."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from tests.sdk.instrumentors.cases_cohere import ASKED, CASES, EMBED_MODEL, FLAVOURS, MODEL
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import ClientCases, Mode, read
from tests.support.wires.cohere_wire import IMAGE_TOKENS, TEMPLATE_TOKENS

from spanledger import semconv
from spanledger._patches import registry
from spanledger_collector.demo.provider import Answer

RERANK: dict[str, Any] = {
    "model": "rerank-v3.5",
    "query": "which one?",
    "documents": [f"document {number}" for number in range(150)],
}


@pytest.mark.parametrize("cases", [CASES, *FLAVOURS], ids=["second", "first"])
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_reranking_is_told_in_search_units_and_never_in_tokens(
    desk: Desk, mode: Mode, cases: ClientCases
) -> None:
    """Nothing is estimated; the retry before the answer is told as for any call."""
    desk.provider.enqueue(Answer(status=429, retry_after_seconds=0.001), Answer())
    call = desk.make(cases, mode).rerank(**RERANK)
    result = await call if mode == "async" else call
    assert len(result.results) == 150
    [span] = desk.spans()
    attributes: dict[str, Any] = dict(span.attributes or {})
    assert span.name == "rerank rerank-v3.5"
    assert attributes[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_SEARCH_UNITS] == 2
    assert attributes[semconv.USAGE_SOURCE] == "provider"
    assert attributes[semconv.RETRY_COUNT] == 1
    assert semconv.USAGE_INPUT_TOKENS not in attributes
    assert semconv.USAGE_PARTIAL not in attributes


@pytest.mark.parametrize("cases", [CASES, *FLAVOURS], ids=["second", "first"])
@pytest.mark.parametrize("streams", [False, True])
def test_what_the_model_saw_stands_beside_the_bill(
    desk: Desk, cases: ClientCases, *, streams: bool
) -> None:
    """So that whoever tells the raw counts of the call is known to tell the same call."""
    desk.provider.enqueue(Answer(text="x", input_tokens=100, output_tokens=7))
    client = desk.make(cases, "sync")
    asked = ASKED if cases is CASES else {"model": MODEL, "message": "tell"}
    if streams:
        list(client.chat_stream(**asked))
    else:
        client.chat(**asked)
    [span] = desk.spans()
    told = span.attributes or {}
    assert (told[semconv.USAGE_INPUT_TOKENS], told[semconv.USAGE_OUTPUT_TOKENS]) == (100, 7)
    seen = (semconv.USAGE_PROCESSED_INPUT_TOKENS, semconv.USAGE_PROCESSED_OUTPUT_TOKENS)
    assert [told[name] for name in seen] == [100 + TEMPLATE_TOKENS, 7 + TEMPLATE_TOKENS]


def test_an_image_that_is_embedded_has_tokens_of_its_own(desk: Desk) -> None:
    """They are billed apart from those of texts."""
    image = "data:image/png;base64,aGVsbG8="
    desk.make(CASES, "sync").embed(
        model="embed-v4.0", images=[image], input_type="image", embedding_types=["float"]
    )
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == IMAGE_TOKENS
    assert told[semconv.USAGE_IMAGE_INPUT_TOKENS] == IMAGE_TOKENS


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_transcript_is_told_without_usage(desk: Desk, mode: Mode) -> None:
    """The answer says nothing of a length, so nobody knows what is billed."""
    desk.provider.enqueue(Answer(text="heard"))
    client = desk.make(CASES, mode)
    call = client.audio.transcriptions.create(
        model="cohere-transcribe", language="en", file=("a.wav", b"RIFF", "audio/wav")
    )
    assert (await call if mode == "async" else call).text == "heard"
    [span] = desk.spans()
    told = span.attributes or {}
    assert span.name == "transcription cohere-transcribe"
    assert told[semconv.USAGE_SOURCE] == "missing"
    assert told[semconv.PROVIDER_NAME] == "cohere"


async def test_a_generator_that_nobody_reads_makes_no_request_and_no_span(desk: Desk) -> None:
    """The call begins with the first read."""
    stream = desk.make(CASES, "sync").chat_stream(**ASKED)
    assert not desk.provider.requests
    stream.close()
    del stream
    assert not desk.spans()


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_many_texts_of_the_first_api_are_one_call(desk: Desk, mode: Mode) -> None:
    """The client asks in batches, side by side, and sums up what was billed."""
    desk.provider.enqueue(*[Answer(input_tokens=96)] * 3)
    call = desk.make(FLAVOURS[0], mode).embed(model=EMBED_MODEL, texts=["word"] * 250)
    result = await call if mode == "async" else call
    assert len(result.embeddings) == 250
    assert len(desk.provider.requests) == 3
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_INPUT_TOKENS] == 3 * 96
    assert told[semconv.USAGE_SOURCE] == "provider"


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_text_that_is_streamed_is_estimated(desk: Desk, mode: Mode) -> None:
    """The first API tells no counts there."""
    desk.provider.enqueue(Answer(text="five words are told here"))
    client = desk.make(FLAVOURS[0], mode)
    await read(client.generate_stream(model=MODEL, prompt="tell"), mode)
    [span] = desk.spans()
    told: dict[str, Any] = dict(span.attributes or {})
    assert span.name == f"text_completion {MODEL}"
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_OUTPUT_TOKENS] > 0
    assert told[semconv.RESPONSE_FINISH_REASONS] == ("COMPLETE",)
    assert semconv.USAGE_PARTIAL not in told


@pytest.mark.parametrize("cases", [CASES, *FLAVOURS], ids=["second", "first"])
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_clients_made_before_are_told_once(
    cases: ClientCases, mode: Mode, desk: Desk, tracer_provider: TracerProvider
) -> None:
    """They bound ``chat`` when they were made, to what it was then."""
    registry.uninstrument()
    client = desk.make(cases, mode)
    registry.instrument(tracer_provider=tracer_provider)
    asked = ASKED if cases is CASES else {"model": MODEL, "message": "tell"}
    call = client.chat(**asked)
    assert (await call if mode == "async" else call).finish_reason
    await read(client.chat_stream(**asked), mode)
    call = client.rerank(**RERANK)
    assert (await call if mode == "async" else call).results
    assert len(desk.provider.requests) == 3
    told = [span.name for span in desk.spans()]
    assert sorted(told) == [f"chat {MODEL}", f"chat {MODEL}", "rerank rerank-v3.5"]
    assert len({str((span.attributes or {})[semconv.RESPONSE_ID]) for span in desk.spans()}) == 3
