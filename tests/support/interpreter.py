"""Programs in interpreters of their own, with nothing in the environment but what a test says."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping


def run(
    program: str, environment: Mapping[str, str] | None = None, *, arguments: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh interpreter without any OTEL_* of ours; fails unless it exits 0."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "SPANLEDGER_"))}
    finished = subprocess.run(
        [sys.executable, *arguments, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        env={**clean, **(environment or {})},
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished
