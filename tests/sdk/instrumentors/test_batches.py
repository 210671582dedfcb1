"""Results of batches that an application fetches: told one by one, handed on as they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.genai import types
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import StatusCode
from tests.sdk.instrumentors import cases_anthropic, cases_google_genai, cases_groq, cases_openai
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import ClientCases, Mode, read
from tests.support.wires.batch_wire import (
    CHAT_MODEL,
    CONTENT_MODEL,
    EMBEDDING_MODEL,
    MESSAGE_MODEL,
)

from spanledger import semconv
from spanledger._patches import registry
from spanledger_collector.demo.provider import Answer

ANSWER = Answer(input_tokens=1000, output_tokens=70, cache_read_tokens=400)
MESSAGE = Answer(input_tokens=1000, output_tokens=70, cache_read_tokens=400, service_tier="batch")

FILES = pytest.mark.parametrize(
    "cases", [cases_openai.CASES, cases_groq.CASES], ids=["openai", "groq"]
)
BOTH = pytest.mark.parametrize("mode", ["sync", "async"])


async def _content(client: Any, mode: Mode, file: str) -> Any:
    content = client.files.content(file)
    return await content if mode == "async" else content


async def _results(client: Any, mode: Mode, batch: str, *, beta: bool = False) -> Any:
    messages = client.beta.messages if beta else client.messages
    results = messages.batches.results(batch)
    return await results if mode == "async" else results


def _bytes(content: Any) -> bytes:
    return (getattr(content, "response", None) or content.http_response).content


def _set_and_answers(
    spans: list[ReadableSpan],
) -> tuple[ReadableSpan, list[dict[str, Any]]]:
    """The span of the set; the attributes of its answers, all of which hang under it."""
    [whole] = [span for span in spans if span.name == "fetch_batch"]
    answers = [span for span in spans if span is not whole]
    assert whole.context is not None
    assert {span.parent.span_id for span in answers if span.parent} == {whole.context.span_id}
    assert all(span.parent for span in answers)
    return whole, [dict(span.attributes or {}) for span in answers]


@FILES
@BOTH
async def test_a_file_of_results_is_told_line_by_line(
    cases: ClientCases, mode: Mode, desk: Desk
) -> None:
    """Chat, responses and embeddings in one file; what failed is not billed and not told."""
    desk.provider.enqueue(ANSWER, ANSWER)
    content = await _content(desk.make(cases, mode), mode, "batch-2")
    whole, answers = _set_and_answers(desk.spans())
    registry.uninstrument()
    bare = await _content(desk.make(cases, mode), mode, "batch-2")

    assert content.__class__ is bare.__class__
    assert _bytes(content) == _bytes(bare)
    assert [(told[semconv.OPERATION_NAME], told[semconv.RESPONSE_MODEL]) for told in answers] == [
        ("chat", CHAT_MODEL),
        ("chat", CHAT_MODEL),
        ("chat", CHAT_MODEL),
        ("embeddings", EMBEDDING_MODEL),
    ]
    for told in answers:
        assert told[semconv.OPENAI_RESPONSE_SERVICE_TIER] == semconv.TIER_BATCH
        assert told[semconv.RESPONSE_DEFERRED] is True
        assert told[semconv.USAGE_SOURCE] == "provider"
        assert told[semconv.USAGE_INPUT_TOKENS] == 1000
        assert told[semconv.PROVIDER_NAME] == cases.instrumentor.provider
        assert told[semconv.SERVER_ADDRESS] in ("127.0.0.1", "localhost")
    assert [told[semconv.USAGE_OUTPUT_TOKENS] for told in answers] == [70, 70, 70, 0]
    assert [told[semconv.USAGE_CACHE_READ_TOKENS] for told in answers] == [400, 400, 400, 0]
    assert len({told[semconv.RESPONSE_ID] for told in answers}) == 4
    assert answers[-1][semconv.RESPONSE_ID] == "batch_req_3"  # embeddings have no id of their own
    assert (whole.attributes or {})[semconv.OPERATION_NAME] == "fetch_batch"


@FILES
def test_a_file_that_is_no_batch_leaves_no_span(cases: ClientCases, desk: Desk) -> None:
    """Also one whose text has the words."""
    client = desk.make(cases, "sync")
    assert b"custom_id" in _bytes(client.files.content("notes"))
    assert desk.spans() == []


def test_a_large_file_is_told_whole(desk: Desk) -> None:
    """More lines than one job of the background thread takes."""
    desk.provider.enqueue(ANSWER)
    desk.make(cases_openai.CASES, "sync").files.content("batch-600")
    _, answers = _set_and_answers(desk.spans())
    assert len(answers) == 602


def test_a_raw_response_is_told(desk: Desk) -> None:
    """It holds the same file."""
    desk.provider.enqueue(ANSWER)
    desk.make(cases_openai.CASES, "sync").files.with_raw_response.content("batch-1")
    _, answers = _set_and_answers(desk.spans())
    assert len(answers) == 3


@BOTH
@pytest.mark.parametrize("beta", [False, True])
async def test_results_of_messages_are_told_as_they_are_read(
    beta: bool,
    mode: Mode,
    desk: Desk,
) -> None:
    """The same iterator, as lazy; the message in each line is one call."""
    desk.provider.enqueue(Answer(), MESSAGE, Answer(), MESSAGE)
    results = await _results(desk.make(cases_anthropic.CASES, mode), mode, "msgbatch-2", beta=beta)
    lines = await read(results, mode)
    whole, answers = _set_and_answers(desk.spans())
    registry.uninstrument()
    bare = await _results(desk.make(cases_anthropic.CASES, mode), mode, "msgbatch-2", beta=beta)
    assert isinstance(results, type(bare))
    assert lines == await read(bare, mode)
    assert len(lines) == 4
    assert whole.status.status_code is StatusCode.UNSET
    assert len({told[semconv.RESPONSE_ID] for told in answers}) == 2
    for told in answers:
        assert told[semconv.RESPONSE_MODEL] == MESSAGE_MODEL
        assert told[semconv.ANTHROPIC_RESPONSE_SERVICE_TIER] == semconv.TIER_BATCH
        assert told[semconv.RESPONSE_DEFERRED] is True
        assert told[semconv.USAGE_INPUT_UNCACHED_TOKENS] == 600
        assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
        assert told[semconv.USAGE_OUTPUT_TOKENS] == 70


@BOTH
@pytest.mark.parametrize("way", ["close", "forget"])
# A connection that is forgotten with its stream warns of itself, with us and without us.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket")
async def test_results_left_early_are_told_as_far_as_they_were_read(
    way: str, mode: Mode, desk: Desk
) -> None:
    """The others are told by whoever reads them."""
    desk.provider.enqueue(Answer(), MESSAGE)
    results = await _results(desk.make(cases_anthropic.CASES, mode), mode, "msgbatch-9")
    await read(results, mode, limit=3)
    assert desk.spans() == []
    if way == "close":
        closing = results.close()
        if mode == "async":
            await closing
    del results
    for _ in range(10):  # the event loop finishes generators that were left
        await asyncio.sleep(0)
    _, answers = _set_and_answers(desk.spans())
    assert len(answers) == 3


def test_results_that_break_off_are_told_with_the_error(desk: Desk) -> None:
    """The client's error is the user's; what came before was billed."""
    desk.provider.enqueue(Answer(), Answer(input_tokens=1, output_tokens=1, break_after_events=4))
    results = desk.make(cases_anthropic.CASES, "sync").messages.batches.results("msgbatch-9")
    lines: list[Any] = []
    with pytest.raises(Exception, match=r"(?i)peer closed|incomplete"):
        lines.extend(line for line in results)
    whole, answers = _set_and_answers(desk.spans())
    assert len(answers) == len(lines) > 0
    assert whole.status.status_code is StatusCode.ERROR


def test_the_answers_belong_to_who_fetches_them(
    desk: Desk, tracer_provider: TracerProvider
) -> None:
    """The set hangs under the application's span."""
    desk.provider.enqueue(ANSWER)
    client = desk.make(cases_openai.CASES, "sync")
    with tracer_provider.get_tracer("user").start_as_current_span("nightly") as outer:
        client.files.content("batch-1")
    whole, _ = _set_and_answers([span for span in desk.spans() if span.name != "nightly"])
    assert whole.parent is not None
    assert whole.parent.span_id == outer.get_span_context().span_id


