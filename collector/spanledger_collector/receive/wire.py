"""How many messages a protobuf body holds, counted before the parser makes them.

An empty submessage is two bytes on the wire and about sixty in memory, so a small body can be a
large tree. The count costs one pass in C for ordinary bodies: the bytes that can begin a
submessage are an upper bound. Only above the limit the body is walked field by field.
Field numbers: opentelemetry-proto, ``trace/v1``, ``metrics/v1``, ``logs/v1`` and ``common/v1``.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from spanledger_collector.errors import MalformedError, TooLargeError
from spanledger_collector.signals import Signal

MAX_SUBMESSAGES = 1_000_000

_VARINT, _FIXED64, LENGTH_DELIMITED, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_MAX_VARINT_BYTES = 10

# message -> {field number: submessage}
_Tree = Mapping[str, Mapping[int, str]]
_COMMON: _Tree = {
    "Resource": {1: "KeyValue", 3: "EntityRef"},
    "EntityRef": {},
    "Scope": {3: "KeyValue"},
    "KeyValue": {2: "AnyValue"},
    "AnyValue": {5: "ArrayValue", 6: "KeyValueList"},
    "ArrayValue": {1: "AnyValue"},
    "KeyValueList": {1: "KeyValue"},
}
#: What is read of a body: logs are none of the journal's signals.
Kind: TypeAlias = Signal | Literal["logs"]
_TREES: Mapping[Kind, _Tree] = {
    "traces": {
        **_COMMON,
        "Request": {1: "ResourceSpans"},
        "ResourceSpans": {1: "Resource", 2: "ScopeSpans"},
        "ScopeSpans": {1: "Scope", 2: "Span"},
        "Span": {9: "KeyValue", 11: "Event", 13: "Link", 15: "Status"},
        "Event": {3: "KeyValue"},
        "Link": {4: "KeyValue"},
        "Status": {},
    },
    "metrics": {
        **_COMMON,
        "Request": {1: "ResourceMetrics"},
        "ResourceMetrics": {1: "Resource", 2: "ScopeMetrics"},
        "ScopeMetrics": {1: "Scope", 2: "Metric"},
        "Metric": {
            5: "Numbers", 7: "Numbers", 9: "Histogram", 10: "ExponentialHistogram", 11: "Summary",
            12: "KeyValue",
        },
        "Numbers": {1: "NumberPoint"},
        "NumberPoint": {5: "Exemplar", 7: "KeyValue"},
        "Histogram": {1: "HistogramPoint"},
        "HistogramPoint": {8: "Exemplar", 9: "KeyValue"},
        "ExponentialHistogram": {1: "ExponentialPoint"},
        "ExponentialPoint": {1: "KeyValue", 8: "Buckets", 9: "Buckets", 11: "Exemplar"},
        "Buckets": {},
        "Summary": {1: "SummaryPoint"},
        "SummaryPoint": {6: "Quantile", 7: "KeyValue"},
        "Quantile": {},
        "Exemplar": {7: "KeyValue"},
    },
    "logs": {
        **_COMMON,
        "Request": {1: "ResourceLogs"},
        "ResourceLogs": {1: "Resource", 2: "ScopeLogs"},
        "ScopeLogs": {1: "Scope", 2: "LogRecord"},
        "LogRecord": {5: "AnyValue", 6: "KeyValue"},
    },
}  # fmt: skip


def _tag_bytes(tree: _Tree) -> bytes:
    """The bytes that a submessage's tag can begin with."""
    first = {
        (number << 3 | LENGTH_DELIMITED) & 0x7F for fields in tree.values() for number in fields
    }
    # A tag may be written longer than needed; then its first byte has the high bit set.
    return bytes(sorted(first | {byte | 0x80 for byte in first}))


_TAG_BYTES = {signal: _tag_bytes(tree) for signal, tree in _TREES.items()}


def check_submessages(body: bytes, limit: int = MAX_SUBMESSAGES, signal: Kind = "traces") -> None:
    """Refuse a body that holds more than ``limit`` messages.

    Args:
        body: an export request.
        limit: messages at most.
        signal: of which kind.

    Raises:
        TooLargeError: it does.
        MalformedError: it is no protobuf.
    """
    if len(body) // 2 <= limit:
        return
    if len(body) - len(body.translate(None, _TAG_BYTES[signal])) <= limit:
        return
    _walk(body, limit, _TREES[signal])


def _walk(body: bytes, limit: int, tree: _Tree) -> None:
    count = 0
    pending = [(0, len(body), "Request")]
    while pending:
        position, end, name = pending.pop()
        fields = tree[name]
        while position < end:
            tag, position = read_varint(body, position, end)
            start, position = skip_field(body, position, end, tag & 7)
            child = fields.get(tag >> 3) if tag & 7 == LENGTH_DELIMITED else None
            if child is None:
                continue
            count += 1
            if count > limit:
                raise TooLargeError(
                    f"The request holds more than {limit} messages (spans or points, attributes, "
                    "values): send fewer in a request."
                )
            if position > start:
                pending.append((start, position, child))


def skip_field(body: bytes, position: int, end: int, kind: int) -> tuple[int, int]:
    """Start and end of a field's content, of its wire type.

    Raises:
        MalformedError: there is no such wire type, or the content is cut off.
    """
    start = position
    if kind == _VARINT:
        _, position = read_varint(body, position, end)
    elif kind == LENGTH_DELIMITED:
        length, start = read_varint(body, position, end)
        position = start + length
    elif kind in (_FIXED64, _FIXED32):
        position += 8 if kind == _FIXED64 else 4
    elif kind not in (_START_GROUP, _END_GROUP):
        raise MalformedError(f"The body is not protobuf: wire type {kind} at byte {position}.")
    if position > end:
        raise MalformedError(f"The body is not protobuf: the field at byte {start} is cut off.")
    return start, position


def read_varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    """A number, and where it ends.

    Raises:
        MalformedError: it does not.
    """
    value = shift = 0
    for at in range(position, min(end, position + _MAX_VARINT_BYTES)):
        byte = body[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the high bit says that another byte follows
            return value, at + 1
        shift += 7
    raise MalformedError(f"The body is not protobuf: the number at byte {position} does not end.")
