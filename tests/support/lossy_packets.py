"""A network namespace whose loopback loses packets; needs root, iproute2 and iptables."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

WHY_NOT: Final = "needs root, `ip netns` and `iptables` with its statistic match"


def can_lose() -> bool:
    """Whether this machine can."""
    if os.geteuid() or not all(map(shutil.which, ("ip", "iptables"))):
        return False
    try:
        with losing(0.5):
            return True
    except subprocess.CalledProcessError:
        return False


@contextmanager
def losing(share: float) -> Generator[Sequence[str]]:
    """What stands before a command that runs where this share of packets is lost."""
    name = f"spanledger-{os.getpid()}"
    within = ("ip", "netns", "exec", name)
    _run("ip", "netns", "add", name)
    try:
        _run(*within, "ip", "link", "set", "lo", "up")
        _run(
            *within, "iptables", "-A", "INPUT", "-m", "statistic", "--mode", "random",
            "--probability", str(share), "-j", "DROP",
        )  # fmt: skip
        yield within
    finally:
        _run("ip", "netns", "del", name)


def dropped(within: Sequence[str]) -> int:
    """Packets that were lost so far."""
    rules = _run(*within, "iptables", "-nvxL", "INPUT")
    [line] = [line for line in rules.splitlines() if " DROP " in line]
    return int(line.split()[0])


def _run(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout
