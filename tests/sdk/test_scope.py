"""Identity: on every span below, across threads, across services."""

from __future__ import annotations

import contextvars
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, propagate, trace
from opentelemetry import context as otel_context
from opentelemetry.context import Context

import spanledger
from spanledger import semconv
from spanledger._work import scope
from spanledger.testing import CapturedSpans, capture_spans


@pytest.fixture(name="spans")
def _spans() -> Iterator[CapturedSpans]:
    with capture_spans() as captured:
        yield captured


def foreign_span(name: str, **attributes: str) -> None:
    """A span of somebody else's instrumentation."""
    trace.get_tracer("somebody.else").start_span(name, attributes=attributes).end()


def test_foreign_spans_carry_the_run(spans: CapturedSpans) -> None:
    """A span of another instrumentation below an agent carries its whole identity."""
    with (
        spanledger.context(conversation="c-1", tags={"plan": "pro"}),
        spanledger.context(purpose="appraisal", prompt="triage", prompt_version="7"),
        spanledger.workflow("onboarding"),
        spanledger.agent("planner", version="2", tenant="acme"),
    ):
        run_id = spanledger.current_run_id()
        foreign_span("foreign")
    assert spans.attributes("foreign") == {
        semconv.RUN_ID: run_id,
        semconv.AGENT_NAME: "planner",
        semconv.AGENT_VERSION: "2",
        semconv.WORKFLOW_NAME: "onboarding",
        semconv.TENANT_ID: "acme",
        semconv.CONVERSATION_ID: "c-1",
        semconv.PURPOSE: "appraisal",
        semconv.PROMPT_NAME: "triage",
        semconv.PROMPT_VERSION: "7",
        semconv.TAG_PREFIX + "plan": "pro",
    }


def test_what_a_span_says_itself_is_kept(spans: CapturedSpans) -> None:
    """Identity never overwrites an attribute the span was started with."""
    with spanledger.agent("planner"):
        foreign_span("foreign", **{semconv.AGENT_NAME: "their own"})
    assert spans.attributes("foreign")[semconv.AGENT_NAME] == "their own"


def test_context_ends_with_its_block(spans: CapturedSpans) -> None:
    """Values nest, an empty tenant clears one, and all is as before after the block."""
    with spanledger.context(tenant="a", tags={"x": 1}):
        with spanledger.context(tenant="", tags={"y": 2}):
            foreign_span("inner")
        foreign_span("outer")
    foreign_span("after")
    assert spans.attributes("inner") == {
        semconv.TAG_PREFIX + "x": "1",
        semconv.TAG_PREFIX + "y": "2",
    }
    assert spans.attributes("outer")[semconv.TENANT_ID] == "a"
    assert spans.attributes("after") == {}


def test_other_peoples_baggage_is_neither_stamped_nor_lost(spans: CapturedSpans) -> None:
    """Entries that are not ours travel on and do not become attributes."""
    token = otel_context.attach(baggage.set_baggage("theirs", "v"))
    try:
        with spanledger.agent("planner"):
            assert baggage.get_baggage("theirs") == "v"
            foreign_span("foreign")
    finally:
        otel_context.detach(token)
    assert "theirs" not in spans.attributes("foreign")


@given(value=st.text(max_size=600))
def test_any_text_survives_the_journey(value: str) -> None:
    """Whatever the user passes, inject never fails and extract gives the cleaned value back."""
    cleaned = scope.clean(value)
    context = scope.with_entries(Context(), {semconv.TENANT_ID: cleaned})
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context)
    arrived = propagate.extract(carrier, Context())
    assert (baggage.get_baggage(semconv.TENANT_ID, arrived) or "") == cleaned
    assert len(cleaned) <= scope.MAX_VALUE_CHARACTERS
    assert scope.clean(cleaned) == cleaned


@given(
    tags=st.dictionaries(
        st.text(max_size=80) | st.from_regex(r"[a-z]{1,12}", fullmatch=True),
        st.text(max_size=300),
        max_size=60,
    )
)
def test_tags_never_break_the_header(tags: dict[str, str]) -> None:
    """However many tags, the run's identity arrives on the other side."""
    entries: dict[str, str | None] = {semconv.RUN_ID: "1" * 32, **scope.tag_entries(tags)}
    carrier: dict[str, str] = {}
    propagate.inject(carrier, scope.with_entries(Context(), entries))
    arrived = propagate.extract(carrier, Context())
    assert baggage.get_all(arrived) == {key: value for key, value in entries.items() if value}


