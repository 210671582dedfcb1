"""Whether the calls of a framework's model go past our clients, by what they did.

Nobody knows before the first call of a class's method has answered. Until then each of them
reserves what it may cost at most. One of them at a time is the ``first``: where its cost cannot be
told it is let through all the same, for a client inside may be able to tell it, and one that is
never let through never answers.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from spanledger._budgets.budgeting import Share


class Way:
    """That of one function of a model, by the class of the model.

    Attributes:
        past: whether the last call went past our clients.
    """

    __slots__ = ("_first", "past")

    def __init__(self) -> None:
        self.past: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()
        self._first: weakref.WeakKeyDictionary[type, object] = weakref.WeakKeyDictionary()

    def share(self, kind: type, call: object) -> Share:
        """What a call sets aside that begins now.

        Args:
            kind: class of the model.
            call: the call, that has to leave again.
        """
        past = self.past.get(kind)
        if past is not None:
            return "most" if past else "nothing"
        return "first" if self._first.setdefault(kind, call) is call else "most"

    def leave(self, kind: type, call: object) -> None:
        """The call has ended; takes no lock, for a finaliser may say so."""
        if self._first.get(kind) is call:
            self._first.pop(kind, None)


class Ways:
    """Those of all functions; another may stand over a function of the same name."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know nothing, as at first."""
        self._known: weakref.WeakKeyDictionary[Any, Way] = weakref.WeakKeyDictionary()

    def of(self, method: object, model: object) -> Way:
        """That of the function of a bound method."""
        kind: type = type(model)
        function: object = getattr(method, "__func__", kind)
        return self._known.get(function) or self._known.setdefault(function, Way())


WAYS: Final = Ways()
