"""OpenTelemetry's exporters for JavaScript: installed once, exactly what the lock file says.

Needs node and npm; the package index once, and again when the lock file changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "environments" / "javascript"
HOW: Final = "node and npm are not installed"


def found() -> bool:
    """Whether programs of JavaScript can run on this machine."""
    return bool(shutil.which("node") and shutil.which("npm"))


def installed() -> Path:
    """The folder with ``send.cjs`` and its packages, made first where it is missing.

    Raises:
        RuntimeError: it cannot be made; npm's own words say why.
    """
    sources = sorted(path for path in FOLDER.iterdir() if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]
    home = Path(sys.prefix) / "environments"
    home.mkdir(parents=True, exist_ok=True)
    folder = home / f"javascript-{digest}"
    with (home / "javascript.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _install(home, folder, sources)
    return folder


def _install(home: Path, folder: Path, sources: list[Path]) -> None:
    for old in home.glob("javascript-????????"):
        shutil.rmtree(old)
    folder.mkdir()
    for path in sources:
        shutil.copy(path, folder)
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        ["npm", "ci", *quiet],  # noqa: S607 - the npm of the path
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(
            "the exporters for JavaScript cannot be installed (npm needs the package index once, "
            f"and again when the lock file changes); npm says: {done.stderr[-2000:]}"
        )
    (folder / "complete").touch()


def send(*arguments: str) -> dict[str, Any]:
    """Run ``send.cjs``; gives what it tells."""
    done = subprocess.run(
        ["node", "send.cjs", *arguments],  # noqa: S607 - the node of the path, as npm's
        cwd=installed(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


if __name__ == "__main__":  # make test
    if found():
        installed()
