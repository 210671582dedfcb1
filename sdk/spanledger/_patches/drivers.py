"""Between a user and a client's method: opening a call, and the ways a method gives its answer.

Each way is written as the function that takes the method's place (``patching.Around``): of all
code of ours a call runs through this first, so a frame less counts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from time import perf_counter, time_ns
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import Tracer, TracerProvider

from spanledger import semconv
from spanledger._budgets.in_force import holdings
from spanledger._calls import fetch as _fetch
from spanledger._calls.answer import text
from spanledger._calls.api import Api
from spanledger._calls.attempts import current
from spanledger._calls.call import Call
from spanledger._calls.facts import Attributes
from spanledger._calls.hosts import client_attributes
from spanledger._calls.inside import belongs
from spanledger._calls.maker import defer, forget
from spanledger._calls.repeats import Repeat, recognise
from spanledger._calls.starting import Starter
from spanledger._frameworks.boundary import note_call
from spanledger._guard import guarded, swallow
from spanledger._local import loading
from spanledger._patches.instrumentor import Instrumentor, Readable
from spanledger._patches.light import Around, Switch
from spanledger._patches.patching import Kind, called
from spanledger._streams.body import watch_helper
from spanledger._streams.stream import Manager
from spanledger._work import scope as _scope


class _Tracers(dict[str, Tracer]):
    """The tracers of one provider, by the scope of a client's instrumentation."""

    def __init__(self, provider: TracerProvider | None) -> None:
        super().__init__()
        self._provider = provider

    def __missing__(self, scope: str) -> Tracer:
        tracer = self[scope] = trace.get_tracer(scope, tracer_provider=self._provider)
        return tracer


class _Starters(dict[str, Starter]):
    """What starts the spans of calls, by the same scope."""

    def __init__(self, tracers: _Tracers) -> None:
        super().__init__()
        self._tracers = tracers

    def __missing__(self, scope: str) -> Starter:
        starter = self[scope] = Starter(self._tracers[scope])
        return starter


class Tracing:
    """Where spans go: the application's provider, or one that was given."""

    def __init__(self) -> None:
        self.use(None)

    def use(self, provider: TracerProvider | None) -> None:
        """Send the spans of every client to this provider from now on (None: the application's)."""
        self.tracers = _Tracers(provider)
        self.starters = _Starters(self.tracers)

    def tracer(self, scope: str) -> Tracer:
        """The tracer of one client's instrumentation."""
        return self.tracers[scope]


def around_of(api: Readable, kind: Kind, instrumentor: Instrumentor, tracing: Tracing) -> Around:
    """What lies around methods of one kind, for ``patching.Patch``."""
    scope = f"spanledger.{instrumentor.client}"
    if isinstance(api, _fetch.Fetch):
        return _fetching(api, kind, instrumentor, functools.partial(tracing.tracer, scope))
    if isinstance(api, loading.Load):
        tracer = functools.partial(tracing.tracer, scope)
        return called(loading.driver(api, instrumentor.provider, tracer))

    def opener(instance: Any, kwargs: Mapping[str, Any], maker: Context | None) -> Call | None:
        try:  # written out: every call of every client comes by here
            note_call()
            outer = current.get()
            if outer is not None and outer.requesting and _includes(outer, instance, kwargs):
                return None
            if api.told_inside is not None and api.told_inside(kwargs):
                return None
            here = get_current() if maker is None else maker
            return open_call(api, tracing.starters[scope], instrumentor, here, instance, kwargs)
        except Exception:  # noqa: BLE001 -- handed to the one place where errors of ours end
            swallow(open_call)
            return None

    return _DRIVERS[kind](opener, api)


