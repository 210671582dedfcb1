"""The shipped form of a rank file.

A rank file says, per line, a token (base64) and its rank; ranks run from 0 without a gap. So the
rank can be the position, and the blob is, xz-compressed::

    count   4 bytes, big endian
    lengths count bytes, one per token
    tokens  their bytes, one after the other

It is 4.4 times smaller than the text and quicker to read.
"""

from __future__ import annotations

import base64
import lzma
from itertools import accumulate, pairwise
from typing import Final

#: SHA-256 of the rank file that OpenAI publishes for o200k_base; ``tiktoken`` pins the same.
RANK_FILE_SHA256: Final = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
#: Its size in bytes: a file of another size is not even read.
RANK_FILE_BYTES: Final = 3_613_922
#: Name and SHA-256 of our blob of it.
BLOB_NAME: Final = "o200k_base.xz"
BLOB_SHA256: Final = "c42d83ae3ffc64b9768b7a3656f45634df9b063b609f05e67021273f56e1698b"

_COUNT_BYTES: Final = 4


def parse_rank_file(content: bytes) -> dict[bytes, int]:
    """Read a rank file into token -> rank.

    Raises:
        ValueError: A line is not ``<base64> <integer>``.
    """
    ranks: dict[bytes, int] = {}
    for line in content.splitlines():
        if line:
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
    return ranks


def pack(ranks: dict[bytes, int]) -> bytes:
    """Make the blob of ``ranks``.

    Raises:
        ValueError: The ranks have a gap or a token is longer than 255 bytes.
    """
    tokens = sorted(ranks, key=ranks.__getitem__)
    if [ranks[token] for token in tokens] != list(range(len(tokens))):
        raise ValueError("ranks must run from 0 without a gap: this blob has no room for others")
    lengths = bytes(len(token) for token in tokens)
    head = len(tokens).to_bytes(_COUNT_BYTES, "big")
    return lzma.compress(head + lengths + b"".join(tokens), preset=9 | lzma.PRESET_EXTREME)


def unpack(blob: bytes) -> dict[bytes, int]:
    """Read a blob into token -> rank.

    Raises:
        lzma.LZMAError: It is not xz.
    """
    content = memoryview(lzma.decompress(blob))
    count = int.from_bytes(content[:_COUNT_BYTES], "big")
    first = _COUNT_BYTES + count
    borders = accumulate(content[_COUNT_BYTES:first], initial=first)
    return {bytes(content[start:end]): rank for rank, (start, end) in enumerate(pairwise(borders))}


def render_rank_file(ranks: dict[bytes, int]) -> bytes:
    """Write ``ranks`` as a rank file; the inverse of `parse_rank_file`."""
    ordered = sorted(ranks.items(), key=lambda item: item[1])
    return b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in ordered)