def test_tags_left_out_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """A tag that cannot travel is named in a warning."""
    entries = scope.tag_entries({"bad name": 1} | {f"t{n}": "x" for n in range(40)})
    assert len(entries) == scope.MAX_TAGS
    assert "bad name" in caplog.text
    assert "t39" in caplog.text


def test_a_copied_context_carries_the_run_into_a_pool(spans: CapturedSpans) -> None:
    """``contextvars.copy_context().run`` is enough for a thread."""
    with ThreadPoolExecutor(1) as pool, spanledger.agent("planner"):
        pool.submit(contextvars.copy_context().run, foreign_span, "in pool").result()
        pool.submit(foreign_span, "without context").result()
    run_id = spans.attributes("invoke_agent planner")[semconv.RUN_ID]
    assert spans.attributes("in pool")[semconv.RUN_ID] == run_id
    assert spans.attributes("without context") == {}


def test_propagate_context_serves_many_threads_at_once(spans: CapturedSpans) -> None:
    """One wrapped function runs in several threads at the same time, all within the run."""
    barrier = threading.Barrier(4)

    def work(number: int) -> int:
        barrier.wait(120)
        foreign_span(f"work {number}")
        return number

    with ThreadPoolExecutor(4) as pool, spanledger.agent("planner"):
        wrapped = spanledger.propagate_context(work)
        assert list(pool.map(wrapped, range(4))) == [0, 1, 2, 3]
    run_id = spans.attributes("invoke_agent planner")[semconv.RUN_ID]
    for number in range(4):
        assert spans.attributes(f"work {number}")[semconv.RUN_ID] == run_id


def test_identity_crosses_a_service_boundary(spans: CapturedSpans) -> None:
    """Another service that extracts the standard headers stamps the caller's run on its spans."""

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            received = {name.lower(): value for name, value in self.headers.items()}
            token = otel_context.attach(propagate.extract(received))
            try:
                foreign_span("remote work")
                with spanledger.agent("remote agent"):
                    pass
            finally:
                otel_context.detach(token)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the interface
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with spanledger.agent("caller", version="3", tenant="Ünïted, Inc.", tags={"a.b": "1; 2"}):
            run_id = spanledger.current_run_id()
            headers: dict[str, str] = {}
            propagate.inject(headers)
            url = f"http://127.0.0.1:{server.server_port}/"
            request = urllib.request.Request(url, headers=headers)
            urllib.request.urlopen(request, timeout=120).close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    remote = spans.attributes("remote work")
    assert remote[semconv.RUN_ID] == run_id
    assert remote[semconv.AGENT_NAME] == "caller"
    assert remote[semconv.TENANT_ID] == "Ünïted, Inc."
    assert remote[semconv.TAG_PREFIX + "a.b"] == "1; 2"
    callers, remotes = spans.one("invoke_agent caller"), spans.one("remote work")
    assert callers.context is not None
    assert remotes.context is not None
    assert callers.context.trace_id == remotes.context.trace_id
    nested = spans.attributes("invoke_agent remote agent")
    assert nested[semconv.RUN_PARENT_ID] == run_id
    assert nested[semconv.TENANT_ID] == "Ünïted, Inc."
    assert semconv.AGENT_VERSION not in nested


def test_hostile_remote_values_are_cut(spans: CapturedSpans) -> None:
    """A caller cannot put long or unprintable values on our spans."""
    hostile = f"{semconv.TENANT_ID}=" + "x" * 3000 + f",{semconv.RUN_ID}=a%0A%00b"
    token = otel_context.attach(propagate.extract({"baggage": hostile}))
    try:
        foreign_span("remote work")
    finally:
        otel_context.detach(token)
    attributes = spans.attributes("remote work")
    assert attributes[semconv.TENANT_ID] == "x" * 256
    assert attributes[semconv.RUN_ID] == "a b"
