"""Result files of batches that are read piece by piece, or fetched by other clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode
from tests.sdk.instrumentors import (
    cases_cohere,
    cases_groq,
    cases_mistralai,
    cases_openai,
    cases_together,
)
from tests.sdk.instrumentors.cases_litellm import library
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import ClientCases, Mode
from tests.support.wires.batch_wire import CHAT_MODEL, EMBEDDING_MODEL, MESSAGE_MODEL
from tests.support.wires.mistral_wire import PREFIX as MISTRAL

from spanledger import semconv
from spanledger._patches import registry
from spanledger_collector.demo.provider import Answer

ANSWER = Answer(input_tokens=1000, output_tokens=70, cache_read_tokens=400)
BOTH = pytest.mark.parametrize("mode", ["sync", "async"])
Told = dict[str, Any]


async def _now(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


def _answers(spans: list[ReadableSpan]) -> list[Told]:
    """What is told below the one span of the set."""
    [whole] = [span for span in spans if span.name == "fetch_batch"]
    assert whole.context is not None
    inner = [span for span in spans if span is not whole]
    assert {span.parent.span_id for span in inner if span.parent} == {whole.context.span_id}
    return [dict(span.attributes or {}) for span in inner]


def _check(answers: list[Told], provider: str, *kinds: tuple[str, str, int]) -> None:
    """Each answer as batch, whole, and once; ``kinds`` are operation, model and output tokens."""
    told = [
        (one[semconv.OPERATION_NAME], one[semconv.RESPONSE_MODEL], one[semconv.USAGE_OUTPUT_TOKENS])
        for one in answers
    ]
    assert told == [*kinds]
    assert len({one[semconv.RESPONSE_ID] for one in answers}) == len(answers)
    for one in answers:
        assert one[semconv.OPENAI_RESPONSE_SERVICE_TIER] == semconv.TIER_BATCH
        assert one[semconv.RESPONSE_DEFERRED] is True
        assert one[semconv.USAGE_SOURCE] == "provider"
        assert one[semconv.USAGE_INPUT_TOKENS] == 1000
        assert one[semconv.PROVIDER_NAME] == provider


CHATS = (("chat", CHAT_MODEL, 70), ("chat", CHAT_MODEL, 70))
EMBEDDED = ("embeddings", EMBEDDING_MODEL, 0)


# --- Together -------------------------------------------------------------------------------------
@BOTH
async def test_a_file_of_together_is_told_line_by_line(mode: Mode, desk: Desk) -> None:
    """Its cached tokens lie where Together puts them."""
    desk.provider.enqueue(ANSWER, ANSWER)
    content = await _now(desk.make(cases_together.CASES, mode).files.content("batch-2"))
    answers = _answers(desk.spans())
    _check(answers, "together", *CHATS, ("text_completion", CHAT_MODEL, 70), EMBEDDED)
    assert [one[semconv.USAGE_CACHE_READ_TOKENS] for one in answers] == [400, 400, 400, 0]
    registry.uninstrument()
    bare = await _now(desk.make(cases_together.CASES, mode).files.content("batch-2"))
    assert content.__class__ is bare.__class__
    assert await _now(content.read()) == await _now(bare.read())


# --- Mistral --------------------------------------------------------------------------------------
async def _download(desk: Desk, mode: Mode, file: str) -> Any:
    client = desk.make(cases_mistralai.CASES, mode)
    return await _now(client.files.download(file_id=file))


async def _whole(response: Any, mode: Mode) -> bytes:
    return await response.aread() if mode == "async" else response.read()


async def _pieces(response: Any, mode: Mode) -> bytes:
    if mode == "async":
        return b"".join([piece async for piece in response.aiter_bytes(7)])
    return b"".join(response.iter_bytes(7))


@BOTH
@pytest.mark.parametrize("file", ["batch-2", "packed-2"])
@pytest.mark.parametrize("read", [_whole, _pieces])
async def test_a_file_of_mistral_is_told_as_it_is_read(
    read: Any, file: str, mode: Mode, desk: Desk
) -> None:
    """The client gives a response that nobody has read; it stays so, and of its own class."""
    desk.provider.enqueue(ANSWER, ANSWER)
    response = await _download(desk, mode, file)
    assert not response.is_stream_consumed
    assert desk.spans() == []
    content = await read(response, mode)
    answers = _answers(desk.spans())
    _check(answers, "mistral_ai", *CHATS, EMBEDDED)
    assert [one[semconv.USAGE_CACHE_READ_TOKENS] for one in answers] == [400, 400, 0]
    registry.uninstrument()
    bare = await _download(desk, mode, file)
    assert type(response) is type(bare)
    assert content == await read(bare, mode)


@BOTH
async def test_a_file_that_is_left_early_is_told_as_far_as_it_was_read(
    mode: Mode, desk: Desk
) -> None:
    """A line of which a part came is no answer."""
    desk.provider.enqueue(ANSWER)
    response = await _download(desk, mode, "batch-9")
    if mode == "async":
        pieces = response.aiter_raw()
        await anext(pieces)
        await anext(pieces)
        await pieces.aclose()
        await response.aclose()
    else:
        pieces = response.iter_raw()
        next(pieces)
        next(pieces)
        pieces.close()
        response.close()
    assert 1 <= len(_answers(desk.spans())) < 9


@BOTH
async def test_a_file_that_is_no_batch_leaves_no_span(mode: Mode, desk: Desk) -> None:
    """Also one whose text has the words."""
    assert b"custom_id" in await _whole(await _download(desk, mode, "notes"), mode)
    assert desk.spans() == []


def test_a_large_file_is_told_whole(desk: Desk) -> None:
    """More lines than one job of the background thread takes."""
    desk.provider.enqueue(ANSWER)
    client = desk.make(cases_mistralai.CASES, "sync")
    client.files.download(file_id="batch-600").read()
    assert len(_answers(desk.spans())) == 601


def test_a_file_that_breaks_off_is_told_with_the_error(desk: Desk) -> None:
    """The error is the user's; what came before was billed."""
    desk.provider.enqueue(Answer(input_tokens=1, output_tokens=1, break_after_events=4))
    response = desk.make(cases_mistralai.CASES, "sync").files.download(file_id="batch-9")
    with pytest.raises(Exception, match=r"(?i)peer closed|incomplete"):
        response.read()
    spans = desk.spans()
    assert len(_answers(spans)) > 0
    [whole] = [span for span in spans if span.name == "fetch_batch"]
    assert whole.status.status_code is StatusCode.ERROR


