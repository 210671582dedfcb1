"""Two processes join by a file, as `mp.spawn` does, and tell their places: no variable does."""

import sys

import torch.multiprocessing
from torch import distributed

from spanledger._training.world import is_first, size


def tell(rank: int, meeting: str) -> None:
    """Of one process, before it joined and after."""
    before = (is_first(), size())
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    sys.stdout.write(f"{rank} {before} {(is_first(), size())}\n")
    sys.stdout.flush()
    distributed.destroy_process_group()


if __name__ == "__main__":
    torch.multiprocessing.spawn(tell, (sys.argv[1],), nprocs=2)
