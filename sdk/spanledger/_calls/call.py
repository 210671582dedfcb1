"""The life of one model call: opened, answered or failed, and told as one span.

    open_call -> with call: <the client's method> -> returned(result) -> the span ends
                                                  -> a stream: chunk ... ended | closed | dropped

Whatever comes first ends the span, once, and nothing of it is ever raised (``_guard``). Where the
provider sent no usage, or the stream stopped early, the tokens are counted by the background thread
(``finisher``); the end time is taken before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextvars import Token
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode

from spanledger import semconv
from spanledger._budgets import in_force
from spanledger._calls import content, facts, span_attributes
from spanledger._calls.answer import Answer, text
from spanledger._calls.api import Api, Reading, read_answer
from spanledger._calls.attempts import Attempt, Observer, current, failure_of
from spanledger._calls.draining import FINISHER
from spanledger._calls.estimate import estimate_usage
from spanledger._calls.facts import Attributes
from spanledger._calls.hosts import server_attributes
from spanledger._calls.repeats import Repeat
from spanledger._guard import guarded, internal_errors, swallow
from spanledger._streams.stream import ClosingBody, Take, stream_kind

if TYPE_CHECKING:
    from spanledger._budgets.budgeting import Hold

__all__ = ["Api", "Call", "Reading", "internal_errors"]

#: Operations whose prompt has a chat format.
_OF_MESSAGES: Final = frozenset({semconv.OPERATION_CHAT, semconv.OPERATION_GENERATE_CONTENT})


class Call:
    """One call and its span. Made by ``drivers.open_call``; a context manager around it.

    Inside ``with`` the span is current, so that HTTP spans of others nest below it; after it the
    user's context is as before.
    """

    # What most calls leave as it is stands here once, and not in each of them.
    #: The client's own provider, where only the requests tell where they go; else empty.
    provider: str = ""
    #: Its place among the calls of its run that ask the same question.
    repeat: Repeat | None = None
    #: Whether a stream was asked for.
    streams: bool = False
    requesting: bool = False
    sending: int = 0
    reading: bool = False
    chunk: Take
    _prompt: tuple[object, ...] | None = None
    _reading: Reading | None = None
    _first_chunk: float = 0.0
    _first_token: float = 0.0
    _answered_ns: int = 0
    _outer: Observer | None = None
    _token: Token[Context] | None = None
    _hold: Hold | None = None

    def __init__(
        self,
        api: Api,
        span: Span,
        owner: object,
        kwargs: Mapping[str, Any],
        *,
        asked: Attributes,
        began: tuple[int, float],
        here: Context,
    ) -> None:
        self.api = api
        self.span = span
        self.owner = owner
        #: Attributes of the request.
        self.asked = asked
        self._kwargs = kwargs
        self._started_ns, self._perf = began
        self._here: Context | None = here  # until it is entered
        self._open = [True]
        self._attempts: list[Attempt] = []

    @property
    def model(self) -> str:
        """The model that was asked for; empty where none was."""
        return text(self._kwargs.get("model"))

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What it was asked with."""
        return self._kwargs

    # --- the client's method -------------------------------------------------------------------
    def __enter__(self) -> Call:  # noqa: PYI034 - never subclassed, and Self is not in 3.10
        if self._here is not None and (held := in_force.holdings(self._here)):
            from spanledger._budgets.budgeting import Request, take

            asking = (self.api.operation, self.api.prompt, self._kwargs, self.asked, self.model)
            self._hold = take(Request(*asking), held, self._here, self._refuse)
        self._outer = current.get()
        current.set(self)
        self._token = otel_context.attach(trace.set_span_in_context(self.span, self._here))
        self._here = None
        self.requesting = True
        return self

    @guarded(None)
    def _refuse(self, attributes: Attributes, error: BaseException) -> None:
        """Nothing was sent, so nothing is billed: that is all there is to tell."""
        self.span.set_attributes(attributes)
        end_ns = self._claim(error)
        if end_ns:
            self._end(Answer(), error, end_ns, facts.FREE)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.requesting = False
        if self._token is not None:
            try:  # ``scope.leave`` written out: every call of every client comes by here
                self._token.var.reset(self._token)
                current.set(self._outer)
            except ValueError:
                pass  # a coroutine that is closed elsewhere: there is nothing to undo in there
        if error is not None:
            self.fail(error)

    def returned(self, result: Any, *, asynchronous: bool) -> Any:
        """Read the result, or watch it being read; returns it, or a proxy of its stream."""
        api, kwargs = self.api, self._kwargs
        try:  # written out: every call of every client comes by here
            if api.watch is not None:
                instead = api.watch(self, result, kwargs)
                return result if instead is None else instead
            if self.streams and _is_stream(result):
                return self._watch(result, asynchronous=asynchronous)
            # A header asks for the raw response; without any, nothing is read.
            if kwargs.get("extra_headers") and (raw := getattr(result, "http_response", None)):
                self._watch_body(raw, asynchronous=asynchronous)
            else:
                self._finish(api.answer(result), None)
        except Exception:  # noqa: BLE001 -- handed to the one place where errors of ours end
            swallow(self.returned)
            self.finish(None)
        return result

    def _watch_body(self, response: Any, *, asynchronous: bool) -> None:
        from spanledger._streams.body import watch_body

        self.keep_prompt()
        watch_body(self, response, asynchronous=asynchronous)

    def answered(self) -> None:
        """The answer is whole: the span ends now, whenever the application reads the answer."""
        self._answered_ns = self._now_ns()

    def _watch(self, stream: Any, *, asynchronous: bool) -> Any:
        reading_of = self.api.reading_of
        self.watch(None if reading_of is None else reading_of(stream, self._kwargs))
        response: Any = getattr(stream, "response", None)
        body = getattr(response, "stream", None)
        if body is not None:
            response.stream = ClosingBody(body, self)
        return stream_kind(stream, asynchronous=asynchronous)(stream, self)

    def watch(self, reading: Reading | None = None) -> None:
        """Be ready for the chunks of a stream."""
        self.keep_prompt()
        self._reading = reading or self.start_reading()
        self.chunk = self._first  # not in __init__: a cycle that most calls do not need

    def start_reading(self) -> Reading:
        """A fresh reading of this call's stream."""
        return self.api.reading(self._kwargs)

    def keep_prompt(self) -> None:
        """Keep references to the prompt: the application may change its list before we count.

        Also makes sure that somebody is there to count, should the stream be dropped.
        """
        FINISHER.ensure_running()
        self._prompt = tuple([_kept(self._kwargs.get(name)) for name in self.api.prompt])

    # --- HTTP attempts (``attempts.Observer``) --------------------------------------------------
    def attempted(self, attempt: Attempt) -> None:
        """Take note of one HTTP request of the client library."""
        self._attempts.append(attempt)
        if self.provider:
            address = server_attributes(attempt.url, self.provider)
            self.span.set_attributes(address)  # the last one counts: others may look things up

    # --- the stream (``stream.Sink``) ------------------------------------------------------------
    def first_chunk(self, at: float = 0.0) -> None:
        """Take the time of the first chunk (``time.perf_counter``; by default now), once."""
        if not self._first_chunk:
            self._first_chunk = at or perf_counter()

    def _first(self, chunk: Any) -> None:
        self.first_chunk()
        if (reading := self._reading) is not None:
            take = reading.chunk
            self.chunk = functools.partial(self._opening, take) if self.api.generates else take
            self.chunk(chunk)

    def _opening(self, take: Take, event: Any) -> None:
        """Events before the first that has a token, and that one."""
        if event.type.endswith(self.api.generates):
            self._first_token, self.chunk = perf_counter(), take
        take(event)

    def ended(self, error: BaseException | None) -> None:
        """The stream is exhausted or broken."""
        self._finish_stream(error, exhausted=error is None)

    def closed(self) -> None:
        """The application stopped reading."""
        self._finish_stream(None)

    @guarded(None)
    def dropped(self) -> None:
        """The application forgot the stream (called by the garbage collector)."""
        if (reading := self._reading) is not None and self._open:
            self.hand_over(reading.answer, from_collector=True)

    def disown(self) -> None:
        """Leave the end of the span to the process that this one was forked from."""
        self._open.clear()

    @guarded(None)
    def _finish_stream(self, error: BaseException | None, *, exhausted: bool = False) -> None:
        if self._reading is not None and self._open:
            answer = read_answer(type(self._reading).answer, self._reading)
            if exhausted and answer is not None and answer.ends_silently:
                answer.complete = True
            self.finish(answer, error)

    # --- the end --------------------------------------------------------------------------------
    @guarded(None)
    def fail(self, error: BaseException) -> None:
        """The client's method raised.

        Where the server had answered (with what the client could not parse, or would not return),
        that is what is billed; else there is no answer, and nobody knows.
        """
        answer = self._attempts[-1].answer if self._attempts else None
        if answer is not None and self._open:
            from spanledger._streams.body import read_refused

            self.keep_prompt()
            self.hand_over(functools.partial(read_refused, self, answer), error)
            return
        end_ns = self._claim(error)
        if end_ns:
            answer = Answer(complete=True, facts=self.api.facts_of_failed(self, self._kwargs))
            self._end(answer, error, end_ns, {semconv.USAGE_SOURCE: "missing"})

    @guarded(None)
    def finish(self, answer: Answer | None, error: BaseException | None = None) -> None:
        """End the span with this answer; without usage, after its tokens were counted."""
        self._finish(answer, error)

    def _finish(self, answer: Answer | None, error: BaseException | None) -> None:
        end_ns = self._claim(error)
        if not end_ns:
            return
        if answer is None or answer.uncounted:
            self._end(answer or Answer(), error, end_ns, {semconv.USAGE_SOURCE: "missing"})
        elif answer.usage.known:
            self._end(answer, error, end_ns, facts.source_of(answer))
        else:
            if self._prompt is None:
                self.keep_prompt()
            job = functools.partial(self._estimate_and_end, answer, error, end_ns)
            if not FINISHER.submit(job):
                self._estimate_and_end(answer, error, end_ns, exact=False)

    @guarded(None)
    def hand_over(
        self,
        read: Callable[[], Answer | None],
        error: BaseException | None = None,
        *,
        from_collector: bool = False,
    ) -> None:
        """End the span in the background, where the answer is read first."""
        end_ns = self._claim(error)
        if not end_ns:
            return
        job = functools.partial(self._read_and_end, read, error, end_ns)
        if from_collector:
            FINISHER.submit_from_collector(job)
        elif not FINISHER.submit(job):
            self._read_and_end(read, error, end_ns, exact=False)

    def _claim(self, error: BaseException | None) -> int:
        """The end time in nanoseconds, for the first that asks; 0 for everybody after."""
        try:
            self._open.pop()  # atomic, and takes no lock
        except IndexError:
            return 0
        if self.repeat is not None:
            self.repeat.ended(error)
        return self._answered_ns or self._started_ns + int((perf_counter() - self._perf) * 1e9)

    def elapsed_seconds(self) -> float:
        """Since it was opened, until it was answered."""
        return ((self._answered_ns or self._now_ns()) - self._started_ns) / 1e9

    def _now_ns(self) -> int:
        return self._started_ns + int((perf_counter() - self._perf) * 1e9)

    def _read_and_end(
        self,
        read: Callable[[], Answer | None],
        error: BaseException | None,
        end_ns: int,
        *,
        exact: bool = True,
    ) -> None:
        answer = read_answer(lambda _: read(), None)
        if answer is None or answer.uncounted:
            self._end(answer or Answer(), error, end_ns, {semconv.USAGE_SOURCE: "missing"})
        elif answer.derived or answer.usage.known:
            self._end(answer, error, end_ns, facts.source_of(answer))
        else:
            self._estimate_and_end(answer, error, end_ns, exact=exact)

    def _estimate_and_end(
        self, answer: Answer, error: BaseException | None, end_ns: int, *, exact: bool = True
    ) -> None:
        estimated = estimate_usage(
            answer,
            answer.model or self.model,
            self._prompt or (),
            chat=self.api.operation in _OF_MESSAGES,
            exact=exact,
        )
        self._end(answer, error, end_ns, estimated or {semconv.USAGE_SOURCE: "missing"})

    def _end(
        self, answer: Answer, error: BaseException | None, end_ns: int, source: Attributes
    ) -> None:
        try:
            span_attributes.write(self.span, self._facts_of(answer, error, source))
            if error is not None or answer.error_code:
                self.span.set_status(Status(StatusCode.ERROR))
        finally:
            if self._hold is not None:
                told = str(source[semconv.USAGE_SOURCE])
                self._hold.settle(answer, error, told, self._attempts)
            self.span.end(end_time=end_ns)

    def _facts_of(
        self, answer: Answer, error: BaseException | None, source: Attributes
    ) -> Attributes:
        attributes = facts.answer_attributes(answer, self.api.tier_attribute)
        attributes |= source
        if self._attempts:
            facts.add_attempts(attributes, self._attempts, self.api.headers)
        if self.repeat is not None:
            attributes |= self.repeat.attributes(answer.error_code)
        if source[semconv.USAGE_SOURCE] != "missing":
            facts.add_usage(attributes, answer.usage)
            facts.add_compute(attributes, answer.model, self.model, answer.usage)
        if not answer.complete:
            attributes[semconv.USAGE_PARTIAL] = True
        if content.CAPTURE.on:
            attributes |= content.attributes(self.api, self._kwargs, self._prompt, answer)
        if self._first_chunk:
            facts.add_first(attributes, self._perf, self._first_chunk, self._first_token)
        if error is not None or answer.error_code:
            attributes[semconv.ERROR_TYPE] = (
                answer.error_code if error is None else failure_of(error)
            )
        return attributes | self._hold.attributes if self._hold is not None else attributes


def _kept(value: object) -> object:
    return list(cast("list[object]", value)) if isinstance(value, list) else value


def _is_stream(result: Any) -> bool:
    return hasattr(result, "__next__") or hasattr(result, "__anext__")
