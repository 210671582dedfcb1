"""How many processes train one model together, and which of them this is.

Launchers run the same program once a GPU and tell each process its place in the environment:
``torchrun``, ``accelerate`` and DeepSpeed by ``RANK`` and ``WORLD_SIZE``; Lightning starts the
others itself and tells them ``LOCAL_RANK`` and ``NODE_RANK``. Nothing is imported for it.
"""

from __future__ import annotations

import os


def is_first() -> bool:
    """This process speaks for all: it has rank 0, or trains alone."""
    rank = _number("RANK")
    if rank is not None:
        return rank == 0
    return not (_number("LOCAL_RANK") or _number("NODE_RANK"))


def size() -> int | None:
    """How many processes train together; None where nobody says."""
    told = _number("WORLD_SIZE")
    return told if told and told > 1 else None


def _number(name: str) -> int | None:
    told = os.environ.get(name, "")
    return int(told) if told.isascii() and told.isdigit() else None
