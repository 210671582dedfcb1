"""Answers that are fetched later than they were asked for: of batches, of background responses.

A method that fetches is no model call: what it brings are the answers of calls that were made
before, by anybody. Each becomes one span, made in the background; the answers of a set (the result
file of a batch) hang under one span for the set, so that they are one trace where the application
has none. A download that brings no answers leaves no span.

The span of such an answer says so (``semconv.RESPONSE_DEFERRED``): whoever fetches it again, in
this process or another, tells the same response id, which the ledger counts once.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from spanledger import semconv
from spanledger._calls import facts
from spanledger._calls.answer import Answer
from spanledger._calls.attempts import failure_of
from spanledger._calls.draining import FINISHER
from spanledger._guard import guarded
from spanledger._patches.patching import Kind, Wrapper
from spanledger._streams.stream import AsyncStream, SyncStream

#: Answers told in one job of the background thread, and its pause after each full one: queues of
#: exporters are bounded, and a batch can have 100,000 results.
_GROUP: Final = 256
_REST_SECONDS: Final = 0.01


class Fetched(NamedTuple):
    """One answer and what it answers (``gen_ai.operation.name``)."""

    operation: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Found:
    """What may be answers, and at most how many."""

    items: Iterable[Any]
    number: int


def _itself(result: Any) -> Found:
    return Found((result,), 1)


@dataclass(frozen=True, slots=True)
class Fetch:
    """How to read what a fetching method gives: typed data in a client's file, as an ``Api`` is.

    ``read`` makes an answer of one item, or None of what is none (yet); runs in the background.
    ``find`` gives the items in a whole result, without reading or copying it; where the result is
    an iterator, each item it gives to the application is one. ``is_set`` is true where the items
    are many and get a span around them; ``watch`` takes over a result that the application has
    still to read, and is false where it does not; ``positional`` and ``tier_attribute`` are as in
    ``Api``; ``routes`` is true where another client may make the request, which tells it then.
    """

    read: Callable[[Any], Fetched | None]
    find: Callable[[Any], Found] = _itself
    is_set: bool = True
    watch: Callable[..., bool] | None = None
    positional: tuple[str, ...] = ()
    routes: bool = False
    tier_attribute: str = semconv.OPENAI_RESPONSE_SERVICE_TIER


#: The fetch that another client may be making now.
_routing: Final[ContextVar[Telling | None]] = ContextVar("spanledger_routing", default=None)


class Telling:
    """One fetch, from the request to the last answer (``stream.Sink`` of an iterator).

    Args:
        fetch: how the result is read.
        tracer: where spans go.
        attributes: provider and address.
    """

    def __init__(self, fetch: Fetch, tracer: Tracer, attributes: Mapping[str, Any]) -> None:
        self.reading = False
        self.told_inside = False
        self._fetch = fetch
        self._tracer = tracer
        self._attributes = attributes
        self._context = otel_context.get_current()
        self._started_ns = time.time_ns()
        self._set: Span | None = None
        self._lock = threading.Lock()
        self._items: list[Any] = []
        self._failure = ""
        self._open = [True]

    def watches(self, result: Any, *, asynchronous: bool) -> bool:
        """Whether the application has still to read it; it is told as far as it does."""
        watch = self._fetch.watch
        return watch is not None and watch(result, self, asynchronous=asynchronous)

    @contextlib.contextmanager
    def asking(self) -> Generator[None]:
        """Around the request: who makes it for another client tells it alone."""
        outer = _routing.get()
        if outer is not None:
            outer.told_inside = True
        token = _routing.set(self) if self._fetch.routes else None
        try:
            yield
        finally:
            if token is not None:
                with contextlib.suppress(ValueError):  # a coroutine that is closed elsewhere
                    _routing.reset(token)

    # --- a whole result --------------------------------------------------------------------------
    def whole(self, result: Any) -> None:
        """Tell all of it in the background, a group at a time."""
        groups = self._groups(self._fetch.find(result), time.time_ns())
        if not FINISHER.submit_steps(groups):
            for _ in groups:
                pass

    def _groups(self, found: Found, end_ns: int) -> Iterator[None]:
        items = iter(found.items)
        for group in range(0, found.number, _GROUP):
            last = group + _GROUP >= found.number
            self._tell(items, end_ns if last else 0, rest=_REST_SECONDS)
            yield

    # --- an iterator (``stream.Sink``) ----------------------------------------------------------
    def chunk(self, item: Any, /) -> object:
        """Keep one item; tell them when there are enough."""
        return self._keep(item)

    @guarded(None)
    def _keep(self, item: Any) -> None:
        self._items.append(item)
        if len(self._items) >= _GROUP:
            items, self._items = self._items, []
            self._submit(iter(items), 0)

    @guarded(None)
    def ended(self, error: BaseException | None) -> None:
        """The iterator is exhausted, or broke: what it gave is told."""
        if self._claim():
            self._failure = "" if error is None else failure_of(error)
            self._submit(iter(self._items), time.time_ns())

    def closed(self) -> None:
        """The application stopped reading."""
        self.ended(None)

    @guarded(None)
    def dropped(self) -> None:
        """The application forgot the iterator (called by the garbage collector)."""
        if self._claim():
            job = functools.partial(self._tell, iter(self._items), time.time_ns())
            FINISHER.submit_from_collector(job)

    def disown(self) -> None:
        """Leave it to the process that this one was forked from."""
        self._open.clear()
        self._items = []

    def _claim(self) -> bool:
        try:
            return self._open.pop()  # atomic, and takes no lock
        except IndexError:
            return False

    # --- the spans -------------------------------------------------------------------------------
    def _submit(self, items: Iterator[Any], end_ns: int) -> None:
        if not FINISHER.submit(functools.partial(self._tell, items, end_ns, rest=_REST_SECONDS)):
            self._tell(items, end_ns)

    def _tell(self, items: Iterator[Any], end_ns: int, *, rest: float = 0.0) -> None:
        """Tell the next group; with ``end_ns`` it is the last one, and the set ends."""
        with self._lock:
            told = sum([self._tell_one(item) for item in itertools.islice(items, _GROUP)])
            if end_ns and self._set is not None:
                self._end_set(self._set, end_ns)
        if told == _GROUP:
            time.sleep(rest)

    def _end_set(self, span: Span, end_ns: int) -> None:
        if self._failure:
            span.set_attribute(semconv.ERROR_TYPE, self._failure)
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=end_ns)

    @guarded(False)
    def _tell_one(self, item: Any) -> bool:
        fetched = self._fetch.read(item)
        if fetched is None:
            return False
        operation, answer = fetched
        name = f"{operation} {answer.model}" if answer.model else operation
        span = self._tracer.start_span(
            name,
            context=self._parent(),
            kind=SpanKind.CLIENT,
            attributes=self._told(operation, answer),
        )
        span.end()
        return True

    def _parent(self) -> otel_context.Context:
        """The context of an answer's span: that of the fetch, or the set's own."""
        if not self._fetch.is_set:
            return self._context
        if self._set is None:
            self._set = self._tracer.start_span(
                semconv.OPERATION_FETCH_BATCH,
                context=self._context,
                kind=SpanKind.CLIENT,
                attributes={
                    semconv.OPERATION_NAME: semconv.OPERATION_FETCH_BATCH,
                    **self._attributes,
                },
                start_time=self._started_ns,
            )
        return trace.set_span_in_context(self._set, self._context)

    def _told(self, operation: str, answer: Answer) -> Mapping[str, Any]:
        attributes = {
            **self._attributes,
            semconv.OPERATION_NAME: operation,
            semconv.RESPONSE_DEFERRED: True,
        }
        attributes |= facts.answer_attributes(answer, self._fetch.tier_attribute)
        if answer.error_code:
            attributes[semconv.ERROR_TYPE] = answer.error_code
        if not answer.usage.known:
            return {**attributes, semconv.USAGE_SOURCE: "missing"}
        attributes[semconv.USAGE_SOURCE] = "provider"
        facts.add_usage(attributes, answer.usage)
        facts.add_compute(attributes, answer.model, "", answer.usage)
        return attributes


Beginner = Callable[[Any, tuple[Any, ...], Mapping[str, Any]], Telling | None]


def _asking(telling: Telling | None) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if telling is None else telling.asking()


def _drive_sync(begin: Beginner) -> Wrapper:
    def driver(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        telling = begin(instance, args, kwargs)
        with _asking(telling):
            result = wrapped(*args, **kwargs)
        watched = _fetched(telling, result, asynchronous=False)
        return result if watched is None else watched

    return driver


def _drive_async(begin: Beginner) -> Wrapper:
    async def driver(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        telling = begin(instance, args, kwargs)
        with _asking(telling):
            result = await wrapped(*args, **kwargs)
        watched = _fetched(telling, result, asynchronous=True)
        return result if watched is None else watched

    return driver


#: Wrappers for methods that fetch; what is given starts the telling.
DRIVERS: Final[Mapping[Kind, Callable[[Beginner], Wrapper]]] = {
    Kind.SYNC: _drive_sync,
    Kind.ASYNC: _drive_async,
}


@guarded(None)
def _fetched(telling: Telling | None, result: Any, *, asynchronous: bool) -> Any:
    """Tell what was fetched, or watch it being read.

    Returns:
        A transparent proxy of an iterator; None where the user gets the result itself.
    """
    if telling is None or telling.told_inside:
        return None
    if hasattr(result, "__next__") or hasattr(result, "__anext__"):
        FINISHER.ensure_running()  # somebody is there to tell, should the iterator be dropped
        return (AsyncStream if asynchronous else SyncStream)(result, telling)
    if not telling.watches(result, asynchronous=asynchronous):
        telling.whole(result)
    return None