def test_a_failed_fetch_raises_as_before(desk: Desk) -> None:
    """And tells nothing: no model was called."""
    desk.provider.enqueue(Answer(status=404))
    with pytest.raises(Exception, match="404"):
        desk.make(cases_openai.CASES, "sync").files.content("batch-1")
    assert desk.spans() == []


@BOTH
async def test_the_answers_in_a_job_of_google_are_told_when_it_has_ended(
    mode: Mode, desk: Desk
) -> None:
    """Polling before tells nothing; the job is handed on as it is."""
    desk.provider.enqueue(ANSWER, ANSWER)
    batches = _google(desk, mode).batches
    running = batches.get(name="batches/running-2")
    if mode == "async":
        await running
    assert desk.spans() == []
    job = batches.get(name="batches/ended-2")
    job = await job if mode == "async" else job
    _, answers = _set_and_answers(desk.spans())
    assert job.__class__ is types.BatchJob
    assert len(job.dest.inlined_responses) == 3
    _check_content(answers)


@BOTH
async def test_embeddings_in_a_job_of_google_are_told(mode: Mode, desk: Desk) -> None:
    """Each with its count, and the model of the job: it names none itself."""
    desk.provider.enqueue(ANSWER)
    job = _google(desk, mode).batches.get(name="batches/embedded-2")
    job = await job if mode == "async" else job
    _, answers = _set_and_answers(desk.spans())
    assert len(job.dest.inlined_embed_content_responses) == 3
    assert [told[semconv.RESPONSE_ID][-2:] for told in answers] == ["#0", "#1"]
    for told in answers:
        assert told[semconv.OPERATION_NAME] == "embeddings"
        assert told[semconv.RESPONSE_MODEL] == EMBEDDING_MODEL
        assert told[semconv.OPENAI_RESPONSE_SERVICE_TIER] == semconv.TIER_BATCH
        assert told[semconv.USAGE_INPUT_TOKENS] == 1000
        assert told[semconv.USAGE_OUTPUT_TOKENS] == 0


