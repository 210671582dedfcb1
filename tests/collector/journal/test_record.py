"""The bytes of a record."""

from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.journal.record import Record, decode_header, encode_header

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
