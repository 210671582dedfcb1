"""The bytes of a record."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.journal.record import Record, decode_header, encode_header
from spanledger_collector.signals import SIGNALS

_U64 = st.integers(0, 2**64 - 1)
_U32 = st.integers(0, 2**32 - 1)
_RECORDS = st.builds(
    Record,
    sequence=_U64,
    workspace=st.text(max_size=20),
    tenant=st.text(max_size=20),
    span_count=_U32,
    received_at_ns=_U64,
    payload=st.binary(max_size=200),
    signal=st.sampled_from(SIGNALS),
)


@given(_RECORDS, _U32)
def test_what_is_written_is_read_back(record: Record, salt: int) -> None:
    header = decode_header(encode_header(record, salt) + record.payload, salt)
    assert header is not None
    assert header.accepts(record.payload, salt)
    assert header.with_payload(record.payload) == record


@given(_RECORDS, _U32, st.data())
def test_any_flipped_bit_of_the_header_is_noticed(
    record: Record, salt: int, data: st.DataObject
) -> None:
    encoded = bytearray(encode_header(record, salt))
    at = data.draw(st.integers(0, len(encoded) * 8 - 1))
    encoded[at // 8] ^= 1 << at % 8
    assert decode_header(bytes(encoded) + record.payload, salt) is None


@given(_RECORDS.filter(lambda r: bool(r.payload)), _U32, st.data())
def test_any_flipped_bit_of_the_payload_is_noticed(
    record: Record, salt: int, data: st.DataObject
) -> None:
    header = decode_header(encode_header(record, salt), salt)
    assert header is not None
    harmed = bytearray(record.payload)
    at = data.draw(st.integers(0, len(harmed) * 8 - 1))
    harmed[at // 8] ^= 1 << at % 8
    assert not header.accepts(bytes(harmed), salt)


@given(_RECORDS, _U32, _U32)
def test_a_record_made_without_the_salt_is_not_taken(record: Record, mine: int, other: int) -> None:
    """A sender can write anything into a payload, but does not know the salt."""
    decoded = decode_header(encode_header(record, other), mine)
    assert (decoded is None) == (mine != other)


def test_a_record_of_a_version_that_knew_spans_only_is_read() -> None:
    """Its bytes, as they were written then: there was a zero where the signal stands now."""
    written = bytes.fromhex(
        "f5534c52010001000100000003000000" "2a00000000000000" "ef03000000000000"
        "02000000" "47576b30" "73b24b03"
    )  # fmt: skip
    header = decode_header(written + b"wtabc", 7)
    assert header is not None
    assert header.with_payload(b"abc") == Record(42, "w", "t", 2, 1007, b"abc", "traces")
    assert header.accepts(b"abc", 7)


def test_a_signal_of_a_later_version_is_not_taken_for_another() -> None:
    """Its bytes would be decoded as what they are not: they are kept in the quarantine."""
    record = Record(1, "w", "t", 2, 3, b"abc", "metrics")
    encoded = bytearray(encode_header(record, 0))
    assert decode_header(bytes(encoded), 0) is not None
    encoded[5] = len(SIGNALS)
    crc = zlib.crc32(b"wt", zlib.crc32(encoded[:40], 0))
    encoded[40:44] = crc.to_bytes(4, "little")
    assert decode_header(bytes(encoded), 0) is None
