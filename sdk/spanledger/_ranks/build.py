"""Build the shipped blob from a rank file: ``python -m spanledger._ranks.build FILE [TARGET]``.

FILE is ``o200k_base.tiktoken`` as OpenAI publishes it; other content is refused. The command writes
TARGET (the blob beside this module) and prints its SHA-256, which belongs into
`spanledger._ranks.blob.BLOB_SHA256`.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from spanledger._ranks.blob import BLOB_NAME, RANK_FILE_SHA256, pack, parse_rank_file


def main(arguments: list[str]) -> int:
    """Build the blob; return the exit status."""
    if not 1 <= len(arguments) <= 2:  # noqa: PLR2004 - FILE and an optional TARGET
        sys.stderr.write("usage: python -m spanledger._ranks.build FILE [TARGET]\n")
        return 2
    content = Path(arguments[0]).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != RANK_FILE_SHA256:
        sys.stderr.write(f"{arguments[0]}: SHA-256 is {found}, expected {RANK_FILE_SHA256}\n")
        return 1
    target = Path(arguments[1]) if arguments[1:] else Path(__file__).with_name(BLOB_NAME)
    blob = pack(parse_rank_file(content))
    target.write_bytes(blob)
    sys.stdout.write(f"{target}: {len(blob)} bytes, SHA-256 {hashlib.sha256(blob).hexdigest()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
