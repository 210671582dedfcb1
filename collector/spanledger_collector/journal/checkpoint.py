"""How far the ledger has loaded: one small file, replaced whole.

Line: ``<journal id> <sequence> <crc>``. Everything below the sequence is loaded. The file is a
lower bound: losing it means loading again what is already there, which the ledger recognises.
"""

import zlib
from pathlib import Path

from spanledger_collector.journal.durable import replace_file


def store(path: Path, journal_id: str, sequence: int) -> None:
    """Write the checkpoint; it is durable when this returns.

    Raises:
        OSError: it cannot be written; the older one stands.
    """
    text = f"{journal_id} {sequence}"
    replace_file(path, f"{text} {zlib.crc32(text.encode()):08x}\n".encode())


def load(path: Path, journal_id: str) -> int | None:
    """The stored sequence; None when there is no file, or it is damaged or another journal's."""
    try:
        text = path.read_bytes().decode("ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    body, _, crc = text.strip().rpartition(" ")
    if crc != f"{zlib.crc32(body.encode()):08x}":
        return None
    owner, _, sequence = body.partition(" ")
    return int(sequence) if owner == journal_id and sequence.isdecimal() else None
