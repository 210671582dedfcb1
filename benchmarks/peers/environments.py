"""The environments of the other instrumentations: one each, exact versions, made when missing.

``pins/<name>.in`` says what is wanted and ``pins/<name>.txt`` what that was resolved to (``make
bench-pins``). An environment lies under :data:`FOLDER` and is made again when its pins change. It
needs the package index once, some 50 seconds and 80 to 200 MB of disk each.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PINS: Final = Path(__file__).with_name("pins")
FOLDER: Final = Path(__file__).parents[2] / ".bench-peers"


def names() -> list[str]:
    """Every peer that has pins."""
    return sorted(path.stem for path in PINS.glob("*.txt"))


def ready(*, install: bool) -> Iterator[tuple[str, Path]]:
    """The peers that can run: name and Python interpreter. What is missing is said, not hidden.

    Args:
        install: make the environments that are not there.
    """
    for name in names():
        python = _folder(name) / "bin" / "python"
        if not _is_complete(name) and not (install and _made(name)):
            print(f"  {name}: not measured, its environment is missing (make bench-peers)")
            continue
        yield name, python


def _folder(name: str) -> Path:
    pins = PINS.joinpath(f"{name}.txt").read_bytes()
    digest = hashlib.sha256(pins + sys.version.encode()).hexdigest()[:8]
    return FOLDER / f"{name}-{digest}"


def _is_complete(name: str) -> bool:
    return (_folder(name) / "complete").exists()


def _made(name: str) -> bool:
    print(f"  making the environment of {name}", flush=True)
    folder = _folder(name)
    for old in FOLDER.glob(f"{name}-????????"):
        shutil.rmtree(old)
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    pins = str(PINS / f"{name}.txt")
    done = subprocess.run([*pip, "install", "--no-deps", "-r", pins], check=False)  # noqa: S603 -- our own list
    if done.returncode == 0:
        (folder / "complete").touch()
    return done.returncode == 0
