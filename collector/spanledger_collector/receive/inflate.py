"""Bounded decompression of a body that arrives in pieces.

The limit counts output bytes and is checked while unpacking: a bomb costs one piece, not its size.
"""

import sys
import zlib
from collections.abc import Iterator, Mapping
from typing import Protocol

from spanledger_collector.errors import MalformedError, TooLargeError, UnsupportedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_PIECE_BYTES = 256 * 1024
_GZIP_WINDOW = 31
_ZLIB_WINDOW = 15
_WINDOWS = {"gzip": _GZIP_WINDOW, "x-gzip": _GZIP_WINDOW, "deflate": _ZLIB_WINDOW}
ACCEPTED_ENCODINGS = "gzip, deflate, zstd, identity"
_ZSTD = "zstd"
# A frame may ask for a window of gigabytes; senders use 8 MiB at most (RFC 8878, 3.1.1.1.2).
_ZSTD_OPTIONS: Mapping[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
_BROKEN = (zlib.error, zstd.ZstdError)


class _Stream(Protocol):
    """What is used of ``zlib.decompressobj``."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _ZstdStream:
    """One zstd frame, as ``zlib.decompressobj`` tells it; input it was given is kept inside."""

    unconsumed_tail = b""

    def __init__(self) -> None:
        self._frame = zstd.ZstdDecompressor(options=_ZSTD_OPTIONS)

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data

    @property
    def has_more(self) -> bool:
        """There is output that no more input is needed for."""
        return not self._frame.eof and not self._frame.needs_input

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._frame.decompress(data, max_length)


class Inflater:
    """Unpacks one body.

    Args:
        encoding: value of Content-Encoding; empty and ``identity`` pass the bytes through.
        limit_bytes: output bytes at most.

    Raises:
        UnsupportedError: the encoding is not spoken here.
    """

    def __init__(self, encoding: str, limit_bytes: int) -> None:
        encoding = encoding.strip().lower() or "identity"
        if encoding not in ("identity", _ZSTD) and encoding not in _WINDOWS:
            raise UnsupportedError(
                f"Content-Encoding {encoding[:40]!r} is not accepted: "
                f"send one of {ACCEPTED_ENCODINGS}."
            )
        self._encoding = encoding
        self._limit_bytes = limit_bytes
        self._produced = 0
        self._begun = False
        self._stream = self._new_stream()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Unpack more input, in pieces of bounded size.

        Raises:
            TooLargeError: the output is over the limit.
            MalformedError: the input is not of the announced encoding.
        """
        if self._stream is None:
            if data:
                yield self._counted(data)
            return
        # Output that a full piece leaves in a gzip or zlib stream comes with what follows: its end
        # is always input (its checksum). A zstd frame says whether it has more.
        while data or (isinstance(self._stream, _ZstdStream) and self._stream.has_more):
            if self._stream.eof:
                self._stream = self._next_member(data)
            piece = self._unpack(self._stream, data)
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            self._begun = True
            if piece:
                yield self._counted(piece)

    def finish(self) -> None:
        """Check that the body is whole.

        Raises:
            MalformedError: it ends in the middle.
        """
        if self._stream is not None and self._begun and not self._stream.eof:
            raise MalformedError(
                f"The {self._encoding} body ends in the middle: it was cut off on the way, "
                "or Content-Encoding is wrong."
            )

    def _new_stream(self) -> _Stream | None:
        if self._encoding == _ZSTD:
            return _ZstdStream()
        window = _WINDOWS.get(self._encoding)
        return None if window is None else zlib.decompressobj(window)

    def _next_member(self, data: bytes) -> _Stream:
        # gzip files and zstd frames may be concatenated; anything else after the end is an error.
        if self._encoding == _ZSTD:
            return _ZstdStream()
        if self._encoding == "deflate" or not data.startswith(b"\x1f"):
            raise MalformedError(f"There are bytes after the end of the {self._encoding} body.")
        return zlib.decompressobj(_GZIP_WINDOW)

    def _unpack(self, stream: _Stream, data: bytes) -> bytes:
        try:
            return stream.decompress(data, _PIECE_BYTES)
        except _BROKEN as error:
            raise MalformedError(
                f"The body is not {self._encoding}, which Content-Encoding says it is: {error}."
            ) from error

    def _counted(self, piece: bytes) -> bytes:
        self._produced += len(piece)
        if self._produced > self._limit_bytes:
            raise TooLargeError(
                f"The body is over {self._limit_bytes} bytes after decompression: "
                "send smaller batches."
            )
        return piece
