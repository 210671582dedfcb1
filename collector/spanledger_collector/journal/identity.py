"""Which journal this is: a random id and the secret salt of its checksums.

The file ``journal_id`` holds both as one line of hexadecimal digits, ``<id> <salt>``. Every
segment repeats the id in its header, so that a segment of another journal is noticed.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.journal.durable import replace_file

_ID_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Identity:
    """Id and checksum salt of a journal.

    Attributes:
        journal_id: 32 hexadecimal digits.
        salt: start value of the CRC-32s; unknown to senders.
    """

    journal_id: str
    salt: int


def load_or_create(path: Path, *, has_segments: bool) -> Identity:
    """Read the identity file, or write a new one for an empty journal.

    Raises:
        ConfigurationError: the file is missing or damaged although there are segments.
    """
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        text = ""
    except UnicodeDecodeError:
        text = "damaged"
    identity = _parse(text)
    if identity is not None:
        return identity
    if has_segments or text:
        raise ConfigurationError(
            f"{path} is missing or damaged, but the segments beside it need it: restore the file, "
            "or move the whole journal directory away to start an empty journal."
        )
    identity = Identity(secrets.token_hex(_ID_DIGITS // 2), secrets.randbits(32))
    replace_file(path, f"{identity.journal_id} {identity.salt:08x}\n".encode())
    return identity


def _parse(text: str) -> Identity | None:
    parts = text.split()
    if len(parts) != 2 or len(parts[0]) != _ID_DIGITS or len(parts[1]) != 8:  # noqa: PLR2004 - the two fields drawn above
        return None
    try:
        return Identity(f"{int(parts[0], 16):032x}", int(parts[1], 16))
    except ValueError:
        return None
