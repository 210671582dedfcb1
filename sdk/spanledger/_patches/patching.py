"""Installs and removes wrappers on public methods of other libraries, when those are imported.

Where a library has a public mechanism to join in instead, a :class:`Hook` does.

A target is data; this module is the only code that touches somebody else's classes. Every patch
fails open: a method that is gone is recorded, logged once, and nothing else happens.
"""

from __future__ import annotations

import enum
import functools
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

import wrapt

from spanledger._guard import guarded
from spanledger._patches.light import Around, Switch, function_over, lies_on
from spanledger._patches.renaming import rename

if TYPE_CHECKING:
    _FunctionWrapper = wrapt.FunctionWrapper[..., Any]
else:  # the class of older versions takes no parameter at run time
    _FunctionWrapper = wrapt.FunctionWrapper

#: What others wrap methods in.
_WRAPPERS: Final[tuple[type, ...]] = (wrapt.FunctionWrapper, wrapt.BoundFunctionWrapper)

_log = logging.getLogger("spanledger")

#: ``(wrapped, instance, args, kwargs) -> result``, as wrapt calls it.
Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
_ON: Final[Switch] = [True]


class Kind(enum.Enum):
    """How a method gives its answer."""

    #: Returns the answer.
    SYNC = "sync"
    #: Returns a coroutine of the answer.
    ASYNC = "async"
    #: Returns a manager whose ``with`` makes the request.
    MANAGER = "manager"
    #: Returns a manager whose ``async with`` makes the request.
    ASYNC_MANAGER = "async manager"
    #: Returns a generator, which does the work while it is read.
    GENERATOR = "generator"
    #: Returns an asynchronous generator, which does the work while it is read.
    ASYNC_GENERATOR = "async generator"
    #: Returns a coroutine of an asynchronous generator.
    AWAITED_GENERATOR = "awaited generator"
    #: Begins work that another method of the same object ends.
    BEGIN = "begin"
    #: Says that that work failed, while it goes on.
    FAIL = "fail"
    #: Ends that work, also while an exception goes through the block that it ends.
    END = "end"


class PatchState(enum.Enum):
    """What became of a patch."""

    #: The module is not imported yet.
    PENDING = "pending"
    INSTALLED = "installed"
    #: The module is there, the method is not.
    MISSING = "missing"
    REMOVED = "removed"
    #: Removal was asked for while somebody else's wrapper lies over ours: ours passes through.
    COVERED = "covered"
    #: Not needed: the method that it stands in for is there, or has been patched by another name.
    SPARE = "spare"


@dataclass(frozen=True, slots=True)
class Target:
    """One method. ``optional`` ones exist in some versions only and are not warned about.

    ``stands_in_for`` names a method of the same class that tells more, where that is a private one:
    should a version lack it, this public one is patched instead. ``over_others`` is for a class
    that inherits the method: it is patched there only where somebody else's wrapper is there, which
    was put around what the parent had before.
    """

    module: str
    name: str
    kind: Kind
    optional: bool = False
    stands_in_for: str = ""
    over_others: bool = False

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Wrapped(_FunctionWrapper):
    """Marks our wrappers, so that one method reached under two module names is wrapped once."""


class GeneratorFunction(_FunctionWrapper):
    """A generator function that somebody else's code is called for.

    For ``inspect``, for binding and for its name it stays the function it is.
    """

    def __reduce_ex__(self, _protocol: Any) -> str:
        return self.__qualname__  # found again where it is defined, as any function


class FamilyMethod(Wrapped):
    """Ours on a class that may be the application's own, and may be sent to another process.

    There it arrives as the method that it was.
    """

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return _itself, (self.__wrapped__,)


def _itself(method: Any) -> Any:
    return method


