"""What every client has in common: opening a call, and the four ways a method gives its answer.

A client's file is data: an :class:`Instrumentor` with its targets, each with the :class:`Api` that
reads it. The drivers below are the only code between a user and a client's method.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import time_ns
from typing import Any, Final, NamedTuple, TypeVar, cast

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import SpanKind, Tracer, TracerProvider

from spanledger import _fetch, _scope, semconv
from spanledger._api import Api
from spanledger._attempts import current
from spanledger._body import watch_helper
from spanledger._call import Call
from spanledger._factories import Factory
from spanledger._facts import Attributes
from spanledger._guard import guarded, swallow
from spanledger._hosts import client_attributes
from spanledger._in_force import holdings
from spanledger._maker import defer, forget
from spanledger._patching import Kind, Target, Wrapper
from spanledger._repeats import recognise

_NO_FIELDS: Final[Mapping[str, Any]] = {}
Number = TypeVar("Number", int, float)
_CLIENT: Final = SpanKind.CLIENT  # a member of an enumeration is slow to look up


@dataclass(frozen=True, slots=True)
class Method:
    """One patched method: where it is and how its calls are read."""

    target: Target
    api: Api | _fetch.Fetch


def _no_flavour(_instance: Any) -> str:
    return ""


def by_class(sellers: Mapping[str, str]) -> Callable[[Any], str]:
    """The provider by the class of the client that a patched object belongs to.

    Args:
        sellers: name of the class -> provider; stands for the asynchronous sister and subclasses.
    """

    @functools.lru_cache(maxsize=64)
    def seller(kind: type[Any]) -> str:
        names = (base.__name__.removeprefix("Async") for base in kind.__mro__)
        return next((sellers[name] for name in names if name in sellers), "")

    def flavour(instance: Any) -> str:
        client: object = getattr(instance, "_client", None)
        return seller(type(client))

    return flavour


def _base_url(instance: Any) -> Any:
    """Where the client sends its requests; None where it does not say.

    The object itself is read where it lies: the public property may do an import each time.
    """
    client = getattr(instance, "_client", None)
    return getattr(client, "_base_url", None) or getattr(client, "base_url", None)


class Asked(NamedTuple):
    """What a call asks for and of whom, where its client's object does not tell it alone.

    ``kwargs`` are the call's parameters with the model under ``model``; ``provider`` is who answers
    when the host does not tell, empty where that is not known either; ``address`` is the URL.
    """

    kwargs: Mapping[str, Any]
    provider: str
    address: Any


@dataclass(frozen=True, slots=True)
class Instrumentor:
    """One client library.

    Attributes:
        client: name of the distribution.
        provider: who answers when nothing else tells.
        minimum: oldest version that was tried.
        methods: what is patched.
        helpers: public methods that make their request through a patched one.
        not_metered: public methods that are not told, with the reason (``_gaps``). A test compares
            ``methods``, ``helpers`` and this with every class of the installed client that makes
            requests; names are ``<module>.<Class>.<method>`` and stand for the asynchronous sister
            too, names that end in ``.*`` for all that begins so.
        notes: what a user of this client should know.
        flavour: who answers when the host does not tell, by the object whose method is called;
            empty where that says nothing either.
        factories: functions that make clients whose methods exist only then.
        deferring: public methods that call ``methods`` later: while the generator they give is
            read, when the manager they give is entered.
        address: the URL that an object with patched methods sends its requests to.
        asked: for clients whose calls name the provider; takes the place of the two before.
    """

    client: str
    provider: str
    minimum: str
    methods: tuple[Method, ...]
    helpers: tuple[str, ...]
    not_metered: Mapping[str, str]
    notes: tuple[str, ...] = ()
    flavour: Callable[[Any], str] = _no_flavour
    factories: tuple[Factory, ...] = ()
    deferring: tuple[Target, ...] = ()
    address: Callable[[Any], Any] = _base_url
    asked: Callable[[Any, Mapping[str, Any]], Asked] | None = None

    def asks(self, instance: Any, kwargs: Mapping[str, Any]) -> tuple[Mapping[str, Any], str, Any]:
        """What this call asks for and of whom: the fields of :class:`Asked`."""
        if self.asked is not None:
            return self.asked(instance, kwargs)
        return kwargs, self.flavour(instance), self.address(instance)


def both(
    module: str, name: str, api: Api | _fetch.Fetch, *, optional: bool = False
) -> tuple[Method, ...]:
    """The method of the synchronous class and of its asynchronous sister."""
    return (
        Method(Target(module, name, Kind.SYNC, optional=optional), api),
        Method(Target(module, f"Async{name}", Kind.ASYNC, optional=optional), api),
    )


class _Tracers(dict[str, Tracer]):
    """The tracers of one provider, by the scope of a client's instrumentation."""

    def __init__(self, provider: TracerProvider | None) -> None:
        super().__init__()
        self._provider = provider

    def __missing__(self, scope: str) -> Tracer:
        tracer = self[scope] = trace.get_tracer(scope, tracer_provider=self._provider)
        return tracer


