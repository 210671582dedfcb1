"""Schema files that landed never change: a ledger that has one would not open any more."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from spanledger_collector.store.migrations import SchemaFile, schema_files

#: Hash and name of every file, as `sha256sum` writes them; of the text with what it includes.
_FROZEN: Final = Path(__file__).with_name("schema.sha256")
_EDITED: Final = (
    "an applied schema file never changes, nor what it includes of sql/arithmetic: ledgers that "
    "have it would not open. Put it back, and write the change as a new file with the next "
    "number (of what is rendered: see load/render.py): "
)
_NEW: Final = f"when the new schema files are as they are to land, add to {_FROZEN.name}:\n"


def _frozen() -> Mapping[str, str]:
    lines = (line.split("  ") for line in _FROZEN.read_text(encoding="utf-8").splitlines())
    return {name: sha256 for sha256, name in lines}


def _fault(frozen: Mapping[str, str], files: Sequence[SchemaFile]) -> str:
    """What is wrong, and what to do; empty = nothing."""
    now = {file.name: file.sha256 for file in files}
    edited = [name for name, sha256 in frozen.items() if now.get(name) != sha256]
    if edited:
        return _EDITED + ", ".join(edited)
    new = [f"{sha256}  {name}" for name, sha256 in now.items() if name not in frozen]
    return _NEW + "\n".join(new) if new else ""


def test_schema_files_are_as_they_landed() -> None:
    fault = _fault(_frozen(), schema_files())
    assert not fault, fault


def test_an_edited_a_renamed_and_a_new_file_are_noticed() -> None:
    frozen, (first, *rest) = _frozen(), schema_files()
    edited = dataclasses.replace(first, text=first.text + "-- edited")
    renamed = dataclasses.replace(first, name="0000_other")
    for changed in (edited, renamed):
        assert _fault(frozen, [changed, *rest]) == _EDITED + first.name
    assert _fault(frozen, rest) == _EDITED + first.name
    new = SchemaFile(9999, "9999_new", "SELECT 1")
    assert _fault(frozen, [first, *rest, new]) == f"{_NEW}{new.sha256}  9999_new"