@BOTH
async def test_the_results_in_a_job_of_mistral_are_told_when_it_has_ended(
    mode: Mode, desk: Desk
) -> None:
    """Polling before tells nothing."""
    desk.provider.enqueue(ANSWER, ANSWER)
    jobs = desk.make(cases_mistralai.CASES, mode).jobs
    await _now(jobs.get(job_id="running-2", inline=True))
    assert desk.spans() == []
    job = await _now(jobs.get(job_id="ended-2", inline=True))
    assert len(job.outputs) == 2
    _check(_answers(desk.spans()), "mistral_ai", *CHATS)


# --- a response that is streamed ------------------------------------------------------------------
@pytest.mark.parametrize("cases", [cases_openai.CASES, cases_groq.CASES], ids=["openai", "groq"])
def test_a_file_that_is_streamed_to_disk_is_told_as_it_passes(
    cases: ClientCases, desk: Desk, tmp_path: Path
) -> None:
    """The same lines, and no copy of them in memory."""
    desk.provider.enqueue(ANSWER)
    files = desk.make(cases, "sync").files
    with files.with_streaming_response.content("batch-2") as streamed:
        write = getattr(streamed, "stream_to_file", None) or streamed.write_to_file
        write(tmp_path / "results.jsonl")
    assert (tmp_path / "results.jsonl").read_bytes().count(b"\n") == 6
    assert len(_answers(desk.spans())) == 4


# --- Cohere ---------------------------------------------------------------------------------------
@BOTH
@pytest.mark.parametrize(("made", "operation"), [(70, "chat"), (0, "embeddings")])
async def test_a_batch_of_cohere_is_one_answer_at_its_end(
    made: int, operation: str, mode: Mode, desk: Desk
) -> None:
    """Its results lie elsewhere; the job tells what is billed."""
    desk.provider.enqueue(*[Answer(input_tokens=1000, output_tokens=made)] * 3)
    batches = desk.make(cases_cohere.CASES, mode).batches
    await _now(batches.retrieve("IN_PROGRESS"))
    assert desk.spans() == []
    await _now(batches.retrieve("COMPLETED"))
    await _now(batches.retrieve("CANCELED"))
    _check(
        [dict(span.attributes or {}) for span in desk.spans()],
        "cohere",
        *[(operation, "command-a", made)] * 2,
    )


