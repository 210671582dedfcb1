"""Where ranks can lie on a machine, in the order they are tried.

1. ``SPANLEDGER_TOKENIZER_DIR``: a directory with ``o200k_base.tiktoken``.
2. The blob shipped with this package.
3. The cache of ``tiktoken`` itself (``TIKTOKEN_CACHE_DIR``, ``DATA_GYM_CACHE_DIR``, or
   ``data-gym-cache`` in the directory of temporary files).
4. Copies inside installed packages that bundle them (litellm, llama-index), found without
   importing those packages.

A file with the wrong size or hash is passed over, and left alone.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from spanledger._ranks.blob import (
    BLOB_NAME,
    BLOB_SHA256,
    RANK_FILE_BYTES,
    RANK_FILE_SHA256,
    parse_rank_file,
    unpack,
)

#: A directory with ``o200k_base.tiktoken``, tried before everything else.
TOKENIZER_DIR_VARIABLE: Final = "SPANLEDGER_TOKENIZER_DIR"

_BLOB: Final = Path(__file__).with_name(BLOB_NAME)
_FILE_NAME: Final = "o200k_base.tiktoken"
#: SHA-1 of the file's published address: the name ``tiktoken`` gives it in caches.
_CACHE_NAME: Final = "fb374d419588a4632f3f557e76b4b70aebbca790"
_PACKAGED: Final = (
    ("litellm", "litellm_core_utils/tokenizers"),
    ("llama_index", "core/_static/tiktoken_cache"),
)

_log: Final = logging.getLogger("spanledger.tokens")


def find_ranks() -> dict[bytes, int] | None:
    """Return token -> rank of o200k_base from the first good source, or None. Never raises."""
    chosen = os.environ.get(TOKENIZER_DIR_VARIABLE)
    if chosen and (ranks := _from_files(_in_directory(Path(chosen)))):
        return ranks
    if chosen:
        _log.warning("%s=%s holds no valid %s", TOKENIZER_DIR_VARIABLE, chosen, _FILE_NAME)
    return _from_blob(_BLOB) or _from_files(_other_files())


def _from_blob(path: Path) -> dict[bytes, int] | None:
    try:
        blob = path.read_bytes()
    except OSError as error:
        _log.debug("no shipped ranks: %s", error)
        return None
    if hashlib.sha256(blob).hexdigest() != BLOB_SHA256:
        _log.warning("%s is damaged (its SHA-256 is another): passed over", path)
        return None
    return unpack(blob)


def _from_files(paths: Iterator[Path]) -> dict[bytes, int] | None:
    for path in paths:
        content = _verified(path)
        if content is not None:
            return parse_rank_file(content)
    return None


def _verified(path: Path) -> bytes | None:
    """The content of ``path`` if it is the published rank file."""
    try:
        if path.stat().st_size != RANK_FILE_BYTES:
            return None
        content = path.read_bytes()
    except OSError:  # not there, or not ours to read: the next source is tried
        return None
    if hashlib.sha256(content).hexdigest() != RANK_FILE_SHA256:
        _log.warning("%s is not the published rank file (its SHA-256 is another)", path)
        return None
    return content


def _other_files() -> Iterator[Path]:
    cache = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    yield from _in_directory(Path(cache or Path(tempfile.gettempdir(), "data-gym-cache")))
    for package, folder in _PACKAGED:
        for root in _package_roots(package):
            yield from _in_directory(Path(root, folder))


def _in_directory(directory: Path) -> Iterator[Path]:
    yield directory / _FILE_NAME
    yield directory / _CACHE_NAME


def _package_roots(package: str) -> list[str]:
    """Directories of an installed top-level package, which is not imported."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):  # a broken or half-initialised package is no source
        return []
    return list(spec.submodule_search_locations or ()) if spec else []
