"""Functions of a library under the names that other modules gave them before we came."""

from __future__ import annotations

import sys
from types import ModuleType


def rename(library: object, old: object, new: object) -> None:
    """What modules call by a name of their own (``from litellm import completion``), since before.

    Args:
        library: where the function is; nothing is done where that is a class. The package of the
            module goes on calling what it called.
        old: what the name stands for.
        new: what it shall stand for.
    """
    if not isinstance(library, ModuleType):
        return
    package = library.__name__.partition(".")[0]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package or type(module) is not ModuleType:
            continue
        names = vars(module)
        for key in [key for key, value in list(names.items()) if value is old]:
            names[key] = new
