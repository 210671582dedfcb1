"""Environments with packages that ours has not, or has in other versions: exact pins, made once.

``<name>.in`` says what is wanted and ``<name>.txt`` what that was resolved to (``make test-pins``,
those of the benchmarks ``make bench-pins``). An environment is made again when its pins change;
then, and only then, it needs the package index.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Environments:
    """The environments of one folder of pins.

    Args:
        pins: where the ``<name>.txt`` lie; each names every package it needs, or with ``layered``
            every package that is not the one of ``constraints.txt``.
        folder: where environments are made.
        layered: whatever the pins do not name is taken from the environment of this process, the
            checkout's own packages among it.
        interpreter: of which Python they are; by default the one of this process.
    """

    pins: Path
    folder: Path
    layered: bool
    interpreter: str = sys.executable

    def names(self) -> list[str]:
        """Every environment that has pins."""
        return sorted(path.stem for path in self.pins.glob("*.txt"))

    def is_ready(self, name: str) -> bool:
        """Whether it is there, with the pins of today."""
        return (self._folder(name) / "complete").exists()

    def python(self, name: str) -> Path:
        """The interpreter of an environment, which is made first where it is missing.

        Raises:
            RuntimeError: it cannot be made; pip's own words say why.
        """
        folder = self._folder(name)
        with self._one_at_a_time(name):
            if not self.is_ready(name):
                self._make(name, folder)
        return folder / "bin" / "python"

    def variables(self) -> dict[str, str]:
        """What a program in an environment of ours runs with.

        Nothing of the developer's that configures us or OpenTelemetry; and what it imports is
        compiled once for all of them, whatever the developer's own setting.
        """
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "SPANLEDGER_"))},
            # Who bills behind the simulated provider's name for OpenAI's client.
            "SPANLEDGER_PROVIDERS": "localhost=openai",
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
        }

    def _folder(self, name: str) -> Path:
        pins = self.pins.joinpath(f"{name}.txt").read_bytes()
        made_by = f"{sys.version}{self.interpreter}" if self._foreign() else sys.version
        digest = hashlib.sha256(pins + made_by.encode()).hexdigest()[:8]
        return self.folder / f"{name}-{digest}"

    def _foreign(self) -> bool:
        return self.interpreter != sys.executable

    @contextmanager
    def _one_at_a_time(self, name: str) -> Generator[None]:
        """Test processes that run side by side make it once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make(self, name: str, folder: Path) -> None:
        for old in self.folder.glob(f"{name}-????????"):
            shutil.rmtree(old)
        if self._foreign():
            subprocess.run([self.interpreter, "-m", "venv", "--without-pip", folder], check=True)
        else:
            venv.create(folder, symlinks=True)
        if self.layered:
            self._put_on_top(folder)
        # Our own pip installs into it: an environment without pip is made in no time.
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
        quiet = ["--quiet", "--disable-pip-version-check"]
        wanted = ["install", *quiet, "--no-deps", "-r", str(self.pins / f"{name}.txt")]
        done = subprocess.run([*pip, *wanted], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(
                f"the environment {name!r} cannot be made (it needs the package index once, and "
                f"again when its pins change); pip says: {done.stderr[-2000:]}"
            )
        (folder / "complete").touch()

    def _put_on_top(self, folder: Path) -> None:
        """Let it see our packages, behind its own."""
        (own,) = folder.glob("lib/python*/site-packages")
        ours = sysconfig.get_path("purelib")
        own.joinpath("layered.pth").write_text(f"import site; site.addsitedir({ours!r})\n")


#: The environments of the tests, on top of the one that the tests run in.
ENVIRONMENTS: Final = Environments(
    pins=Path(__file__).parents[1] / "environments",
    folder=Path(sys.prefix) / "environments",
    layered=True,
)


@cache
def judges_python() -> str:
    """A Python 3.12 of this machine, on the path or of pyenv; empty = there is none.

    focus-validator needs 3.12 or newer, and its NumPy 3.12 or older.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    known = [*([sys.executable] if sys.version_info[:2] == (3, 12) else []), "python3.12"]
    for found in [*known, *map(str, pyenv.glob("versions/3.12.*/bin/python3.12"))]:
        path = shutil.which(found)
        # A shim of pyenv is there also for versions that are switched off.
        if (
            path
            and not subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode
        ):
            return path
    return ""


#: Tools of others that judge what we write, with nothing of ours.
JUDGES: Final = Environments(
    pins=Path(__file__).parents[1] / "environments" / "judges",
    folder=Path(sys.prefix) / "environments",
    layered=False,
    interpreter=judges_python() or sys.executable,
)


def _make_missing(wanted: tuple[Environments, str]) -> str:
    """Make one, and say how long it took."""
    environments, name = wanted
    started = time.monotonic()
    environments.python(name)
    return f"made the environment {name}: {time.monotonic() - started:.0f} s"


if __name__ == "__main__":  # make test
    missing = [
        (environments, name)
        for environments in (ENVIRONMENTS, *([JUDGES] if judges_python() else []))
        for name in environments.names()
        if not environments.is_ready(name)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for told in pool.map(_make_missing, missing):
            print(told)  # noqa: T201
