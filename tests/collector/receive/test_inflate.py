"""Bounded decompression."""

import gzip
import sys
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.errors import MalformedError, TooLargeError, UnsupportedError
from spanledger_collector.receive.inflate import Inflater

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def _inflate(encoding: str, chunks: list[bytes], limit: int = 1 << 20) -> bytes:
    inflater = Inflater(encoding, limit)
    pieces = [piece for chunk in chunks for piece in inflater.feed(chunk)]
    inflater.finish()
    return b"".join(pieces)


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4), st.integers(1, 3000))
def test_gzip_of_several_members_is_unpacked_whole_however_it_arrives(
    members: list[bytes], size: int
) -> None:
    packed = b"".join(gzip.compress(member) for member in members)
    assert _inflate("gzip", _cut(packed, size)) == b"".join(members)


@given(st.binary(max_size=2000), st.integers(1, 3000))
def test_deflate_and_identity(data: bytes, size: int) -> None:
    assert _inflate("deflate", _cut(zlib.compress(data), size)) == data
    assert _inflate("identity", _cut(data, size)) == data
    assert _inflate("", _cut(data, size)) == data


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4), st.integers(1, 3000))
def test_zstd_of_several_frames_is_unpacked_whole_however_it_arrives(
    frames: list[bytes], size: int
) -> None:
    packed = b"".join(zstd.compress(frame) for frame in frames)
    assert _inflate("zstd", _cut(packed, size)) == b"".join(frames)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_zstd_are_malformed_or_understood(data: bytes) -> None:
    for body in (data, zstd.compress(b"x") + data, b"\x28\xb5\x2f\xfd" + data):
        with suppress(MalformedError):
            assert len(_inflate("zstd", [body])) <= 1 << 20


def test_a_zstd_bomb_stops_at_the_limit_and_a_huge_window_is_refused() -> None:
    """Also where the frame states its size, which some readers believe."""
    bomb = zstd.compress(bytes(50 << 20))
    assert len(bomb) < 10_000
    pieces = Inflater("zstd", 1 << 20).feed(bomb)
    assert sum(len(next(pieces)) for _ in range(4)) == 1 << 20
    with pytest.raises(TooLargeError, match="after decompression"):
        next(pieces)
    window: dict[int, int] = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.content_size_flag: 0,
    }
    with pytest.raises(MalformedError):
        _inflate("zstd", [zstd.compress(bytes(1 << 28), options=window)], 1 << 30)


@pytest.mark.parametrize("size", [255, 256, 257, 512, 1000])
def test_output_of_whole_pieces_is_complete(size: int) -> None:
    """Sizes around the piece size: nothing may stay behind in the stream."""
    data = bytes(size * 1024)
    for encoding, packed in (("gzip", gzip.compress(data)), ("zstd", zstd.compress(data))):
        for cut in (len(packed), 1, 7):
            assert _inflate(encoding, _cut(packed, cut)) == data


def test_a_bomb_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(50 << 20))
    inflater = Inflater("gzip", 1 << 20)
    pieces = inflater.feed(bomb)
    assert sum(len(next(pieces)) for _ in range(4)) == 1 << 20
    with pytest.raises(TooLargeError, match="after decompression"):
        next(pieces)


def test_exactly_the_limit_is_allowed() -> None:
    data = bytes(1 << 20)
    assert _inflate("gzip", [gzip.compress(data)]) == data
    with pytest.raises(TooLargeError):
        _inflate("identity", [data, b"x"])


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_cut_off_is_refused(encoding: str) -> None:
    packed = gzip.compress(b"spans" * 99) if encoding == "gzip" else zlib.compress(b"spans" * 99)
    for end in range(1, len(packed)):
        with pytest.raises(MalformedError, match="ends in the middle"):
            _inflate(encoding, [packed[:end]])


@pytest.mark.parametrize("garbage", [b"garbage", b"\x00", b"\x1f\x8bnot gzip"])
def test_bytes_after_the_end_are_refused(garbage: bytes) -> None:
    with pytest.raises(MalformedError):
        _inflate("gzip", [gzip.compress(b"spans") + garbage])
    with pytest.raises(MalformedError):
        _inflate("deflate", [zlib.compress(b"spans"), garbage])


def test_bytes_of_another_encoding_are_refused() -> None:
    with pytest.raises(MalformedError, match="not gzip"):
        _inflate("gzip", [b"plain text"])


@pytest.mark.parametrize("encoding", ["br", "zstd, gzip", "gzip, gzip", "GZIP2"])
def test_other_encodings_are_refused_and_the_right_ones_named(encoding: str) -> None:
    with pytest.raises(UnsupportedError, match="gzip, deflate, zstd, identity"):
        Inflater(encoding, 1)


def test_names_of_encodings_have_no_case() -> None:
    assert _inflate(" GZip ", [gzip.compress(b"x")]) == b"x"
