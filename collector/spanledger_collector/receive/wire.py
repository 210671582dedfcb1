"""How many messages a protobuf body holds, counted before the parser makes them.

An empty submessage is two bytes on the wire and about sixty in memory, so a small body can be a
large tree. The count costs one pass in C for ordinary bodies: the bytes that can begin a
submessage are an upper bound. Only above the limit the body is walked field by field.
Field numbers: opentelemetry-proto, ``trace/v1`` and ``common/v1``.
"""

from spanledger_collector.errors import MalformedError, TooLargeError

MAX_SUBMESSAGES = 1_000_000

_VARINT, _FIXED64, _LENGTH, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_MAX_VARINT_BYTES = 10

# message -> {field number: submessage}
_TREE: dict[str, dict[int, str]] = {
    "Request": {1: "ResourceSpans"},
    "ResourceSpans": {1: "Resource", 2: "ScopeSpans"},
    "Resource": {1: "KeyValue", 3: "EntityRef"},
    "EntityRef": {},
    "ScopeSpans": {1: "Scope", 2: "Span"},
    "Scope": {3: "KeyValue"},
    "Span": {9: "KeyValue", 11: "Event", 13: "Link", 15: "Status"},
    "Event": {3: "KeyValue"},
    "Link": {4: "KeyValue"},
    "Status": {},
    "KeyValue": {2: "AnyValue"},
    "AnyValue": {5: "ArrayValue", 6: "KeyValueList"},
    "ArrayValue": {1: "AnyValue"},
    "KeyValueList": {1: "KeyValue"},
}
_FIRST_BYTES = {number << 3 | _LENGTH for fields in _TREE.values() for number in fields}
# A tag may be written longer than needed; then its first byte has the high bit set.
_TAG_BYTES = bytes(sorted(_FIRST_BYTES | {byte | 0x80 for byte in _FIRST_BYTES}))


def check_submessages(body: bytes, limit: int = MAX_SUBMESSAGES) -> None:
    """Refuse a body that holds more than ``limit`` messages.

    Raises:
        TooLargeError: it does.
        MalformedError: it is no protobuf.
    """
    if len(body) // 2 <= limit or len(body) - len(body.translate(None, _TAG_BYTES)) <= limit:
        return
    _walk(body, limit)


def _walk(body: bytes, limit: int) -> None:
    count = 0
    pending = [(0, len(body), "Request")]
    while pending:
        position, end, name = pending.pop()
        fields = _TREE[name]
        while position < end:
            tag, position = _varint(body, position, end)
            start, position = _skip(body, position, end, tag & 7)
            child = fields.get(tag >> 3) if tag & 7 == _LENGTH else None
            if child is None:
                continue
            count += 1
            if count > limit:
                raise TooLargeError(
                    f"The request holds more than {limit} messages (spans, attributes, values): "
                    "send fewer spans in a request."
                )
            if position > start:
                pending.append((start, position, child))


def _skip(body: bytes, position: int, end: int, kind: int) -> tuple[int, int]:
    """Start and end of a field's content."""
    start = position
    if kind == _VARINT:
        _, position = _varint(body, position, end)
    elif kind == _LENGTH:
        length, start = _varint(body, position, end)
        position = start + length
    elif kind in (_FIXED64, _FIXED32):
        position += 8 if kind == _FIXED64 else 4
    elif kind not in (_START_GROUP, _END_GROUP):
        raise MalformedError(f"The body is not protobuf: wire type {kind} at byte {position}.")
    if position > end:
        raise MalformedError(f"The body is not protobuf: the field at byte {start} is cut off.")
    return start, position


def _varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    for at in range(position, min(end, position + _MAX_VARINT_BYTES)):
        byte = body[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the high bit says that another byte follows
            return value, at + 1
        shift += 7
    raise MalformedError(f"The body is not protobuf: the number at byte {position} does not end.")