class Tracing:
    """Where spans go: the application's provider, or one that was given."""

    def __init__(self) -> None:
        self.tracers = _Tracers(None)

    def use(self, provider: TracerProvider | None) -> None:
        """Send the spans of every client to this provider from now on (None: the application's)."""
        self.tracers = _Tracers(provider)

    def tracer(self, scope: str) -> Tracer:
        """The tracer of one client's instrumentation."""
        return self.tracers[scope]


def wrapper_of(
    api: Api | _fetch.Fetch, kind: Kind, instrumentor: Instrumentor, tracing: Tracing
) -> Wrapper:
    """The wrapper for methods of one kind, for ``_patching.Patch``."""
    scope = f"spanledger.{instrumentor.client}"
    if isinstance(api, _fetch.Fetch):
        return _fetching(api, kind, instrumentor, functools.partial(tracing.tracer, scope))

    def opener(instance: Any, kwargs: Mapping[str, Any], maker: Context | None) -> Call | None:
        try:  # written out: every call of every client comes by here
            tracer = tracing.tracers[scope]
            return open_call(api, tracer, instrumentor, instance, kwargs, maker=maker)
        except Exception:  # noqa: BLE001 -- handed to the one place where errors of ours end
            swallow(open_call)
            return None

    return _DRIVERS[kind](opener, api)


