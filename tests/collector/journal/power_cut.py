"""What a disk may hold after a power cut: every operation recorded, any allowed state rebuilt.

:class:`Disk` watches the calls of ``os`` on what lies below one directory. What was written since
the last sync of a file may be there or not, write by write and sector by sector, in any
combination; of what was done to a directory since its last sync some first part is there. (Real
file systems promise more: what holds here holds there.)
"""

from __future__ import annotations

import itertools
import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

_SECTOR_BYTES: Final = 512
_REAL: Final = {
    name: getattr(os, name)
    for name in (
        "open", "close", "pwritev", "write", "ftruncate", "posix_fallocate", "fsync",
        "fdatasync", "unlink", "replace", "mkdir",
    )
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One operation on a file or a directory, or something that the test knows from now on.

    ``kind``: write, truncate, reserve, sync (of ``file``); link, unlink, move, folder (entries of
    directories); sync_folder; mark.
    """

    kind: str
    file: int = -1
    offset: int = 0
    data: bytes = b""
    path: str = ""
    target: str = ""
    mark: Any = None


class Disk:
    """Records what happens below a directory; ``patch`` puts the calls back after the test."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self._root = str(root)
        self._numbers = itertools.count()
        self._files: dict[str, int] = {}
        self._descriptors: dict[int, int | str] = {}
        self.events: list[Event] = []
        for name in _REAL:
            patch.setattr(os, name, getattr(self, f"_{name}"))

    def mark(self, what: Any) -> None:
        """Remember that the test knows something from now on."""
        self.events.append(Event("mark", mark=what))

    def _ours(self, path: Any) -> bool:
        return str(path).startswith(self._root)

    def _open(self, path: Any, flags: int, *rest: Any, **named: Any) -> int:
        descriptor = _REAL["open"](path, flags, *rest, **named)
        if self._ours(path):
            name = str(path)
            if Path(name).is_dir():
                self._descriptors[descriptor] = name
            else:
                if name not in self._files:
                    self._files[name] = next(self._numbers)
                    self.events.append(Event("link", self._files[name], path=name))
                elif flags & os.O_TRUNC:
                    self.events.append(Event("truncate", self._files[name]))
                self._descriptors[descriptor] = self._files[name]
        return descriptor

    def _close(self, descriptor: int) -> None:
        self._descriptors.pop(descriptor, None)
        _REAL["close"](descriptor)

    def _note(self, descriptor: int, kind: str, offset: int = 0, data: bytes = b"") -> None:
        file = self._descriptors.get(descriptor)
        if isinstance(file, int):
            self.events.append(Event(kind, file, offset, data))

    def _pwritev(self, descriptor: int, buffers: Any, offset: int) -> int:
        written = _REAL["pwritev"](descriptor, buffers, offset)
        self._note(descriptor, "write", offset, b"".join(buffers)[:written])
        return written

    def _write(self, descriptor: int, data: Any) -> int:
        if descriptor in self._descriptors:
            raise AssertionError("the journal writes at offsets: a plain write is not simulated")
        return _REAL["write"](descriptor, data)

    def _ftruncate(self, descriptor: int, size: int) -> None:
        _REAL["ftruncate"](descriptor, size)
        self._note(descriptor, "truncate", size)

    def _posix_fallocate(self, descriptor: int, offset: int, size: int) -> None:
        _REAL["posix_fallocate"](descriptor, offset, size)
        self._note(descriptor, "reserve", offset + size)

    def _fsync(self, descriptor: int) -> None:
        _REAL["fsync"](descriptor)
        target = self._descriptors.get(descriptor)
        if isinstance(target, str):
            self.events.append(Event("sync_folder", path=target))
        self._note(descriptor, "sync")

    def _fdatasync(self, descriptor: int) -> None:
        _REAL["fdatasync"](descriptor)
        self._note(descriptor, "sync")

    def _unlink(self, path: Any, **named: Any) -> None:
        _REAL["unlink"](path, **named)
        if self._ours(path):
            self._files.pop(str(path), None)
            self.events.append(Event("unlink", path=str(path)))

    def _replace(self, path: Any, target: Any, **named: Any) -> None:
        _REAL["replace"](path, target, **named)
        if self._ours(path):
            self._files[str(target)] = self._files.pop(str(path))
            self.events.append(Event("move", path=str(path), target=str(target)))

    def _mkdir(self, path: Any, *rest: Any, **named: Any) -> None:
        _REAL["mkdir"](path, *rest, **named)
        if self._ours(path):
            self.events.append(Event("folder", path=str(path)))


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Event] = field(default_factory=list[Event])


_ENTRIES: Final = frozenset({"link", "unlink", "move", "folder"})


def after_a_cut(events: list[Event], chance: random.Random, root: Path, target: Path) -> list[Any]:
    """Build what the disk may hold when the power goes after these events; returns the marks.

    Args:
        events: what was done until then.
        chance: chooses one of the allowed states.
        root: the directory that was watched.
        target: where the state is built; must not exist.
    """
    files: dict[int, _File] = {}
    entries: list[Event] = []
    synced = 0
    for event in events:
        if event.kind in _ENTRIES:
            entries.append(event)
        elif event.kind == "sync_folder":
            # Entries of one directory keep their order; ours are all made in the order they are
            # needed, so a sync of any of them is taken for the entries of that one alone.
            synced = _last_of(entries, event.path, synced)
        elif event.kind == "sync":
            file = files.setdefault(event.file, _File())
            for change in file.pending:
                _apply(file.durable, change)
            file.pending.clear()
        elif event.kind != "mark":
            files.setdefault(event.file, _File()).pending.append(event)
    kept = [*entries[:synced], *_some_of(entries[synced:], chance)]
    _build(kept, files, chance, root, target)
    return [event.mark for event in events if event.kind == "mark"]


def _last_of(entries: list[Event], folder: str, synced: int) -> int:
    """How many entries are durable once this directory was synced."""
    places = [n for n, one in enumerate(entries, 1) if str(Path(one.path).parent) == folder]
    return max(synced, places[-1]) if places else synced


def _some_of(entries: list[Event], chance: random.Random) -> list[Event]:
    return entries[: chance.randint(0, len(entries))]


def _build(
    entries: list[Event],
    files: dict[int, _File],
    chance: random.Random,
    root: Path,
    target: Path,
) -> None:
    names: dict[str, int] = {}
    folders = [str(root)]
    for entry in entries:
        if entry.kind == "link":
            names[entry.path] = entry.file
        elif entry.kind == "unlink":
            names.pop(entry.path, None)
        elif entry.kind == "move":
            names[entry.target] = names.pop(entry.path)
        else:
            folders.append(entry.path)
    for folder in folders:
        (target / Path(folder).relative_to(root)).mkdir(exist_ok=True, parents=True)
    for name, number in names.items():
        content = _content(files.get(number, _File()), chance)
        (target / Path(name).relative_to(root)).write_bytes(content)


def _content(file: _File, chance: random.Random) -> bytes:
    content = bytearray(file.durable)
    for change in file.pending:
        if chance.random() < 0.5:
            _apply(content, change, chance)
    return bytes(content)


def _apply(content: bytearray, change: Event, chance: random.Random | None = None) -> None:
    if change.kind == "truncate":
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
    elif change.kind == "reserve":
        content.extend(bytes(max(0, change.offset - len(content))))
    else:
        for at in range(0, len(change.data), _SECTOR_BYTES):
            if chance is None or chance.random() < 0.7:
                part = change.data[at : at + _SECTOR_BYTES]
                start = change.offset + at
                content.extend(bytes(max(0, start + len(part) - len(content))))
                content[start : start + len(part)] = part