def _fetching(
    fetch: _fetch.Fetch, kind: Kind, instrumentor: Instrumentor, tracer: Callable[[], Tracer]
) -> Around:
    @guarded(None)
    def begin(instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _fetch.Telling:
        given = {**dict(zip(fetch.positional, args, strict=False)), **kwargs}
        _, flavour, address = instrumentor.asks(instance, given)
        attributes = client_attributes(address, flavour or instrumentor.provider)
        return _fetch.Telling(fetch, tracer(), attributes)

    return called(_fetch.DRIVERS[kind](begin))


#: Opens the call of a method. The context is its maker's, where the request is made later than the
#: method is called: whoever reads the stream then, it belongs to who asked for it. Gives None when
#: there is nothing to tell: the span is not recorded, or the method was called inside a call that
#: is being told already, or makes calls that are.
Opener = Callable[[Any, Mapping[str, Any], Context | None], Call | None]


def _drive_sync(opener: Opener, api: Api) -> Around:
    def around(method: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        def metered(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            if not switch:
                return method(self, *args, **kwargs)
            given = api.named(args, kwargs) if args else kwargs
            if api.lazy and api.streaming(given):
                begin = functools.partial(opener, self, given, get_current())
                return defer(method(self, *args, **kwargs), begin)
            call = opener(self, given, None)
            if call is None:
                return method(self, *args, **kwargs)
            with call:
                result = method(self, *args, **kwargs)
            return call.returned(result, asynchronous=False)

        return metered

    return around


def _drive_async(opener: Opener, api: Api) -> Around:
    def around(method: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        async def metered(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            if not switch:
                return await method(self, *args, **kwargs)
            given = api.named(args, kwargs) if args else kwargs
            if api.lazy and api.streaming(given):
                begin = functools.partial(opener, self, given, get_current())
                return defer(await method(self, *args, **kwargs), begin)
            call = opener(self, given, None)
            if call is None:
                return await method(self, *args, **kwargs)
            with call:
                result = await method(self, *args, **kwargs)
            return call.returned(result, asynchronous=True)

        return metered

    return around


def _drive_manager(opener: Opener, api: Api) -> Around:
    """Methods that return a manager: the request is made, and the span opened, by ``with``."""

    def driver(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        manager = wrapped(*args, **kwargs)
        begin = functools.partial(opener, instance, kwargs, get_current())
        return _manage(manager, begin, api) or manager

    return called(driver)


@guarded(None)
def _manage(manager: Any, begin: Callable[[], Call | None], api: Api) -> Any:
    def enter(enter_manager: Callable[[], Any]) -> Any:
        call = begin()
        if call is None:
            return enter_manager()
        with call:
            stream = enter_manager()
        if api.watch is not None:
            return call.returned(stream, asynchronous=False)
        _watch_helper(call, stream, api, asynchronous=False)
        return stream

    async def enter_async(enter_manager: Callable[[], Any]) -> Any:
        call = begin()
        if call is None:
            return await enter_manager()
        try:
            with call:
                stream = await enter_manager()
        except BaseException:
            forget(manager)  # a budget may have refused: its request is never awaited
            raise
        if api.watch is not None:
            return call.returned(stream, asynchronous=True)
        _watch_helper(call, stream, api, asynchronous=True)
        return stream

    return Manager(manager, enter, enter_async)


def _watch_helper(call: Call, stream: Any, api: Api, *, asynchronous: bool) -> None:
    if not _watching(call, stream, api, asynchronous=asynchronous):
        call.finish(None)


@guarded(False)
def _watching(call: Call, stream: Any, api: Api, *, asynchronous: bool) -> bool:
    if api.snapshot is None:
        return False
    watch_helper(call, stream, api.snapshot, asynchronous=asynchronous)
    return True


_DRIVERS: Final[Mapping[Kind, Callable[[Opener, Api], Around]]] = {
    Kind.SYNC: _drive_sync,
    Kind.ASYNC: _drive_async,
    Kind.MANAGER: _drive_manager,
    Kind.ASYNC_MANAGER: _drive_manager,
}


def open_call(  # noqa: PLR0917 -- every call of every client comes by here: names cost time
    api: Api,
    starter: Starter,
    who: Instrumentor,
    here: Context,
    instance: Any,
    kwargs: Mapping[str, Any],
) -> Call | None:
    """Start the span of one call in this context; None where the span is not recorded."""
    started_ns, started = time_ns(), perf_counter()
    if api.adapt is not None:
        api, kwargs = api.adapt(kwargs)
    if who.asked is None:  # nearly always
        provider, address = who.flavour(instance) or who.provider, who.address(instance)
    else:
        kwargs, provider, address = who.asked(instance, kwargs)
        provider = provider or who.provider
    name, attributes = _question(api, kwargs)
    attributes.update(client_attributes(address, provider))
    span = starter.start(name, here, attributes, started_ns)
    if not span.is_recording() and not holdings(here):  # a budget counts calls nobody samples
        return None
    began = (started_ns, started)
    call = Call(api, span, instance, kwargs, asked=attributes, began=began, here=here)
    if here and (run_id := _scope.current_run_id(here)):
        model = str(attributes.get(semconv.REQUEST_MODEL, ""))
        call.repeat = recognise(api, kwargs, span, _around(), run_id, model=model)
    if semconv.REQUEST_STREAM in attributes:
        call.streams = True
    if semconv.SERVER_ADDRESS not in attributes:
        call.provider = provider
    return call


def _around() -> Repeat | None:
    """That of the call which the present one is made inside of."""
    outer = current.get()
    return None if outer is None or not outer.requesting else getattr(outer, "repeat", None)


def _question(api: Api, kwargs: Mapping[str, Any]) -> tuple[str, Attributes]:
    """The name of a call's span, and what was asked for."""
    name = api.operation
    attributes = api.request(kwargs)
    attributes[semconv.OPERATION_NAME] = name
    model = text(kwargs.get("model"))
    if model:
        attributes[semconv.REQUEST_MODEL] = model
        name = f"{name} {model}"
    if api.snapshot is not None or api.streaming(kwargs):
        attributes[semconv.REQUEST_STREAM] = True
    return name, attributes


def _includes(running: Any, instance: object, kwargs: Mapping[str, Any]) -> bool:
    """Whether calls of this object are part of the running one: its own, or all that it makes."""
    if instance is not None and getattr(running, "owner", None) is instance:
        return True  # functions of a module have no object
    api: Api | None = getattr(running, "api", None)
    return api is not None and api.covers and belongs(running, kwargs)
