"""OTLP/protobuf to the canonical payload."""

import re

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.collector.receive.otlp import REQUESTS, request, submessages

from spanledger_collector.errors import MalformedError, TooLargeError
from spanledger_collector.receive import broken_text
from spanledger_collector.receive.decode import decode_protobuf
from spanledger_collector.receive.wire import check_submessages


@given(REQUESTS)
def test_a_good_request_is_stored_as_it_is(message: ExportTraceServiceRequest) -> None:
    decoded = decode_protobuf(message.SerializeToString())
    assert ExportTraceServiceRequest.FromString(decoded.payload) == message
    spans = sum(len(s.spans) for r in message.resource_spans for s in r.scope_spans)
    assert (decoded.span_count, decoded.rejected_spans) == (spans, 0)


@given(REQUESTS, st.integers(0, 2**20), st.binary(min_size=1, max_size=8))
def test_harmed_bytes_are_refused_or_understood_but_nothing_else(
    message: ExportTraceServiceRequest, at: int, harm: bytes
) -> None:
    """Only the two errors of the contract come out; what is accepted is canonical."""
    body = bytearray(message.SerializeToString())
    at %= len(body) + 1
    body[at : at + len(harm)] = harm
    try:
        decoded = decode_protobuf(bytes(body))
    except (MalformedError, TooLargeError):
        return
    assert ExportTraceServiceRequest.FromString(decoded.payload).SerializeToString() == (
        decoded.payload
    )


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_the_contract(body: bytes) -> None:
    try:
        decode_protobuf(body)
    except (MalformedError, TooLargeError):
        return


def test_unknown_fields_are_dropped() -> None:
    """Fields of newer versions do no harm, and cannot pass for fields of our own."""
    plain = request().SerializeToString()
    # field 1001 (workspace in our framing), length-delimited, "evil"
    extended = plain + b"\xca\x3e\x04evil"
    assert decode_protobuf(extended).payload == plain


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("trace_id", b"", "no trace id"),
        ("trace_id", bytes(16), "no trace id"),
        ("trace_id", b"short", "no trace id"),
        ("span_id", b"", "no span id"),
        ("span_id", bytes(8), "no span id"),
        ("span_id", b"123456789", "no span id"),
        ("parent_span_id", b"1234", "parent span id"),
    ],
)
def test_spans_without_usable_ids_are_left_out_and_the_rest_is_kept(
    field: str, value: bytes, reason: str
) -> None:
    message = request(spans=5)
    spans = message.resource_spans[0].scope_spans[0].spans
    setattr(spans[0], field, value)
    setattr(spans[3], field, value)
    decoded = decode_protobuf(message.SerializeToString())
    assert (decoded.span_count, decoded.rejected_spans) == (3, 2)
    assert reason in decoded.rejection
    kept = ExportTraceServiceRequest.FromString(decoded.payload)
    names = [span.name for span in kept.resource_spans[0].scope_spans[0].spans]
    assert names == ["chat 1", "chat 2", "chat 4"]


def test_a_parent_of_zeros_is_no_parent() -> None:
    message = request()
    message.resource_spans[0].scope_spans[0].spans[0].parent_span_id = bytes(8)
    assert decode_protobuf(message.SerializeToString()).payload == request().SerializeToString()


def test_a_span_that_ends_before_it_starts_is_kept() -> None:
    message = request()
    message.resource_spans[0].scope_spans[0].spans[0].end_time_unix_nano = 1
    assert decode_protobuf(message.SerializeToString()).span_count == 1


def test_text_that_is_not_utf8_is_repaired_and_the_rest_is_kept() -> None:
    """One string of a cut answer must not cost 512 calls; a run of bytes is one U+FFFD."""
    message = request(spans=512)
    body = message.SerializeToString().replace(b"gpt-x", b"gp\xff\xfe.", 1)
    decoded = decode_protobuf(body)
    assert (decoded.span_count, decoded.rejected_spans, decoded.repaired) == (512, 0, 1)
    spans = message.resource_spans[0].scope_spans[0].spans
    spans[0].attributes[0].value.string_value = "gp\ufffd."
    assert decoded.payload == message.SerializeToString()


