"""Each patched method is a row of the matrix, or is tried beside it, where it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.sdk.instrumentors.beside_the_matrix import BESIDE, DECLARED, sister

from spanledger._patches import registry
from spanledger._patches.gaps import covers

_HERE = Path(__file__).parent


@pytest.mark.slow
def test_every_patched_method_is_tried() -> None:
    """In a process of its own, see there."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         str(_HERE / "patched_methods.py")],
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert "1 passed" in done.stdout


def test_what_is_tried_beside_the_matrix_is_tried_where_it_says() -> None:
    """The file is there, and names the method."""
    patched = {
        sister(str(method.target))
        for instrumentor in registry.available().values()
        for method in instrumentor.methods
    }
    for gap in DECLARED:
        assert any(covers(gap, name) for name in patched), gap
    for gap, (file, word) in BESIDE.items():
        assert word in (_HERE / file).read_text(encoding="utf-8"), (gap, file)
