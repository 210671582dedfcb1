"""Whether a model call of ours began inside a framework's model.

    framework's model ──> Boundary (current)
      client.chat      ──> note_call() marks it, and those around it
    the model returns   -> nothing inside: the framework tells the call itself (``_model_calls``)

What is current is a context variable, so tasks and threads that take their context along see it.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar, Token
from typing import Final

from spanledger._attempts import current


class Boundary:
    """One call of a framework's model, from where it is asked to where it has answered."""

    __slots__ = ("_token", "outer", "told")

    def __init__(self) -> None:
        running = current.get()
        #: Whether somebody has told this call, or is telling it.
        self.told = running is not None and running.requesting
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

    def tell(self) -> None:
        """The call is told, and so are those that it is a part of."""
        boundary: Boundary | None = self
        while boundary is not None and not boundary.told:
            boundary.told = True
            boundary = boundary.outer


_boundary: Final[ContextVar[Boundary | None]] = ContextVar("spanledger_boundary", default=None)


def note_call() -> None:
    """A model call of ours begins here."""
    boundary = _boundary.get()
    if boundary is not None:
        boundary.tell()
