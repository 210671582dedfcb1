"""The environments of the other instrumentations: one each, sharing nothing with ours.

Made when missing (``tests.support.environments``), from ``pins/<name>.txt``; ``make bench-pins``
resolves those. Each takes some 30 seconds and 80 to 200 MB of disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.environments import Environments

PEERS: Final = Environments(
    pins=Path(__file__).with_name("pins"),
    folder=Path(__file__).parents[2] / ".bench-peers",
    layered=False,
)


def ready(*, install: bool) -> Iterator[tuple[str, Path]]:
    """The peers that can run: name and Python interpreter. What is missing is said, not hidden.

    Args:
        install: make the environments that are not there.
    """
    for name in PEERS.names():
        if not PEERS.is_ready(name):
            if not install:
                print(f"  {name}: not measured, its environment is missing (make bench-peers)")
                continue
            print(f"  making the environment of {name}", flush=True)
        try:
            yield name, PEERS.python(name)
        except RuntimeError as error:
            print(f"  {name}: not measured, {error}")
