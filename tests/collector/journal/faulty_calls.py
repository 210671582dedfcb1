"""The calls by which a journal changes its disk, one of which goes wrong.

:class:`FaultyCalls` counts them, and at a number that the test chooses the process dies (this call
and all later ones do nothing), or this one fails and the others work. A write that goes wrong is
done to its half before.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from spanledger_collector.journal import durable

Fault = Literal["dies", "fails"]
#: By descriptor, and by path.
_ON_FILES: Final = ("pwritev", "ftruncate", "posix_fallocate", "fsync", "fdatasync")
_ON_PATHS: Final = ("open", "unlink", "replace", "mkdir", "chmod")
_REAL: Final = {name: getattr(os, name) for name in (*_ON_FILES, *_ON_PATHS)}


class FaultyCalls:
    """Counts the calls that change what lies below a directory; ``patch`` puts them back.

    Args:
        root: the directory.
        patch: of the test.
        fault: what happens at the call ``at``.
        at: counted from 1; 0 = nothing goes wrong.

    Attributes:
        calls: names of the calls so far, also of those that were not done.
    """

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, fault: Fault, at: int) -> None:
        self._root = str(root)
        self._fault = fault
        self._at = at
        self.calls: list[str] = []
        for name in _REAL:
            patch.setattr(
                os, name, self._on_file(name) if name in _ON_FILES else self._on_path(name)
            )
        patch.setattr(durable, "sync_data", os.fdatasync)

    @property
    def happened(self) -> bool:
        """Whether so many calls were made."""
        return 0 < self._at <= len(self.calls)

    def _on_file(self, name: str) -> Any:
        def call(descriptor: int, *rest: Any) -> Any:
            place = Path(f"/proc/self/fd/{descriptor}").readlink()
            if self._ours(place) and self._goes_wrong(name):
                if name == "pwritev" and self._at == len(self.calls):
                    data, offset = b"".join(rest[0]), rest[1]
                    _REAL[name](descriptor, [data[: len(data) // 2]], offset)
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return _REAL[name](descriptor, *rest)

        return call

    def _on_path(self, name: str) -> Any:
        def call(path: Any, *rest: Any, **named: Any) -> Any:
            changes = name != "open" or rest[0] & os.O_CREAT
            if changes and self._ours(path) and self._goes_wrong(name):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return _REAL[name](path, *rest, **named)

        return call

    def _ours(self, path: Any) -> bool:
        return str(path).startswith(self._root)

    def _goes_wrong(self, name: str) -> bool:
        self.calls.append(name)
        if not self._at or len(self.calls) < self._at:
            return False
        return self._fault == "dies" or len(self.calls) == self._at
