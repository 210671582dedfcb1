"""What every client says of itself, and what their files have in common.

A client's file is data: an :class:`Instrumentor` with its targets, each with the :class:`Api` that
reads it (``drivers``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from spanledger import semconv
from spanledger._calls import fetch
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._local import loading
from spanledger._patches.factories import Factory
from spanledger._patches.patching import Kind, Target

_NO_FIELDS: Final[Mapping[str, Any]] = {}
Number = TypeVar("Number", int, float)
#: How what a patched method does is read: it asks a model, fetches answers, or loads a model.
Readable: TypeAlias = Api | fetch.Fetch | loading.Load


@dataclass(frozen=True, slots=True)
class Method:
    """One patched method: where it is and how its calls are read."""

    target: Target
    api: Readable


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
        not_metered: public methods that are not told, with the reason (``gaps``). A test compares
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
        joined: what joins in with a module, by its name, beside the methods (``patching.Hook``).
        offline: variables of the environment with which importing the client asks no network.
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
    joined: Mapping[str, Callable[[ModuleType], Callable[[], None]]] = field(
        default_factory=dict[str, Callable[[ModuleType], Callable[[], None]]]
    )
    offline: Mapping[str, str] = field(default_factory=dict[str, str])

    def asks(self, instance: Any, kwargs: Mapping[str, Any]) -> tuple[Mapping[str, Any], str, Any]:
        """What this call asks for and of whom: the fields of :class:`Asked`."""
        if self.asked is not None:
            return self.asked(instance, kwargs)
        return kwargs, self.flavour(instance), self.address(instance)


def both(
    module: str, name: str, api: Api | fetch.Fetch, *, optional: bool = False
) -> tuple[Method, ...]:
    """The method of the synchronous class and of its asynchronous sister."""
    return (
        Method(Target(module, name, Kind.SYNC, optional=optional), api),
        Method(Target(module, f"Async{name}", Kind.ASYNC, optional=optional), api),
    )


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
