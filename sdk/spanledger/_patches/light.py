"""A function over a method, as one would write it: called at a fraction of the cost of wrapt."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, cast

#: Empty while a patch is off: looked at in each call, also of a bound method kept since before.
Switch = list[bool]
#: ``(method, switch) -> function``: what takes the method's place, called with the object first.
Around = Callable[[Callable[..., Any], Switch], Callable[..., Any]]

#: Those that lie on methods now, and on whose.
_owners: Final[weakref.WeakKeyDictionary[object, object]] = weakref.WeakKeyDictionary()


def lies_on(method: object) -> object:
    """Whose method a function of ours lies on; None for one of somebody who copied its names."""
    return _owners.get(method) if type(method) is FunctionType else None


def function_over(
    owner: object, method: FunctionType, around: Around, switch: Switch
) -> FunctionType:
    """A function of the method's name and signature, with what lies around it in its place."""
    function = cast("FunctionType", functools.wraps(method)(_like(method, around(method, switch))))
    vars(function)["_self_enabled"] = switch  # as wrapt names it
    _owners[function] = owner
    return function


def _like(method: FunctionType, made: Callable[..., Any]) -> Callable[..., Any]:
    """What was made, a coroutine function where ``inspect`` says that the method is one."""

    def plain(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return made(self, *args, **kwargs)

    async def awaiting(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return await made(self, *args, **kwargs)

    wanted = inspect.iscoroutinefunction(method)
    if wanted == inspect.iscoroutinefunction(made):
        return made
    return awaiting if wanted else plain
