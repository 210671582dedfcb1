"""Work that one method of an object begins and another ends, as libraries' own spans do.

Both are called by the library, inside the code that does the work; so the work's context is
current from one to the other, and an exception that goes through is seen when it ends.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from spanledger._guard import guarded
from spanledger._work.activation import Activation, Opener


class Begun:
    """What has begun and not ended, by the object that stands for it.

    Work that never ends leaves no span; it is forgotten with its object.
    """

    def __init__(self) -> None:
        self._open: weakref.WeakKeyDictionary[Any, tuple[Activation, BaseException | None]] = (
            weakref.WeakKeyDictionary()
        )

    def begin(
        self,
        opening: Opener,
        wrapped: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Open, then go on."""
        self._begin(opening, instance)
        return wrapped(*args, **kwargs)

    def fail(
        self,
        failure: Callable[[Any], str],
        wrapped: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Go on, and tell that it failed as ``failure`` says of the object."""
        result = wrapped(*args, **kwargs)
        self._fail(failure, instance)
        return result

    def end(
        self,
        wrapped: Callable[..., Any],
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Go on, then close: with the exception that the block around ends with, if it does."""
        raised = sys.exc_info()[1]
        try:
            return wrapped(*args, **kwargs)
        finally:
            self._end(instance, raised)

    @guarded(None)
    def _begin(self, opening: Opener, instance: Any) -> None:
        if instance not in self._open:
            self._open[instance] = (opening.open(), sys.exc_info()[1])

    @guarded(None)
    def _fail(self, failure: Callable[[Any], str], instance: Any) -> None:
        activation, _ = self._open.get(instance, (None, None))
        if activation is not None:
            activation.tell(failure(instance))

    @guarded(None)
    def _end(self, instance: Any, raised: BaseException | None) -> None:
        activation, handled = self._open.pop(instance, (None, None))
        if activation is None:
            return
        # Work that runs inside an ``except`` block sees that block's exception from its beginning.
        if raised is None or raised is handled:
            activation.close(instance)
        else:
            activation.fail(raised)
