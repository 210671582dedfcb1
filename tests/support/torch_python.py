"""The interpreter of the environment ``torch``, for tests that run real models on the CPU."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.support.environments import ENVIRONMENTS


def torch_python() -> Path:
    """Its path; skips where the torch that pip found cannot run.

    On Linux the package index has the build for NVIDIA's libraries, which are not installed for
    this: pip has to find PyTorch's CPU build (its own index, or a folder named by ``find-links``).
    """
    python = ENVIRONMENTS.python("torch")
    tried = subprocess.run([python, "-c", "import torch"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("torch cannot be imported: let pip find PyTorch's CPU build (see torch.in)")
    return python
