"""What a framework's file has to declare to come under the contract, and how its agents are run.

``cases_<framework>.py`` exposes ``CASES``. Each way to run an agent is declared once; the contract
runs all behaviours on all ways. What a framework cannot do is declared with a reason, and a
declared hole that works fails.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.metadata
import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import openai
from opentelemetry.sdk.trace import ReadableSpan
from tests.support.contracts import Hole, Mode

import spanledger
from spanledger import semconv
from spanledger._frameworks.framework import Framework
from spanledger._patches.registry import available_frameworks
from spanledger_collector.demo.answers import usage_of
from spanledger_collector.demo.provider import Answer, Provider, Request, ToolCall

STREAMING: Final[tuple[Mode, ...]] = ("stream", "async stream")
ASYNCHRONOUS: Final[tuple[Mode, ...]] = ("async", "async stream")

MODEL: Final = "gpt-4o"
#: How names of spans of model calls begin.
CALLS: Final = ("chat ", "generate_content ")
#: None of these may appear in a span.
SECRETS: Final = (
    "the-secret-of-the-prompt",
    "the-secret-of-the-argument",
    "the-secret-of-the-result",
    "the-secret-of-the-answer",
    "the-secret-of-the-error",
)
PROMPT, ARGUMENT, RESULT, ANSWER, ERROR = SECRETS
#: What the model asks for first; the framework's own way to answer follows.
LOOKUP: Final = Answer(
    text="",
    tool_calls=(ToolCall("lookup", {"word": ARGUMENT}),),
    input_tokens=1000,
    output_tokens=30,
    cache_read_tokens=400,
)
FINAL: Final = Answer(text=ANSWER, input_tokens=1100, output_tokens=20)


def asks(tool: str, **arguments: str) -> Answer:
    """The model asks for another tool, which may be an agent."""
    return dataclasses.replace(FINAL, text="", tool_calls=(ToolCall(tool, arguments),))


@dataclass(frozen=True)
class Endpoint:
    """Where an agent finds its model; the HTTP clients are closed after the test."""

    provider: Provider
    http: openai.DefaultHttpxClient
    async_http: openai.DefaultAsyncHttpxClient


class Probe:
    """What the tool ``lookup`` does; the framework's tool calls it with its argument."""

    def __init__(self) -> None:
        self.run_ids: list[str | None] = []
        self.fails = False

    def __call__(self, word: str) -> str:
        """Note the run that the tool belongs to."""
        self.run_ids.append(spanledger.current_run_id())
        if self.fails:
            raise ValueError(ERROR)
        return f"{RESULT} of {len(word)} letters"


@dataclass(frozen=True)
class Way:
    """One way to run an agent: ``run(agent, prompt)`` gives a result, an awaitable or a stream.

    ``lazy`` is false where a stream begins its work before it is read; ``left`` is the error that
    the span of a stream tells that is closed early (the framework's own way to stop), several where
    it depends on how far the work was then; ``cancelled`` is that of a cancelled run. ``also``
    is that of :class:`FrameworkCases`, of this way alone.
    """

    name: str
    mode: Mode
    run: Callable[[Any, str], Any]
    lazy: bool = True
    left: str | tuple[str, ...] = ""
    cancelled: str = "CancelledError"
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    def may_leave(self, error: str) -> bool:
        """Whether the span of a stream that is closed early may tell this."""
        return error in ((self.left,) if isinstance(self.left, str) else self.left)


@dataclass(frozen=True)
class FrameworkCases:
    """A framework under contract.

    Attributes:
        framework: its file's declaration.
        agent: ``agent(endpoint, name, probe)`` builds an agent with the tool ``lookup``.
        ways: how it can be run.
        turns: what the model answers in one run, in order.
        team: ``team(endpoint, probe)`` builds the agent ``boss`` that hands work to ``helper``.
        team_turns: the model's answers in one run of the team, in order.
        team_edges: (span, parent) by name, of the spans that are no model calls.
        tool_error: ``error.type`` of a failing tool's span.
        also: names of spans that the framework adds to every run, beside agent, tool and calls.
        lacks: modes that the framework does not have, with the reason.
        holes: behaviours that do not hold, with the reason.
    """

    framework: Framework
    agent: Callable[[Endpoint, str, Probe], Any]
    ways: tuple[Way, ...]
    turns: tuple[Answer, ...]
    team: Callable[[Endpoint, Probe], Any]
    team_turns: tuple[Answer, ...]
    team_edges: frozenset[tuple[str, str]]
    tool_error: str = "ValueError"
    also: tuple[str, ...] = ()
    lacks: Mapping[Mode, str] = field(default_factory=dict[Mode, str])
    holes: tuple[Hole, ...] = ()

    @property
    def name(self) -> str:
        """As it stands in the matrix."""
        return self.framework.name


