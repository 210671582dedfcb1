"""How many processes train one model together, and which of them this is.

Launchers run the same program once a GPU and tell each process its place in the environment:
``torchrun``, ``accelerate`` and DeepSpeed by ``RANK`` and ``WORLD_SIZE``; Lightning starts the
others itself and tells them ``LOCAL_RANK`` and ``NODE_RANK``; Open MPI and Slurm have names of
their own. Where torch has joined the processes already, it knows best. Nothing is imported for it.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

#: Rank and number of processes as launchers tell them: torchrun, accelerate and DeepSpeed; mpirun
#: of Open MPI; srun of Slurm (``SLURM_NTASKS`` stands in batch scripts too, which run once).
_LAUNCHERS: Final = (
    ("RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)


def is_first() -> bool:
    """This process speaks for all: it has rank 0, or trains alone."""
    place = _place()
    if place is not None:
        return place[0] == 0
    rank = _number("RANK")
    if rank is not None:
        return rank == 0
    return not (_number("LOCAL_RANK") or _number("NODE_RANK"))


def size() -> int | None:
    """How many processes train together; None where nobody says."""
    place = _place()
    told = _number("WORLD_SIZE") if place is None else place[1]
    return told if told and told > 1 else None


def _place() -> tuple[int, int] | None:
    """Rank and number of processes, by the first that tells both."""
    joined: Any = getattr(sys.modules.get("torch"), "distributed", None)
    if joined is not None and joined.is_available() and joined.is_initialized():
        return int(joined.get_rank()), int(joined.get_world_size())
    for names in _LAUNCHERS:
        rank, processes = (_number(name) for name in names)
        if rank is not None and processes is not None:
            return rank, processes
    return None


def _number(name: str) -> int | None:
    told = os.environ.get(name, "")
    return int(told) if told.isascii() and told.isdigit() else None