@BOTH
async def test_an_embed_job_is_one_answer_when_it_is_complete(mode: Mode, desk: Desk) -> None:
    """At the price of any embedding."""
    desk.provider.enqueue(*[Answer(input_tokens=1000)] * 2)
    jobs = desk.make(cases_cohere.CASES, mode).embed_jobs
    await _now(jobs.get("processing"))
    assert desk.spans() == []
    await _now(jobs.get("complete"))
    [span] = desk.spans()
    told = span.attributes or {}
    assert span.name == "embeddings embed-v4.0"
    assert told[semconv.RESPONSE_ID] == "job-complete"
    assert told[semconv.USAGE_INPUT_TOKENS] == 1000
    assert semconv.OPENAI_RESPONSE_SERVICE_TIER not in told


# --- LiteLLM --------------------------------------------------------------------------------------
Fetching = Callable[[Mode, str, str, str], Awaitable[Any]]


@pytest.fixture(name="fetch")
async def _fetch() -> AsyncGenerator[Fetching]:
    """Downloads a file of a provider; LiteLLM keeps its clients, which are closed in the end."""
    litellm = library()

    async def fetch(mode: Mode, file: str, provider: str, base: str) -> Any:
        function = litellm.afile_content if mode == "async" else litellm.file_content
        where = {"custom_llm_provider": provider, "api_base": base, "api_key": "made-up"}
        return await _now(function(file_id=file, **where))

    yield fetch
    kept = litellm.in_memory_llm_clients_cache
    await litellm.close_litellm_async_clients()
    for client in [*kept.cache_dict.values()]:
        await _now(client.close())
    kept.flush_cache()


@BOTH
async def test_a_file_that_litellm_fetches_by_itself_is_told_by_it(
    mode: Mode, desk: Desk, fetch: Fetching
) -> None:
    """Mistral's, with the provider that was asked."""
    desk.provider.enqueue(ANSWER)
    url = f"{desk.provider.url}{MISTRAL}/v1"
    content = await fetch(mode, "batch-2", "mistral", url)
    assert b"custom_id" in content.content
    _check(_answers(desk.spans()), "mistral_ai", *CHATS, EMBEDDED)


@BOTH
async def test_results_of_anthropic_that_litellm_fetches_are_told(
    mode: Mode, desk: Desk, fetch: Fetching
) -> None:
    """In Anthropic's own lines."""
    message = Answer(input_tokens=1000, output_tokens=70, cache_read_tokens=400)
    desk.provider.enqueue(message)
    await fetch(mode, "msgbatch_-2", "anthropic", desk.provider.anthropic_url)
    _check(_answers(desk.spans()), "anthropic", *[("chat", MESSAGE_MODEL, 70)] * 2)


@BOTH
async def test_a_file_that_litellm_has_fetched_by_openai_is_told_once(
    mode: Mode, desk: Desk, fetch: Fetching
) -> None:
    """By the client that knows the host."""
    desk.provider.enqueue(ANSWER)
    await fetch(mode, "batch-2", "openai", desk.provider.openai_url)
    spans = desk.spans()
    assert {
        str(span.instrumentation_scope and span.instrumentation_scope.name) for span in spans
    } == {"spanledger.openai"}
    _check(_answers(spans), "openai", *CHATS, CHATS[0], EMBEDDED)


@BOTH
async def test_what_litellm_has_fetched_by_a_client_that_is_not_told_is_told_by_litellm(
    mode: Mode, desk: Desk, fetch: Fetching
) -> None:
    """Nothing is lost where only LiteLLM is instrumented."""
    desk.provider.enqueue(ANSWER)
    registry.uninstrument(["openai"])
    await fetch(mode, "batch-2", "openai", desk.provider.openai_url)
    _check(_answers(desk.spans()), "openai", *CHATS, CHATS[0], EMBEDDED)
