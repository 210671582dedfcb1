"""Methods that every class of a family has its own of: patched on each, those to come too.

A framework's models are such a family: an abstract class, and for each provider one below it, some
of them the application's own. Classes that are made later are seen by ``__init_subclass__``.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from spanledger._guard import guarded
from spanledger._patches.patching import FamilyMethod, Wrapped, Wrapper

_BORN: Final = "__init_subclass__"


def follow(base: type[Any], wrappers: Mapping[str, Wrapper]) -> Callable[[], None]:
    """Wrap these methods of all classes below this one; gives what puts them back.

    Args:
        base: the class that all of the family are below.
        wrappers: by the name of the method.
    """
    family = _Family(base, wrappers)
    for owner in _below(base):
        family.adopt(owner)
    return family.leave


def follow_own(base: type[Any], name: str, wrapper: Wrapper) -> Callable[[], None]:
    """Wrap a method of this class itself; gives what puts it back. Nothing where it is gone."""
    method: Any = vars(base).get(name)
    if not callable(method):
        return lambda: None
    switch: Any = [True]
    ours = FamilyMethod(method, wrapper, switch)
    setattr(base, name, ours)

    def leave() -> None:
        switch.clear()
        if vars(base).get(name) is ours:
            setattr(base, name, method)

    return leave


class _Family:
    """The classes below one, while they are followed."""

    def __init__(self, base: type[Any], wrappers: Mapping[str, Wrapper]) -> None:
        self._base, self._wrappers = base, wrappers
        self._switch: Any = [True]  # wrapt looks at its truth
        self._adopted: weakref.WeakSet[type[Any]] = weakref.WeakSet()
        self._found: Any = vars(base).get(_BORN)
        self._ours = classmethod(self._born_of(base))
        setattr(base, _BORN, self._ours)

    def _born_of(self, base: type[Any]) -> Callable[..., None]:
        def born(cls: type[Any], **kwargs: Any) -> None:
            if self._found is None:
                super(base, cls).__init_subclass__(**kwargs)
            else:
                self._found.__get__(None, cls)(**kwargs)
            if self._switch:
                self.adopt(cls)

        return born

    @guarded(None)
    def adopt(self, owner: type[Any]) -> None:
        """Wrap those methods that are this class's own."""
        for name, wrapper in self._wrappers.items():
            method: Any = vars(owner).get(name)
            if callable(method) and not _is_left_alone(method):
                setattr(owner, name, FamilyMethod(method, wrapper, self._switch))
                self._adopted.add(owner)

    def leave(self) -> None:
        """Put everything back; where somebody else's lies over it, it passes on."""
        self._switch.clear()
        for owner in self._adopted:
            for name in self._wrappers:
                method: Any = vars(owner).get(name)
                if isinstance(method, FamilyMethod):
                    setattr(owner, name, method.__wrapped__)
        if vars(self._base).get(_BORN) is not self._ours:
            return
        if self._found is None:
            delattr(self._base, _BORN)
        else:
            setattr(self._base, _BORN, self._found)


def _is_left_alone(method: Any) -> bool:
    return isinstance(method, Wrapped) or bool(getattr(method, "__isabstractmethod__", False))


def _below(base: type[Any]) -> Iterator[type[Any]]:
    seen: set[type[Any]] = set()
    waiting = [base]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind not in seen:
                seen.add(kind)
                waiting.append(kind)
                yield kind
