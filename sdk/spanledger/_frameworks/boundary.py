"""Whether a model call of ours began inside a framework's model.

    framework's model ──> Boundary (current)
      client.chat      ──> note_call() marks it, and those around it
    the model returns   -> nothing inside: the framework tells the call itself (``model_calls``)

What is current is a context variable, so tasks and threads that take their context along see it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Final

from spanledger._calls.attempts import current


class Boundary:
    """One call of a framework's model, from where it is asked to where it has answered."""

    __slots__ = ("_token", "heard", "on_inner", "on_told", "outer", "told")

    def __init__(self, heard: list[object]) -> None:
        running = current.get()
        #: Whether somebody has told this call, or is telling it.
        self.told = running is not None and running.requesting
        #: What its model said of it by another way than its answer.
        self.heard = heard
        #: Called when somebody inside tells the call, before that asks anything.
        self.on_told: Callable[[], object] | None = None
        #: Called when a model that is asked inside sets aside what it may cost.
        self.on_inner: Callable[[], object] | None = None
        #: That which this one is inside of.
        self.outer = _boundary.get()
        self._token: Token[Boundary | None] | None = None

    def resume(self) -> None:
        """Calls that begin from now on are inside."""
        self._token = _boundary.set(self)

    def pause(self) -> None:
        """Calls that begin from now on are not."""
        if self._token is not None:
            with contextlib.suppress(ValueError):  # closed elsewhere: nothing to undo in there
                _boundary.reset(self._token)
            self._token = None

    def hand_over(self) -> None:
        """What is set aside for those around is free for this one, which sets aside itself."""
        boundary = self.outer
        while boundary is not None:
            if boundary.on_inner is not None:
                boundary.on_inner()
            boundary = boundary.outer

    def tell(self) -> None:
        """The call is told, and so are those that it is a part of."""
        boundary: Boundary | None = self
        while boundary is not None and not boundary.told:
            boundary.told = True
            if boundary.on_told is not None:
                boundary.on_told()
            boundary = boundary.outer


_boundary: Final[ContextVar[Boundary | None]] = ContextVar("spanledger_boundary", default=None)


def around() -> Boundary | None:
    """That which the current code is inside of."""
    return _boundary.get()


def note_call() -> None:
    """A model call of ours begins here."""
    boundary = _boundary.get()
    if boundary is not None:
        boundary.tell()