@BOTH
async def test_a_file_of_google_is_told_line_by_line(mode: Mode, desk: Desk) -> None:
    """The same answers; a file that is none leaves no span."""
    desk.provider.enqueue(ANSWER, ANSWER)
    files = _google(desk, mode).files
    other = files.download(file="files/notes")
    assert (await other if mode == "async" else other) == b"{}\n"
    assert desk.spans() == []
    content = files.download(file="files/batch-2")
    content = await content if mode == "async" else content
    assert content.count(b"\n") == 3
    _, answers = _set_and_answers(desk.spans())
    _check_content(answers)


def _google(desk: Desk, mode: Mode) -> Any:
    whole = desk.make(cases_google_genai.CASES, mode).whole
    return whole.aio if mode == "async" else whole


def _check_content(answers: list[dict[str, Any]]) -> None:
    assert [told[semconv.RESPONSE_ID] for told in answers] == ["content-0", "content-1"]
    for told in answers:
        assert told[semconv.OPERATION_NAME] == "generate_content"
        assert told[semconv.RESPONSE_MODEL] == CONTENT_MODEL
        assert told[semconv.OPENAI_RESPONSE_SERVICE_TIER] == semconv.TIER_BATCH
        assert told[semconv.USAGE_INPUT_TOKENS] == 1000
        assert told[semconv.USAGE_OUTPUT_TOKENS] == 70
        assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
