"""Functions of a library under the names that other modules gave them before we came."""

from __future__ import annotations

import sys
from types import ModuleType


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
    package = library.__name__.partition(".")[0]
    for place, module in list(sys.modules.items()):
        if type(module) is not ModuleType or place.partition(".")[0] == package:
            continue
        names = vars(module)
        if names.get(name) is old:
            names[name] = new
