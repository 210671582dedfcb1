"""A real Prometheus for the tests of what it reads: Debian's, unpacked beside this environment.

``make test`` fetches the package where it may (``python -m tests.support.prometheus``); nothing is
installed and no service started. Where there is none its tests are skipped and say how to get it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

_UNPACKED: Final = Path(sys.prefix) / "prometheus"
_LISTENS: Final = re.compile(r'Listening on" address=(\S+)')
_PATIENCE_SECONDS: Final = 240.0
HOW: Final = (
    "no Prometheus here: install it (`apt-get install prometheus`), or name the folder of "
    "`prometheus` and `promtool` in SPANLEDGER_TEST_PROMETHEUS"
)


def program(name: str) -> str:
    """The path of ``prometheus`` or ``promtool``; empty = there is none."""
    places = (os.environ.get("SPANLEDGER_TEST_PROMETHEUS", ""), str(_UNPACKED / "usr" / "bin"))
    known = (shutil.which(name, path=place) for place in places if place)
    return next(filter(None, known), None) or shutil.which(name) or ""


def fetch() -> None:
    """Unpack Debian's package where there is no Prometheus."""
    if program("prometheus") and program("promtool"):
        return
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg")
    if apt is None or dpkg is None:
        sys.stdout.write(f"{HOW}; the tests with it are skipped\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        said = _download(apt, folder)
        packages = list(Path(folder).glob("*.deb"))
        if not packages:
            sys.stdout.write(f"{HOW}; the tests with it are skipped (apt-get says: {said})\n")
            return
        subprocess.run([dpkg, "-x", packages[0], _UNPACKED], check=True)


def _download(apt: str, folder: str) -> str:
    """Bring the package into the folder, with a new list of packages where the old has it not."""
    asked = [apt, "download", "-qq", "prometheus"]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and os.geteuid() == 0:
        subprocess.run([apt, "update", "-qq"], capture_output=True, check=False)
        done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
    return done.stderr.strip()[-300:]


class Prometheus:
    """One that runs.

    Args:
        url: where it answers.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def series(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """The labels and the value now of each series of an expression in PromQL."""
        asked = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/query?{asked}") as answer:
                told: Any = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:  # it listens before it has begun
                raise
            return []
        return [(one["metric"], float(one["value"][1])) for one in told]

    def wait_for(self, expression: str) -> list[tuple[Mapping[str, str], float]]:
        """The same as soon as there is any."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (found := self.series(expression)):
            assert time.monotonic() < deadline, f"no series of {expression} came"
            time.sleep(0.2)
        return found


@contextmanager
def prometheus(configuration: Path, folder: Path) -> Generator[Prometheus]:
    """One with this configuration, which keeps its data in the folder, on a free port."""
    told = folder / "prometheus.log"
    with told.open("w", encoding="utf-8") as log:
        running = subprocess.Popen(
            [
                program("prometheus"), f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'tsdb'}", "--web.listen-address=127.0.0.1:0",
            ],
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not (found := _LISTENS.search(told.read_text("utf-8"))):
            assert running.poll() is None, told.read_text("utf-8")
            assert time.monotonic() < deadline, told.read_text("utf-8")
            time.sleep(0.05)
        yield Prometheus(f"http://{found[1]}")
    finally:
        running.terminate()
        running.wait(60)


if __name__ == "__main__":  # make test
    fetch()