def _fetching(
    fetch: _fetch.Fetch, kind: Kind, instrumentor: Instrumentor, tracer: Callable[[], Tracer]
) -> Wrapper:
    @guarded(None)
    def begin(instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _fetch.Telling:
        given = {**dict(zip(fetch.positional, args, strict=False)), **kwargs}
        _, flavour, address = instrumentor.asks(instance, given)
        attributes = client_attributes(address, flavour or instrumentor.provider)
        return _fetch.Telling(fetch, tracer(), attributes)

    return _fetch.DRIVERS[kind](begin)


#: Opens the call of a method; the context is its maker's, where the request is made later than the
#: method is called: whoever reads the stream then, it belongs to who asked for it.
Opener = Callable[[Any, Mapping[str, Any], Context | None], Call | None]


def _drive_sync(opener: Opener, api: Api) -> Wrapper:
    def driver(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        given = api.named(args, kwargs) if args else kwargs
        if api.lazy and api.streaming(given):
            begin = functools.partial(opener, instance, given, get_current())
            return defer(wrapped(*args, **kwargs), begin)
        call = opener(instance, given, None)
        if call is None:
            return wrapped(*args, **kwargs)
        with call:
            result = wrapped(*args, **kwargs)
        return call.returned(result, asynchronous=False)

    return driver


def _drive_async(opener: Opener, api: Api) -> Wrapper:
    async def driver(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        given = api.named(args, kwargs) if args else kwargs
        if api.lazy and api.streaming(given):
            begin = functools.partial(opener, instance, given, get_current())
            return defer(await wrapped(*args, **kwargs), begin)
        call = opener(instance, given, None)
        if call is None:
            return await wrapped(*args, **kwargs)
        with call:
            result = await wrapped(*args, **kwargs)
        return call.returned(result, asynchronous=True)

    return driver


def _drive_manager(opener: Opener, api: Api) -> Wrapper:
    """Methods that return a manager: the request is made, and the span opened, by ``with``."""

    def driver(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        manager = wrapped(*args, **kwargs)
        begin = functools.partial(opener, instance, kwargs, get_current())
        return _manage(manager, begin, api) or manager

    return driver


@guarded(None)
def _manage(manager: Any, begin: Callable[[], Call | None], api: Api) -> Any:
    from spanledger._stream import Manager

    def enter(enter_manager: Callable[[], Any]) -> Any:
        call = begin()
        if call is None:
            return enter_manager()
        with call:
            stream = enter_manager()
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


_DRIVERS: Final[Mapping[Kind, Callable[[Opener, Api], Wrapper]]] = {
    Kind.SYNC: _drive_sync,
    Kind.ASYNC: _drive_async,
    Kind.MANAGER: _drive_manager,
    Kind.ASYNC_MANAGER: _drive_manager,
}


def open_call(
    api: Api,
    tracer: Tracer,
    instrumentor: Instrumentor,
    instance: Any,
    kwargs: Mapping[str, Any],
    *,
    maker: Context | None,
) -> Call | None:
    """Start the span of one call, in the context of its maker (None: the current one).

    Returns:
        None when there is nothing to tell: the span is not recorded, or the client's method was
        called inside a call that is being told already, or makes calls that are.
    """
    outer = current.get()
    if outer is not None and not outer.requesting:
        outer = None
    if outer is not None and _includes(outer, instance):
        return None
    if api.told_inside is not None and api.told_inside(kwargs):
        return None
    started_ns = time_ns()
    here = get_current() if maker is None else maker
    if api.adapt is not None:
        api, kwargs = api.adapt(kwargs)
    kwargs, flavour, address = instrumentor.asks(instance, kwargs)
    provider = flavour or instrumentor.provider
    name, attributes = _question(api, kwargs)
    attributes.update(client_attributes(address, provider))
    span = tracer.start_span(name, here, _CLIENT, attributes, start_time=started_ns)
    if not span.is_recording() and not holdings(here):  # a budget counts calls nobody samples
        return None
    call = Call(api, span, instance, kwargs, asked=attributes, started_ns=started_ns, here=here)
    run_id = _scope.current_run_id(here) if here else None
    if run_id:
        inside = getattr(outer, "repeat", None)
        model = str(attributes.get(semconv.REQUEST_MODEL, ""))
        call.repeat = recognise(api, kwargs, span, inside, run_id, model=model)
    if semconv.SERVER_ADDRESS not in attributes:
        call.provider = provider
    return call


def _question(api: Api, kwargs: Mapping[str, Any]) -> tuple[str, Attributes]:
    """The name of a call's span, and what was asked for."""
    name = api.operation
    attributes = api.request(kwargs)
    attributes[semconv.OPERATION_NAME] = name
    model = kwargs.get("model")
    if isinstance(model, str) and model:
        attributes[semconv.REQUEST_MODEL] = model
        name = f"{name} {model}"
    if api.snapshot is not None or api.streaming(kwargs):
        attributes[semconv.REQUEST_STREAM] = True
    return name, attributes


def _includes(running: Any, instance: object) -> bool:
    """Whether calls of this object are part of the running one: its own, or all that it makes."""
    if getattr(running, "owner", None) is instance:
        return True
    api: Api | None = getattr(running, "api", None)
    return api is not None and api.covers


def fields(value: object) -> Mapping[str, Any]:
    """The fields of a parameter that may be a mapping or the client's model of one."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    return getattr(value, "__dict__", _NO_FIELDS)


def number(kwargs: Mapping[str, Any], *names: str) -> int | float | None:
    """The first of these parameters that is a number; markers like ``NOT_GIVEN`` are none."""
    for name in names:
        value = kwargs.get(name)
        if value is None:  # nearly always
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
    return None


def sampling_attributes(kwargs: Mapping[str, Any], *limits: str) -> Attributes:
    """Request parameters that all chat-like calls share; ``limits`` name the output limit."""
    attributes: Attributes = {}
    for name in limits:  # nearly always none is given
        if name in kwargs and (limit := number(kwargs, name)) is not None:
            attributes[semconv.REQUEST_MAX_TOKENS] = int(limit)
            break
    if "temperature" in kwargs and (value := number(kwargs, "temperature")) is not None:
        attributes[semconv.REQUEST_TEMPERATURE] = float(value)
    if "top_p" in kwargs and (value := number(kwargs, "top_p")) is not None:
        attributes[semconv.REQUEST_TOP_P] = float(value)
    return attributes
