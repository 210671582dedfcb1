"""Model calls that a framework sees and no client of ours makes: told once, by the framework.

A model of a framework may ask its provider through a client that is not measured, or none at all
(a socket, gRPC, an HTTP library). The framework sees the answer and its usage all the same. So its
models are followed, whoever wrote them (``_families``): where no call of ours begins inside
(``_boundary``) and the answer has a usage, one span tells the call, from where the model was asked
to where it had answered. What a model that asks another model is given is told by the inner one.

Nothing is estimated here, a failed call is not told, and a budget does not hold such a call back:
what it asks is not known before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter, time_ns
from types import ModuleType, TracebackType
from typing import Any, Final

from opentelemetry.context import get_current
from opentelemetry.trace import SpanKind, Tracer

from spanledger import _facts, _span_attributes, semconv
from spanledger._answer import Answer
from spanledger._boundary import Boundary
from spanledger._families import follow
from spanledger._guard import guarded
from spanledger._hosts import client_attributes
from spanledger._patching import Kind, Wrapper
from spanledger._routing import provider_named


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call as the framework knows it.

    Attributes:
        provider: who was asked, by the framework's name; empty where it has none.
        model: what was asked for.
        answer: what came back, with its usage.
        address: URL object that the request went to, where the framework has one.
    """

    provider: str
    model: str
    answer: Answer
    address: object = None


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a framework.

    Attributes:
        module: where the class is that all of them are below.
        name: of that class.
        methods: what asks a model, and how it gives its answer.
        read: given a model and what it gave (the result, all that was kept of a stream, the stream
            that a manager gave), the call; None where nothing is known of it.
        keeps: whether what a stream gave says anything of the call beyond its text.
    """

    module: str
    name: str
    methods: Mapping[str, Kind]
    read: Callable[[Any, list[Any]], ModelCall | None]
    keeps: Callable[[Any], bool] = bool

    def attach(self, module: ModuleType, /, tracer: Callable[[], Tracer]) -> Callable[[], None]:
        """Follow them; gives what undoes it."""
        wrappers = {name: _wrapper(self, kind, tracer) for name, kind in self.methods.items()}
        return follow(getattr(module, self.name), wrappers)


class _Asked:
    """A model that is asked, until it has answered."""

    def __init__(self, models: Models, model: Any, tracer: Callable[[], Tracer]) -> None:
        self._models, self._model, self._tracer = models, model, tracer
        self._here = get_current()
        self._started_ns, self._perf = time_ns(), perf_counter()
        self._given: list[Any] = []
        self._first: float = 0.0
        self._open = True
        self.boundary = Boundary()

    @guarded(None)
    def take(self, item: Any) -> None:
        """Something came out of a stream."""
        self._first = self._first or perf_counter()
        if not self.boundary.told and self._models.keeps(item):
            self._given.append(item)

    def answered(self, result: Any) -> None:
        """This is the whole answer."""
        self._given.append(result)
        self.end(complete=True)

    @guarded(None)
    def end(self, *, complete: bool) -> None:
        """Tell the call, if nobody did."""
        if not self._open or self.boundary.told:
            return
        self._open = False
        call = self._models.read(self._model, self._given)
        usage = None if call is None else call.answer.usage
        if call is None or usage is None or not (usage.input_tokens or usage.output_tokens):
            return
        self.boundary.tell()
        call.answer.complete = call.answer.complete and complete
        self._tell(call)

    def _tell(self, call: ModelCall) -> None:
        attributes = {semconv.OPERATION_NAME: semconv.OPERATION_CHAT, **_whom(call)}
        if call.model:
            attributes[semconv.REQUEST_MODEL] = call.model
        if self._first:
            attributes[semconv.REQUEST_STREAM] = True
            _facts.add_first(attributes, self._perf, self._first, 0.0)
        span = self._tracer().start_span(
            f"{semconv.OPERATION_CHAT} {call.model}".strip(),
            self._here,
            SpanKind.CLIENT,
            attributes,
            start_time=self._started_ns,
        )
        told = _facts.answer_attributes(call.answer, semconv.OPENAI_RESPONSE_SERVICE_TIER)
        told |= _facts.source_of(call.answer)
        _facts.add_usage(told, call.answer.usage)
        _facts.add_compute(told, call.answer.model, call.model, call.answer.usage)
        if not call.answer.complete:
            told[semconv.USAGE_PARTIAL] = True
        _span_attributes.write(span, told)
        span.end(self._started_ns + int((perf_counter() - self._perf) * 1e9))


def _whom(call: ModelCall) -> Mapping[str, _facts.Value]:
    told = client_attributes(call.address, provider_named(call.provider))
    return told if told.get(semconv.PROVIDER_NAME) else {}


# --- how a model gives its answer -----------------------------------------------------------------
_Asking = Callable[[Any], _Asked | None]


def _wrapper(models: Models, kind: Kind, tracer: Callable[[], Tracer]) -> Wrapper:
    @guarded(None)
    def asking(model: Any) -> _Asked:
        return _Asked(models, model, tracer)

    drive = _DRIVERS[kind]

    def wrapper(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        asked = asking(instance)
        if asked is None:
            return wrapped(*args, **kwargs)
        return drive(asked, lambda: wrapped(*args, **kwargs))

    return wrapper


def _within(asked: _Asked, make: Callable[[], Any]) -> Any:
    asked.boundary.resume()
    try:
        return make()
    finally:
        asked.boundary.pause()


async def _within_async(asked: _Asked, make: Callable[[], Any]) -> Any:
    asked.boundary.resume()
    try:
        return await make()
    finally:
        asked.boundary.pause()


def _whole(asked: _Asked, make: Callable[[], Any]) -> Any:
    result = _within(asked, make)
    asked.answered(result)
    return result


async def _whole_async(asked: _Asked, make: Callable[[], Any]) -> Any:
    result = await _within_async(asked, make)
    asked.answered(result)
    return result


def _stream(asked: _Asked, make: Callable[[], Any]) -> Any:
    return _read(asked, _within(asked, make))


def _read(asked: _Asked, stream: Any) -> Iterator[Any]:
    items = _within(asked, lambda: iter(stream))
    complete = False
    try:
        while True:
            try:
                item = _within(asked, items.__next__)
            except StopIteration:
                complete = True
                return
            asked.take(item)
            yield item
    finally:
        if not complete and (close := getattr(items, "close", None)) is not None:
            close()
        asked.end(complete=complete)


def _async_stream(asked: _Asked, make: Callable[[], Any]) -> Any:
    return _read_async(asked, _within(asked, make))


async def _read_async(asked: _Asked, stream: Any) -> AsyncIterator[Any]:
    items = aiter(stream)
    complete = False
    try:
        while True:
            try:
                item = await _within_async(asked, items.__anext__)
            except StopAsyncIteration:
                complete = True
                return
            asked.take(item)
            yield item
    finally:
        if not complete and (close := getattr(items, "aclose", None)) is not None:
            await close()
        asked.end(complete=complete)


class _Block:
    """A manager of a stream: the request is made when it is entered, and answered when it is left.

    Args:
        asked: the model.
        manager: the framework's.
    """

    def __init__(self, asked: _Asked, manager: Any) -> None:
        self._asked, self._manager = asked, manager

    async def __aenter__(self) -> Any:
        stream = await _within_async(self._asked, self._manager.__aenter__)
        self._asked.take(stream)
        return stream

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:
        try:
            return await self._manager.__aexit__(kind, error, traceback)
        finally:
            self._asked.end(complete=error is None)


def _managed(asked: _Asked, make: Callable[[], Any]) -> Any:
    return _Block(asked, make())


_DRIVERS: Final[Mapping[Kind, Callable[[_Asked, Callable[[], Any]], Any]]] = {
    Kind.SYNC: _whole,
    Kind.ASYNC: _whole_async,
    Kind.GENERATOR: _stream,
    Kind.ASYNC_GENERATOR: _async_stream,
    Kind.ASYNC_MANAGER: _managed,
}
