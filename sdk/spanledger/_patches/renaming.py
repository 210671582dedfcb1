"""Functions of a library under the names that other modules gave them before we came."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType
from typing import Final, NamedTuple


class _Change(NamedTuple):
    """A function that another takes the place of."""

    package: str
    old: object
    new: object


#: Name of the functions -> what changes, in the order of asking.
_Changes = dict[str, list[_Change]]


class _Waiting(threading.local):
    """What this thread asked for within ``renamed_at_once``; None outside."""

    changes: _Changes | None = None


_waiting: Final = _Waiting()


@contextmanager
def renamed_at_once() -> Generator[None]:
    """Changes names at the end of the block, in one look through all modules.

    With a few thousand modules each look takes a millisecond, and clients have dozens of functions.
    A block inside another is a part of it.
    """
    if _waiting.changes is not None:
        yield
        return
    changes = _waiting.changes = {}
    try:
        yield
    finally:
        _waiting.changes = None
        _change(changes)


def rename(library: object, name: str, old: object, new: object) -> None:
    """What modules call by its own name (``from litellm import completion``), since before.

    Another name is not looked for: reading all names of all modules takes as long as importing.

    Args:
        library: where the function is; nothing is done where that is a class. The package of the
            module goes on calling what it called.
        name: of the function.
        old: what the name stands for.
        new: what it shall stand for.
    """
    if not isinstance(library, ModuleType):
        return
    change = _Change(library.__name__.partition(".")[0], old, new)
    if _waiting.changes is None:
        _change({name: [change]})
    else:
        _waiting.changes.setdefault(name, []).append(change)


def _change(changes: _Changes) -> None:
    if not changes:
        return
    # One step, where a list of the items is many: whatever is collected meanwhile may import.
    for place, module in sys.modules.copy().items():
        if type(module) is not ModuleType:
            continue
        names = vars(module)
        for name in changes.keys() & names.keys():
            for change in changes[name]:
                if names[name] is change.old and place.partition(".")[0] != change.package:
                    names[name] = change.new
