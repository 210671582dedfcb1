"""Clients whose class is made at run time: nothing to patch before the first client is there.

What is patched is the public function that makes clients. The methods of each client it makes are
wrapped on the client's own class, which no other client shares; removal puts them back. Others put
methods of theirs on the client itself, over those that they found, before or after us: where that
was done before, ours lies over theirs there too.

Clients that were made before are found by their classes, which the library's base class knows; a
client that the garbage collector does not show is followed from its first call on.
"""

from __future__ import annotations

import functools
import gc
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from spanledger._calls.api import Api
from spanledger._guard import guarded
from spanledger._patches.patching import Patch, PatchState, Target, Wrapped, Wrapper

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Factory:
    """A function that makes clients.

    ``makes`` recognises a client that is to be told among everything the function returns;
    ``methods`` are its methods by name, those that the installed version has; ``listen`` and
    ``hush`` begin and end to follow the client's own public events; ``living`` gives the classes of
    such clients that are there already.
    """

    target: Target
    makes: Callable[[Any], bool]
    methods: Mapping[str, Api]
    listen: Callable[[Any], None]
    hush: Callable[[Any], None]
    living: Callable[[], Iterable[type[Any]]]


def _class_of(client: Any) -> Any:
    return client.__class__


class FactoryPatch:
    """The patch of one such function, and of every client it has made that is still alive.

    Args:
        factory: what is patched.
        wrappers: the wrapper of each method.
    """

    def __init__(self, factory: Factory, wrappers: Mapping[str, Wrapper]) -> None:
        self._factory = factory
        self._wrappers = wrappers
        self._patch = Patch(factory.target, self._make)
        self._clients: weakref.WeakSet[Any] = weakref.WeakSet()
        self._classes: weakref.WeakSet[type[Any]] = weakref.WeakSet()
        self._lock = threading.RLock()  # clients are made in any thread while these are read

    @property
    def target(self) -> Target:
        """What is patched."""
        return self._patch.target

    @property
    def state(self) -> PatchState:
        """What became of it."""
        return self._patch.state

    @property
    def detail(self) -> str:
        """What it does to the clients it makes, or why it does not."""
        return self._patch.detail or f"wraps {', '.join(self._wrappers)} of each client"

    @property
    def module(self) -> str:
        """The module it waits for."""
        return self._patch.module

    @property
    def optional(self) -> bool:
        """Whether some versions have no such function."""
        return self._patch.optional

    def give_up(self, reason: str) -> None:
        """The module cannot be imported: stop waiting for it."""
        self._patch.give_up(reason)

    def install(self) -> None:
        """Patch the function; clients that are there already, made by it or before, are told."""
        self._patch.install()
        for owner in {*self._kept(self._classes), *self._living()}:
            self._wrap(owner)
            for client in gc.get_referrers(owner):
                if type(client) is owner:
                    self._adopt(client)

    def remove(self) -> None:
        """Put the function back, and the methods of its clients."""
        self._patch.remove()
        for owner in self._kept(self._classes):
            _bare(owner, self._wrappers)
        for client in self._kept(self._clients):
            self._release(client)

    def _kept(self, those: weakref.WeakSet[T]) -> list[T]:
        with self._lock:
            return list(those)

    @guarded(())
    def _living(self) -> Iterable[type[Any]]:
        return self._factory.living()

    def _make(
        self,
        wrapped: Callable[..., Any],
        _instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        client = wrapped(*args, **kwargs)
        self._adopt(client)
        return client

    @guarded(None)
    def _wrap(self, owner: type[Any]) -> None:
        for name, wrapper in self._wrappers.items():
            method = owner.__dict__.get(name)
            if method is not None and not isinstance(method, Wrapped):
                setattr(owner, name, Wrapped(method, functools.partial(self._dispatch, wrapper)))
        with self._lock:
            self._classes.add(owner)

    @guarded(None)
    def _adopt(self, client: Any) -> None:
        if not self._factory.makes(client):
            return
        self._wrap(_class_of(client))
        for name, wrapper in self._wrappers.items():
            theirs: Any = client.__dict__.get(name)
            if theirs is not None and not isinstance(theirs, Wrapped):
                setattr(client, name, Wrapped(theirs, self._over(wrapper, weakref.ref(client))))
        self._factory.listen(client)
        with self._lock:
            self._clients.add(client)

    @guarded(None)
    def _release(self, client: Any) -> None:
        _bare(client, self._wrappers)
        self._factory.hush(client)

    def _over(self, wrapper: Wrapper, client: weakref.ref[Any]) -> Wrapper:
        """Lies over a function on the client itself, which is not told whose it is."""

        def over(
            wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            return self._dispatch(wrapper, wrapped, client(), args, kwargs)

        return over

    def _dispatch(
        self,
        wrapper: Wrapper,
        wrapped: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if self._patch.state is not PatchState.INSTALLED:  # a bound method kept since before
            return wrapped(*args, **kwargs)
        if instance not in self._clients:
            self._adopt(instance)
        return wrapper(wrapped, instance, args, kwargs)


@guarded(None)
def _bare(owner: Any, names: Iterable[str]) -> None:
    """Put back what is below ours, on a class or on a client itself."""
    for name in names:
        method: Any = owner.__dict__.get(name)
        if isinstance(method, Wrapped):
            setattr(owner, name, method.__wrapped__)