class Script:
    """The model's answers, run by run: requests of one run share the word ``case-<n>``.

    With ``one_run`` every request belongs to the same.
    """

    def __init__(self) -> None:
        self.turns: tuple[Answer, ...] = ()
        self.one_run = False
        self.given: list[tuple[Request, Answer]] = []
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Answer:
        """The next answer of the request's run."""
        found = None if self.one_run else re.search(r"case-\d+", json.dumps(request.body))
        case = found[0] if found else ""
        with self._lock:
            answer = self.turns[self._seen[case] % len(self.turns)]
            self._seen[case] += 1
            self.given.append((request, answer))
        return answer

    def rewind(self) -> None:
        """Begin anew: what was answered so far is not told by the spans."""
        self.given.clear()
        self._seen.clear()

    def billed(self) -> tuple[int, int]:
        """Input and output tokens of everything answered: the provider's truth."""
        usages = [usage_of(request, answer) for request, answer in self.given]
        return (
            sum(usage.input_tokens for usage in usages),
            sum(usage.output_tokens for usage in usages),
        )


def prompt(case: int = 0) -> str:
    """What the agent is asked, distinct for each run of a test."""
    return f"{PROMPT} case-{case}"


async def perform(way: Way, agent: Any, case: int = 0) -> Any:
    """Run the agent to its end; a stream gives the list of its items.

    Ways that block run in a thread, with this context.
    """
    if way.mode == "sync":
        return await asyncio.to_thread(way.run, agent, prompt(case))
    if way.mode == "stream":
        return await asyncio.to_thread(lambda: list(way.run(agent, prompt(case))))
    if way.mode == "async":
        return await way.run(agent, prompt(case))
    return [item async for item in way.run(agent, prompt(case))]


#: What differs from run to run in a text: numbers of requests, ids, times.
_OF_ONE_RUN = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,}|(?<=simulated_)\d+|\d{3,}")
#: Fields with nothing but that.
_TIMES = re.compile(r"(?i)time|created|duration|timestamp|latency|_at$")
#: Objects in objects that are looked into.
_DEPTH = 6


def data_of(value: Any, depth: int = _DEPTH) -> Any:
    """What a framework gave, as data that can be compared: without ids and times."""
    if isinstance(value, str):
        return _OF_ONE_RUN.sub("#", value)
    if isinstance(value, int | None):
        return value
    if not depth:
        return type(value).__name__
    if isinstance(value, Mapping):
        named: Mapping[Any, Any] = value
        return {
            data_of(name): data_of(named[name], depth - 1)
            for name in named
            if not _TIMES.search(str(name))
        }
    if isinstance(value, list | tuple):
        items: list[Any] = [*value]
        return [data_of(item, depth - 1) for item in items]
    fields: dict[str, Any] = getattr(value, "__dict__", {})
    public = {name: fields[name] for name in fields if not name.startswith("_")}
    return type(value).__name__, data_of(public, depth - 1)


def is_held_here(name: str) -> bool:
    """Whether the framework of this name is a package of this very environment.

    Below a layered environment (tests/environments) lie ours; what it brings itself is held in it,
    the rest is not.
    """
    distribution = available_frameworks()[name].distribution
    try:
        found = importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return Path(str(found.locate_file(""))).is_relative_to(sys.prefix)


@dataclass(frozen=True)
class Tree:
    """Finished spans by their place."""

    spans: Sequence[ReadableSpan]

    def parent(self, span: ReadableSpan) -> ReadableSpan | None:
        """The span it hangs under, among these."""
        wanted = span.parent.span_id if span.parent else None
        return next((s for s in self.spans if s.context and s.context.span_id == wanted), None)

    def above(self, span: ReadableSpan) -> Iterable[ReadableSpan]:
        """The span itself and everything above it, inner ones first."""
        found: ReadableSpan | None = span
        while found is not None:
            yield found
            found = self.parent(found)

    def agent_of(self, span: ReadableSpan) -> ReadableSpan | None:
        """The agent it belongs to, itself if it is one."""
        return next((s for s in self.above(span) if s.name.startswith("invoke_agent ")), None)

    def calls(self) -> list[ReadableSpan]:
        """The model calls, by their start."""
        return self.named(*CALLS)

    def named(self, *start: str) -> list[ReadableSpan]:
        """Spans whose name starts so, by their start."""
        found = [span for span in self.spans if span.name.startswith(start)]
        return sorted(found, key=lambda span: span.start_time or 0)

    def edges(self) -> frozenset[tuple[str, str]]:
        """(span, parent) by name, without model calls and without roots."""
        pairs = ((span, self.parent(span)) for span in self.spans)
        return frozenset(
            (span.name, parent.name)
            for span, parent in pairs
            if parent is not None and not span.name.startswith(CALLS)
        )


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """The span's attributes."""
    return dict(span.attributes or {})


def check_all(spans: Sequence[ReadableSpan], script: Script) -> None:
    """What holds whatever happened: identity below agents, usage told once, and no content."""
    tree = Tree(spans)
    for span in spans:
        owner = tree.agent_of(span)
        for name in (semconv.RUN_ID, semconv.AGENT_NAME) if owner is not None else ():
            assert owner is not None
            assert attributes(span).get(name) == attributes(owner)[name], (span.name, name)
        if not span.name.startswith(CALLS):
            told = [name for name in attributes(span) if ".usage." in name]
            assert told == [], span.name
    calls = tree.calls()
    assert [attributes(span).get(semconv.REQUEST_MODEL) for span in calls] == [MODEL] * len(calls)
    told_usage = tuple(
        sum(attributes(span).get(name, 0) for span in calls)
        for name in (semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS)
    )
    assert told_usage == script.billed()
    dump = "\n".join(span.to_json() for span in spans)
    assert [secret for secret in SECRETS if secret in dump] == []
