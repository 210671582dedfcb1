"""A framework's model that is asked, until it has answered; its call told where nobody else did.

    begin ──> reserves ──> a client's call inside? it tells and pays ──> nothing more
                       ──> none: the answer's usage ──> the span, what it cost

Whether a model asks through a client of ours is known when it has answered. Until a class's method
has, each of its calls reserves what it may cost at most, and gives it back when a client, or
another model, begins inside: that one reserves. After that, by what the last one did, a method that
goes past our clients reserves as before and tells failures too; one that does not leaves both to
the client, or to the model, that it asks (``ways``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.context import get_current
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from spanledger import semconv
from spanledger._budgets.in_force import Holding, holdings
from spanledger._calls import facts, span_attributes
from spanledger._calls.answer import Answer
from spanledger._calls.attempts import failure_of
from spanledger._calls.facts import Attributes
from spanledger._calls.hosts import client_attributes
from spanledger._calls.routing import provider_named
from spanledger._frameworks.boundary import Boundary
from spanledger._frameworks.ways import WAYS
from spanledger._guard import guarded

if TYPE_CHECKING:
    from spanledger._budgets.budgeting import Hold, Request
    from spanledger._frameworks.model_calls import ModelCall, Models, Question


class Method(NamedTuple):
    """One call of a model's method: which one, of whom, and its parameters."""

    bound: Any
    model: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class Asked:
    """A model that is asked.

    Args:
        models: the framework's.
        method: how it is asked.
        tracer: gives the tracer of the span.
    """

    _hold: Hold | None = None

    def __init__(self, models: Models, method: Method, tracer: Callable[[], Tracer]) -> None:
        self._models, self._tracer = models, tracer
        self._model, self._parameters = method.model, method[2:]
        self._kind: type = type(method.model)
        self._way = WAYS.of(method.bound, method.model)
        self._here = get_current()
        self._started_ns, self._perf = time_ns(), perf_counter()
        self._given: list[Any] = []
        self._first: float = 0.0
        self._open = True
        self.boundary = Boundary(self._given)

    # --- before ---------------------------------------------------------------------------------
    def begin(self) -> None:
        """Reserve what the call may cost, where budgets hold for it.

        Raises:
            BaseException: what a budget was asked to raise; nothing may be sent then.
        """
        held = holdings(self._here)
        if held and not self.boundary.told and (request := self._request()) is not None:
            self._take(request, held)

    @guarded(None)
    def _request(self) -> Request:
        from spanledger._budgets.budgeting import Request

        question = self._question()
        asked = self._attributes(question.provider, question.model, question.address)
        if question.max_output_tokens is not None:
            asked[semconv.REQUEST_MAX_TOKENS] = question.max_output_tokens
        sent = {"messages": question.prompt}
        return Request(semconv.OPERATION_CHAT, ("messages",), sent, asked, question.model)

    def _take(self, request: Request, held: tuple[Holding, ...]) -> None:
        from spanledger._budgets.budgeting import take

        share = self._way.share(self._kind, self.boundary)
        if share != "nothing":
            self.boundary.hand_over()
        self._hold = take(request, held, self._here, self._refuse, share=share)
        if self._hold is not None:
            self.boundary.on_told = self._hold.release
            self.boundary.on_inner = self._hold.free
        else:
            self._way.leave(self._kind, self.boundary)

    def _question(self) -> Question:
        return self._models.asks(self._model, *self._parameters)

    @guarded(None)
    def _refuse(self, attributes: Attributes, error: BaseException) -> None:
        self._open = False
        self._way.leave(self._kind, self.boundary)
        self._tell_failed(error, {**attributes, **facts.FREE})

    # --- while it answers -------------------------------------------------------------------------
    @guarded(None)
    def take(self, item: Any) -> None:
        """Something came out of a stream."""
        self._first = self._first or perf_counter()
        if not self.boundary.told and self._models.keeps(item):
            self._given.append(item)

    def answered(self, result: Any) -> None:
        """This is the whole answer."""
        self._given.append(result)
        self.end()

    # --- after ------------------------------------------------------------------------------------
    @guarded(None)
    def end(self, error: BaseException | None = None) -> None:
        """Tell the call, if nobody did.

        Args:
            error: what ended it before it was answered; ``GeneratorExit`` = nobody reads on.
        """
        if not self._open:
            return
        self._open = False
        self._way.leave(self._kind, self.boundary)
        if self.boundary.told:  # by what began inside, which gave back what was reserved
            self._way.past[self._kind] = False
            return
        call = self._models.read(self._model, self._given)
        usage = None if call is None else call.answer.usage
        if call is not None and usage is not None and (usage.input_tokens or usage.output_tokens):
            self._way.past[self._kind] = True
            self._tell(call, complete=error is None)
        elif error is not None and self._way.past.get(self._kind):
            self._fail(error)
        elif self._hold is not None and error is not None:
            self._hold.settle(Answer(), error, "missing")
        elif self._hold is not None:
            self._hold.release()

    def _tell(self, call: ModelCall, *, complete: bool) -> None:
        hold, answer = self._hold, call.answer
        self.boundary.on_told = None
        self.boundary.tell()
        answer.complete = answer.complete and complete
        told = facts.answer_attributes(answer, semconv.OPENAI_RESPONSE_SERVICE_TIER)
        told |= facts.source_of(answer)
        facts.add_usage(told, answer.usage)
        facts.add_compute(told, answer.model, call.model, answer.usage)
        if not answer.complete:
            told[semconv.USAGE_PARTIAL] = True
        if hold is not None:
            told |= hold.attributes
            hold.settle(answer, None, str(told[semconv.USAGE_SOURCE]))
        self._end_span(self._start(call.provider, call.model, call.address), told)

    def _fail(self, error: BaseException) -> None:
        """Nobody knows what it used."""
        self.boundary.on_told = None
        self.boundary.tell()
        told: Attributes = {semconv.USAGE_SOURCE: "missing"}
        if self._hold is not None:
            self._hold.settle(Answer(), error, "missing")
            told |= self._hold.attributes
        self._tell_failed(error, told)

    def _tell_failed(self, error: BaseException, told: Attributes) -> None:
        question = self._question()
        span = self._start(question.provider, question.model, question.address)
        if isinstance(error, GeneratorExit):
            told[semconv.USAGE_PARTIAL] = True
        else:
            told[semconv.ERROR_TYPE] = failure_of(error)
            span.set_status(Status(StatusCode.ERROR))
        self._end_span(span, told)

    def _start(self, provider: str, model: str, address: object) -> Span:
        attributes = self._attributes(provider, model, address)
        if self._first and self._models.streams(*self._parameters):
            attributes[semconv.REQUEST_STREAM] = True
            facts.add_first(attributes, self._perf, self._first, 0.0)
        return self._tracer().start_span(
            f"{semconv.OPERATION_CHAT} {model}".strip(),
            self._here,
            SpanKind.CLIENT,
            attributes,
            start_time=self._started_ns,
        )

    def _end_span(self, span: Span, told: Attributes) -> None:
        span_attributes.write(span, told)
        span.end(self._started_ns + int((perf_counter() - self._perf) * 1e9))

    @staticmethod
    def _attributes(provider: str, model: str, address: object) -> Attributes:
        told: Attributes = {semconv.OPERATION_NAME: semconv.OPERATION_CHAT}
        whom = client_attributes(address, provider_named(provider))
        if whom.get(semconv.PROVIDER_NAME):
            told.update(whom)
        if model:
            told[semconv.REQUEST_MODEL] = model
        return told

    def __del__(self) -> None:
        # A stream that nobody began to read; a finaliser may take no lock, so there is no span.
        if self._hold is not None and self._open:
            self._way.leave(self._kind, self.boundary)
            self._hold.settle(Answer(), GeneratorExit(), "missing")