class WrappedOver(Wrapped):
    """Ours, on top of somebody else's wrapper.

    The others take a wrapper off by ``Class.method = Class.method.__wrapped__``, whoever is on top
    by then. So that this takes off theirs and not ours, what the class shows names ours on whatever
    is below theirs.
    """

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        bound: Any = super().__get__(instance, owner)
        if instance is not None:
            return bound
        theirs: Any = self.__wrapped__
        below = Wrapped(theirs.__wrapped__, self._self_wrapper, self._self_enabled)

        def pass_on(_below: Any, holder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            whole = bound if holder is None else self.__get__(holder, type(holder))
            return whole(*args, **kwargs)

        return _FunctionWrapper(below, pass_on)


def _has_ours(owner: object, method: object) -> bool:
    """Whether it was wrapped here; a class may also have borrowed it from one where it was."""
    return isinstance(method, Wrapped) or lies_on(method) is owner


def called(wrapper: Wrapper) -> Around:
    """What lies around a method and calls this wrapper."""

    def around(method: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
        def metered(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            bound = functools.partial(method, self)  # a function of a module has no object
            return wrapper(bound, self, args, kwargs) if switch else bound(*args, **kwargs)

        return metered

    return around


def wrapping(around: Around) -> Wrapper:
    """The wrapper of what lies around a method, for what is wrapped by wrapt."""

    def wrapper(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        def method(_instance: Any, /, *args: Any, **kwargs: Any) -> Any:
            return wrapped(*args, **kwargs)

        return around(method, _ON)(instance, *args, **kwargs)

    return wrapper


@dataclass(slots=True)
class Patch:
    """One wrapper on one target, from the import hook to its removal.

    Args:
        target: the method.
        wrapper: what lies around it.
        around: the same as a function, for where the method is one: it costs a call less. For
            methods that are called and not looked into: of what wrapt shows, a function has name,
            signature and documentation, but not the code.
    """

    target: Target
    wrapper: Wrapper
    around: Around | None = None
    state: PatchState = PatchState.PENDING
    detail: str = ""
    _owner: type[Any] | None = field(default=None, repr=False)
    _original: Any = field(default=None, repr=False)
    _hooked: bool = field(default=False, repr=False)
    _late: bool = field(default=False, repr=False)
    #: wrapt looks at its truth; a function that it asks would cost each call more.
    _switch: Any = field(default_factory=list[bool], init=False, repr=False)

    def install(self) -> None:
        """Wrap the method now, or as soon as its module is imported. Does nothing when it is on."""
        if self.state in (PatchState.MISSING, PatchState.SPARE):
            return
        if self.state in (PatchState.INSTALLED, PatchState.COVERED) and self._is_reached():
            self._turn_on()
            return
        self.state = PatchState.PENDING
        if self._owner is not None:
            self._wrap(self._owner)
        elif not self._hooked:
            self._hooked = True
            self._late = self.target.module in sys.modules
            wrapt.register_post_import_hook(guarded(None)(self._imported), self.target.module)

    def remove(self) -> None:
        """Put the original back, the very same object."""
        if self.state is PatchState.INSTALLED and self._owner is not None:
            self._switch.clear()
            layer: Any = vars(self._owner).get(self._attribute)
            if self._is_ours(layer):
                self._restore(self._owner, layer.__wrapped__)
            elif self._is_reached():
                self.state = PatchState.COVERED
                self.detail = "another wrapper lies over this one; it now passes calls through"
            else:
                self.state = PatchState.REMOVED
                self.detail = "somebody else took it off"
        elif self.state is PatchState.PENDING:
            self.state = PatchState.REMOVED

    @property
    def module(self) -> str:
        """The module that has to be imported before."""
        return self.target.module

    @property
    def optional(self) -> bool:
        """There are versions of the library without it."""
        return self.target.optional

    def give_up(self, reason: str) -> None:
        """The module cannot be imported: stop waiting for it."""
        if self.state is PatchState.PENDING:
            self.state, self.detail = PatchState.MISSING, reason

    @property
    def _attribute(self) -> str:
        return self.target.name.rpartition(".")[2]

    def _is_reached(self) -> bool:
        """Whether a call still comes by: others may have put back what they had found."""
        layer: Any = vars(self._owner).get(self._attribute) if self._owner else None
        while layer is not None:
            if self._is_ours(layer):
                return True
            layer = getattr(layer, "__wrapped__", None)
        return False

    def _is_ours(self, layer: Any) -> bool:
        switch = getattr(layer, "_self_enabled", None)
        return switch is self._switch and (
            isinstance(layer, _WRAPPERS) or (lies_on(layer) is not None)
        )

    def _imported(self, module: ModuleType) -> None:
        self._hooked = False  # an import hook fires once
        if self.state is not PatchState.PENDING:
            return
        owner: Any = module
        for part in self.target.name.split(".")[:-1]:
            owner = getattr(owner, part, None)
        first = self.target.stands_in_for
        if first and callable(getattr(owner, first, None)):
            self.state = PatchState.SPARE
            self.detail = f"not needed: {first} tells its calls"
        elif self.target.over_others and not self._is_covered(owner):
            self.state = PatchState.SPARE
            self.detail = "not needed: the method of its parent is called"
        elif owner is None or not callable(getattr(owner, self._attribute, None)):
            self._miss("no such method in the installed version; its calls are not metered")
        elif _has_ours(owner, owner.__dict__.get(self._attribute)):
            self.state = PatchState.SPARE
            self.detail = "not needed: another name of a method that is patched already"
        else:
            self._wrap(owner)
            if first:
                self.detail = f"stands in for {first}, which this version lacks: less is told"
                _log.warning("spanledger: %s %s", self.target, self.detail)

    def _is_covered(self, owner: Any) -> bool:
        return owner is not None and isinstance(owner.__dict__.get(self._attribute), _WRAPPERS)

    def _wrap(self, owner: type[Any]) -> None:
        self._owner = owner
        self._original = owner.__dict__.get(self._attribute)
        function: Any = self._original or getattr(owner, self._attribute)
        plain = type(self._original) is FunctionType and "." in self.target.name
        if self.around is not None and plain:
            layer: Any = function_over(owner, function, self.around, self._switch)
        else:
            over_others = isinstance(self._original, _WRAPPERS)
            kind = WrappedOver if over_others else Wrapped
            layer = kind(function, self.wrapper, self._switch)
        setattr(owner, self._attribute, layer)
        if self._late:
            rename(owner, self._attribute, function, layer)
        self._turn_on()

    def _turn_on(self) -> None:
        self.state = PatchState.INSTALLED
        self._switch[:] = [True]

    def _restore(self, owner: type[Any], below: Any) -> None:
        if self._late:
            rename(owner, self._attribute, vars(owner)[self._attribute], below)
        if self._original is None:
            delattr(owner, self._attribute)  # the method was inherited
        else:
            setattr(owner, self._attribute, below)
        self.state = PatchState.REMOVED

    def _miss(self, detail: str) -> None:
        self.state = PatchState.MISSING
        self.detail = detail
        level = logging.DEBUG if self.target.optional else logging.WARNING
        _log.log(level, "spanledger: cannot patch %s: %s", self.target, detail)


@dataclass(slots=True)
class Hook:
    """One registration with a library's own public mechanism, from import to removal.

    Args:
        target: name of the module that has to be imported before.
        attach: joins in, given that module; returns what undoes it.
    """

    target: str
    attach: Callable[[ModuleType], Callable[[], None]]
    state: PatchState = PatchState.PENDING
    detail: str = ""
    optional: bool = False
    _module: ModuleType | None = field(default=None, repr=False)
    _detach: Callable[[], None] | None = field(default=None, repr=False)
    _hooked: bool = field(default=False, repr=False)

    def install(self) -> None:
        """Join in now, or as soon as the module is imported. Does nothing when it is on."""
        if self.state in (PatchState.INSTALLED, PatchState.MISSING):
            return
        self.state = PatchState.PENDING
        if self._module is not None:
            self._join(self._module)
        elif not self._hooked:
            self._hooked = True
            wrapt.register_post_import_hook(guarded(None)(self._imported), self.target)

    def remove(self) -> None:
        """Leave."""
        if self._detach is not None:
            detach, self._detach = self._detach, None
            guarded(None)(detach)()
        if self.state is not PatchState.MISSING:
            self.state = PatchState.REMOVED

    @property
    def module(self) -> str:
        """The module that has to be imported before."""
        return self.target

    def give_up(self, reason: str) -> None:
        """The module cannot be imported: stop waiting for it."""
        if self.state is PatchState.PENDING:
            self.state, self.detail = PatchState.MISSING, reason

    def _imported(self, module: ModuleType) -> None:
        self._module = module
        if self.state is PatchState.PENDING:
            self._join(module)

    def _join(self, module: ModuleType) -> None:
        try:
            self._detach = self.attach(module)
        except (AttributeError, ImportError, TypeError) as error:
            self.state = PatchState.MISSING
            self.detail = f"not in the installed version: {error}"
            _log.warning("spanledger: cannot join %s: %s", self.target, self.detail)
        else:
            self.state = PatchState.INSTALLED