@given(REQUESTS, st.data())
def test_any_strings_may_be_broken_and_every_span_is_stored(
    message: ExportTraceServiceRequest, data: st.DataObject
) -> None:
    """Whichever strings, at any depth: the others, and all else, are as they were sent."""
    marks = _mark(message, data)
    body = message.SerializeToString()
    for mark, broken in marks.items():
        body = body.replace(mark.encode(), broken)
    decoded = decode_protobuf(body)
    spans = sum(len(s.spans) for r in message.resource_spans for s in r.scope_spans)
    assert (decoded.span_count, decoded.rejected_spans) == (spans, 0)
    assert decoded.repaired == len(marks)
    whole = _strings(ExportTraceServiceRequest.FromString(decoded.payload))
    sent = _strings(message)
    for mark, broken in marks.items():
        text = _NOT_UTF8.sub("\ufffd", broken.decode(errors="surrogateescape"))
        sent = [kept.replace(mark, text) for kept in sent]
    assert whole == sent


_NOT_UTF8 = re.compile("[\udc80-\udcff]+")
#: Eight bytes each, so that lengths on the wire stay right where they stand for a mark.
_BROKEN = st.sampled_from(
    [b"\xff" * 8, b"cut  \xe2\x82 ", b"\xed\xa0\x80alone", b"\xc3\x28\xc3\xa9\xf0\x9f\x92\xb0"]
)


def _mark(message: ExportTraceServiceRequest, data: st.DataObject) -> dict[str, bytes]:
    """Put marks into strings of a request, and say what is to stand there."""
    marks: dict[str, bytes] = {}
    for holder, name in _holders(message):
        if data.draw(st.booleans()):
            mark = f"#{len(marks):06}#"
            setattr(holder, name, getattr(holder, name) + mark)
            marks[mark] = data.draw(_BROKEN)
    return marks


def _strings(message: Message) -> list[str]:
    return [getattr(holder, name) for holder, name in _holders(message)]


def _holders(message: Message) -> list[tuple[Message, str]]:
    """Every string that is set in a message: whose, and its field."""
    found: list[tuple[Message, str]] = []
    for field, value in message.ListFields():
        if field.message_type is not None:
            children = [value] if isinstance(value, Message) else list(value)
            found += [pair for child in children for pair in _holders(child)]
        elif field.type == field.TYPE_STRING:
            found.append((message, field.name))
    return found


def test_a_broken_string_in_too_many_fields_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repair is bounded."""
    monkeypatch.setattr(broken_text, "MAX_FIELDS", 20)
    body = request(spans=9).SerializeToString().replace(b"gpt-x", b"gp\xff-x")
    with pytest.raises(MalformedError, match="not UTF-8"):
        decode_protobuf(body)


def test_too_many_spans_are_refused() -> None:
    message = request()
    message.resource_spans[0].scope_spans[0].spans.extend([Span()] * 50_000)
    with pytest.raises(TooLargeError, match="50000 spans"):
        decode_protobuf(message.SerializeToString())


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [(), (1,), (1, 2), (1, 2, 2), (1, 2, 2, 9, 2, 5)], ids=lambda path: str(len(path))
)
@pytest.mark.parametrize("empty", [b"\x0a\x00", b"\x8a\x00\x00"], ids=["short", "long_tag"])
def test_a_body_of_empty_messages_is_refused_before_it_is_parsed(
    path: tuple[int, ...], empty: bytes
) -> None:
    """Two bytes on the wire are sixty in memory, and far more in the engine."""
    number = {0: 1, 1: 2, 2: 2, 3: 9, 6: 1}[len(path)]
    body = empty.replace(b"\x0a", bytes([number << 3 | 2]))
    body = body.replace(b"\x8a", bytes([number << 3 | 2 | 0x80])) * 1_000_001
    for outer in reversed(path):
        body = _field(outer, body)
    with pytest.raises(TooLargeError, match="messages"):
        decode_protobuf(body)


@given(REQUESTS, st.integers(0, 40))
def test_messages_are_counted_exactly(message: ExportTraceServiceRequest, limit: int) -> None:
    count = submessages(message)
    body = message.SerializeToString()
    if count > limit and len(body) // 2 > limit:
        with pytest.raises(TooLargeError):
            check_submessages(body, limit)
    else:
        check_submessages(body, limit)


def test_deep_nesting_is_refused() -> None:
    value = b""
    for _ in range(300):
        value = _field(5, _field(1, value))
    attribute = _field(9, _field(2, value))
    with pytest.raises(MalformedError):
        decode_protobuf(_field(1, _field(2, _field(2, attribute))))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
