"""Retries and regenerations that the application makes itself, told by the repeated question."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from tests.sdk.instrumentors import cases_openai
from tests.sdk.instrumentors.conftest import Desk

import spanledger
from spanledger import semconv
from spanledger._calls import questions
from spanledger._calls.questions import RUNS
from spanledger._work import scope
from spanledger_collector.demo import openai_wire
from spanledger_collector.demo.provider import Answer, Provider, Request

SAID = Answer(text="said", input_tokens=10, output_tokens=2)
REFUSED = Answer(status=500)
ONCE: dict[str, Any] = {"max_retries": 0}


@pytest.fixture(name="client")
def _client(desk: Desk) -> Any:
    return desk.make(cases_openai.CASES, "sync", **ONCE)


@pytest.fixture(autouse=True)
def _one_trace(tracer_provider: TracerProvider, desk: Desk) -> Iterator[None]:
    """The decorators make no spans here, so that all that is told is a call."""
    del desk
    with tracer_provider.get_tracer("user").start_as_current_span("user"):
        yield


def ask(client: Any, text: str = "what is it?", **kwargs: Any) -> Any:
    """One chat."""
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model="gpt-4o", messages=messages, **kwargs)


def told(desk: Desk) -> list[tuple[str, str]]:
    """Of each call in order: what it repeats as ``retry 0`` (of the first call), and why."""
    spans = [span for span in desk.spans() if span.name.startswith(("chat", "embeddings"))]
    spans.sort(key=lambda span: span.start_time or 0)
    places = {f"{_id(span):016x}": place for place, span in enumerate(spans)}
    found: list[tuple[str, str]] = []
    for span in spans:
        attributes = span.attributes or {}
        kinds = {
            "retry": (semconv.RETRY_OF, semconv.RETRY_CAUSE),
            "rework": (semconv.REWORK_OF, semconv.REWORK_REASON),
        }
        marks = [
            (f"{kind} {places[str(attributes[of])]}", str(attributes[why]))
            for kind, (of, why) in kinds.items()
            if of in attributes
        ]
        assert len(marks) <= 1
        found += marks or [("", "")]
    return found


def _id(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


def test_a_failed_call_made_again_is_a_retry_and_an_answered_one_rework(
    desk: Desk, client: Any
) -> None:
    """Each names the call before it: two failures, an answer, the answer made again."""
    desk.provider.enqueue(REFUSED, Answer(status=429), SAID, SAID)
    with spanledger.agent("a"):
        for _ in range(2):
            with pytest.raises(openai.APIStatusError):
                ask(client)
        ask(client)
        ask(client, temperature=1)
    assert told(desk) == [
        ("", ""),
        ("retry 0", "500"),
        ("retry 1", "429"),
        ("rework 2", "regenerated"),
    ]


def test_samples_with_seeds_of_their_own_are_no_rework(desk: Desk, client: Any) -> None:
    """A vote over several answers wants several; the same seed again is a regeneration."""
    desk.provider.enqueue(SAID, SAID, SAID, SAID)
    with spanledger.agent("a"):
        for seed in (1, 2, 3, 3):
            ask(client, temperature=1, seed=seed)
    assert told(desk) == [("", ""), ("", ""), ("", ""), ("rework 2", "regenerated")]


def test_a_fallback_to_another_model_is_a_retry(desk: Desk, client: Any) -> None:
    desk.provider.enqueue(REFUSED, SAID)
    messages = [{"role": "user", "content": "x"}]
    with spanledger.agent("a"):
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model="gpt-4o", messages=messages)
        client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    assert told(desk) == [("", ""), ("retry 0", "500")]


def test_a_second_opinion_is_no_rework(desk: Desk, client: Any) -> None:
    """Another model after a good answer; the same model again is."""
    desk.provider.enqueue(SAID, SAID, SAID)
    messages = [{"role": "user", "content": "what is it?"}]
    with spanledger.agent("a"):
        for model in ("gpt-4o", "gpt-5", "gpt-5"):
            client.chat.completions.create(model=model, messages=messages)
    assert told(desk) == [("", ""), ("", ""), ("rework 1", "regenerated")]


@pytest.mark.parametrize(
    ("state", "marks"),
    [
        ({"conversation": "conv_1"}, [("", ""), ("", ""), ("retry 1", "500")]),
        (
            {"previous_response_id": "resp_1"},
            [("", ""), ("rework 0", "regenerated"), ("retry 1", "500")],
        ),
    ],
)
def test_the_same_words_in_a_conversation_that_moved_on_are_no_rework(
    desk: Desk, client: Any, state: dict[str, str], marks: list[tuple[str, str]]
) -> None:
    """A failed call is still retried; an answer named by its id is always the same state."""
    desk.provider.enqueue(SAID, REFUSED, SAID)
    with spanledger.agent("a"):
        for _ in range(3):
            with contextlib.suppress(openai.InternalServerError):
                client.responses.create(model="gpt-4o", input="continue", **state)
    assert told(desk) == marks


def test_other_questions_other_runs_and_no_run_repeat_nothing(desk: Desk, client: Any) -> None:
    desk.provider.enqueue(*[SAID] * 9)
    with spanledger.agent("a"):
        ask(client)
        ask(client, "and then?")
        with spanledger.agent("inner"):
            ask(client)
        ask(client, tools=[{"type": "function", "function": {"name": "search"}}])
        client.embeddings.create(model="text-embedding-3-small", input="what is it?")
    with spanledger.agent("a"):
        ask(client)
    for _ in range(2):
        ask(client)
    assert told(desk) == [("", "")] * 8


def test_a_run_that_came_from_another_service_is_a_run(desk: Desk, client: Any) -> None:
    """Its id is in the baggage; where it began and ends is not seen here."""
    desk.provider.enqueue(SAID, SAID)
    context = scope.with_entries(
        scope.otel_context.get_current(), {semconv.RUN_ID: "of-another-service"}
    )
    token = scope.otel_context.attach(context)
    ask(client)
    ask(client)
    scope.leave(token)
    RUNS.forget("of-another-service")
    assert told(desk) == [("", ""), ("rework 0", "regenerated")]


def test_the_same_embedding_is_no_rework_but_a_failed_one_is_retried(
    desk: Desk, client: Any
) -> None:
    vector = Answer(input_tokens=3, output_tokens=0)
    desk.provider.enqueue(REFUSED, vector, vector)

    def embed() -> None:
        client.embeddings.create(model="text-embedding-3-small", input=["x"])

    with spanledger.agent("a"):
        with pytest.raises(openai.InternalServerError):
            embed()
        embed()
        embed()
    assert told(desk) == [("", ""), ("retry 0", "500"), ("", "")]


def test_streams_repeat_and_are_repeated(desk: Desk, client: Any) -> None:
    """Broken off by the server: failed. Left by the application: an answer thrown away."""
    desk.provider.enqueue(Answer(text="a b c d e f", break_after_events=3), SAID, SAID, SAID)
    with spanledger.agent("a"):
        with pytest.raises(Exception, match="Connection"):
            list(ask(client, stream=True))
        stream = ask(client, stream=True)
        next(stream)
        stream.close()
        list(ask(client, stream=True))
        ask(client)
    assert told(desk) == [
        ("", ""),
        ("retry 0", "connection_error"),
        ("rework 1", "regenerated"),
        ("rework 2", "regenerated"),
    ]


def test_an_error_inside_the_answer_is_a_failure(desk: Desk) -> None:
    """An answer of HTTP status 200 that says it failed."""

    def failing(request: Request, answer: Answer) -> openai_wire.Body:
        error = {"code": "server_error", "message": "simulated"}
        return {**openai_wire.response(request, answer), "status": "failed", "error": error}

    with Provider(routes={"/v1/responses": (failing, None)}) as provider:
        client = cases_openai.make("sync", provider)
        with client, spanledger.agent("a"):
            for _ in range(2):
                client.responses.create(model="gpt-4o", input="x")
    assert told(desk) == [("", ""), ("retry 0", "server_error")]


def test_calls_side_by_side_repeat_nothing(desk: Desk, client: Any) -> None:
    """Samples and votes: a call is no repetition while another one asks the same."""
    desk.provider.enqueue(*[SAID] * 5)
    with spanledger.agent("a"):
        open_stream = ask(client, stream=True)
        ask(client)
        ask(client)
        list(open_stream)
        ask(client)
    kinds = [kind for kind, _ in told(desk)]
    assert kinds[:3] == ["", "", ""]
    assert kinds[3].startswith("rework")


async def test_cancelled_and_timed_out_calls_are_retried(desk: Desk) -> None:
    client = desk.make(cases_openai.CASES, "async", **ONCE)
    desk.provider.enqueue(Answer(hang=True), Answer(hang=True), SAID)
    with spanledger.agent("a"):
        cancelled = asyncio.ensure_future(ask(client))
        await desk.asked(1)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        with pytest.raises(openai.APITimeoutError):
            await ask(client, timeout=1.0)
        await ask(client)
    assert told(desk) == [("", ""), ("retry 0", "CancelledError"), ("retry 1", "timeout")]


def test_threads_of_one_run_see_each_other(desk: Desk, client: Any) -> None:
    """Thirty questions in eight threads, each asked a second time: each is rework of its own."""
    desk.provider.enqueue(*[SAID] * 60)

    def numbered(number: int) -> None:
        ask(client, f"{number}")

    with spanledger.agent("a"), ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            list(pool.map(spanledger.propagate_context(numbered), range(30)))
    marks = told(desk)
    assert marks[:30] == [("", "")] * 30
    assert len({kind for kind, _ in marks[30:]}) == 30
    assert all(kind.startswith("rework") for kind, _ in marks[30:])


def test_a_prompt_that_changes_in_place_is_another_question(desk: Desk, client: Any) -> None:
    """The usual loop of an agent: one list, which grows."""
    desk.provider.enqueue(SAID, SAID)
    messages: list[Any] = [{"role": "user", "content": "x"}]
    with spanledger.agent("a"):
        for _ in range(2):
            answer = client.chat.completions.create(model="gpt-4o", messages=messages)
            messages.append(answer.choices[0].message)
    assert told(desk) == [("", ""), ("", "")]


def test_an_ended_run_is_forgotten(desk: Desk, client: Any) -> None:
    desk.provider.enqueue(SAID, SAID, SAID)
    before = len(RUNS)
    with spanledger.agent("a"):
        ask(client)
        ask(client, "more")
        assert len(RUNS) == before + 2

    @spanledger.agent
    def failing() -> None:
        ask(client)
        raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert len(RUNS) == before


def test_memory_is_bounded() -> None:
    """200,000 questions in runs that never end, and 200,000 in one run."""
    for number in range(200_000):
        RUNS.question(f"endless {number // 20}", b"%d" % number)
    assert len(RUNS) <= questions.MAX_QUESTIONS
    kept = RUNS.question("endless 9999", b"%d" % 199_999)
    for number in range(200_000):
        RUNS.question("long", b"%d" % number)
    assert len(RUNS) <= questions.MAX_QUESTIONS
    assert RUNS.question("endless 9999", b"%d" % 199_999) is kept
    RUNS.start_afresh()
    assert len(RUNS) == 0


def test_many_threads_keep_the_count() -> None:
    """What is counted is what is there, however the threads interleave."""

    def work(thread: int) -> None:
        for number in range(2000):
            RUNS.question(f"{thread % 2} {number % 50}", b"%d" % number)
            if number % 7 == 0:
                RUNS.forget(f"{thread % 2} {number % 50}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(RUNS) == sum(map(len, RUNS._runs.values()))
    RUNS.start_afresh()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_remembers_nothing() -> None:
    """The calls that are running there are its parent's."""
    RUNS.question("parent's", b"x")
    child = os.fork()
    if not child:
        os._exit(len(RUNS))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    RUNS.start_afresh()
