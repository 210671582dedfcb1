"""Journal records of spans as the engine reads them: rows of ``otlp_in`` in format ``Protobuf``.

One row a record::

    varint length | the request's bytes | own fields

The request's bytes are an ``ExportTraceServiceRequest`` as stored in the journal. The own fields
follow it, with numbers that OTLP does not use (``otlp.proto``): workspace 1001, tenant 1002,
received_at_ns 1003 (fixed64), sequence 1004 (varint), journal_id 1005. So whose ledger a row
belongs to is decided by the API key, never by the payload: the receiver drops fields of these
numbers from a request, and one that brought them all the same would land in nobody's ledger (the
engine reads a text field that is sent twice as empty).
"""

import struct
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Protocol

from spanledger_collector.signals import Signal

#: The engine's name of the format.
FORMAT = "Protobuf"
#: Changes whenever the same records would become other rows: part of every deduplication token.
#: Counted up it needs the Null table (``0010_otlp_in_v1.sql``) once more, at the next free number
#: under its new name, and the number behind as ``_NUMBER`` of ``render.py``. A collector of the
#: older version goes on with its own table and view meanwhile, and no request is ever inserted
#: into a table that nothing reads.
ROW_FORMAT = 1
#: The table that rows are inserted into: one a row format, so that releases do not share it.
TABLE = f"otlp_in_v{ROW_FORMAT}"

_LENGTH_DELIMITED = 2
_FIXED64 = 1
_VARINT = 0


class LoadRecord(Protocol):
    """What the loader needs of a journal record."""

    @property
    def sequence(self) -> int:
        """Number of the record in its journal."""
        ...

    @property
    def workspace(self) -> str:
        """Whose ledger."""
        ...

    @property
    def tenant(self) -> str:
        """Tenant pinned by the API key, else empty."""
        ...

    @property
    def span_count(self) -> int:
        """Spans in the payload; data points, of metrics."""
        ...

    @property
    def received_at_ns(self) -> int:
        """When it was received, nanoseconds since 1970."""
        ...

    @property
    def payload(self) -> bytes:
        """The export request of its signal in protobuf."""
        ...

    @property
    def signal(self) -> Signal:
        """What kind of request it is."""
        ...


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >> 7:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _tag(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _text(field: int, text: str) -> bytes:
    data = text.encode()
    return _tag(field, _LENGTH_DELIMITED) + _varint(len(data)) + data


def framed(records: Iterable[LoadRecord], journal_id: str) -> bytes:
    """The rows of ``otlp_in`` for these records, in their order."""
    own_journal = _text(1005, journal_id)
    parts: list[bytes] = []
    for record in records:
        own = b"".join(
            (
                _text(1001, record.workspace),
                _text(1002, record.tenant),
                _tag(1003, _FIXED64),
                struct.pack("<Q", record.received_at_ns),
                _tag(1004, _VARINT),
                _varint(record.sequence),
                own_journal,
            )
        )
        parts += (_varint(len(record.payload) + len(own)), record.payload, own)
    return b"".join(parts)


@cache
def schema_settings(embedded: bool) -> Mapping[str, object]:
    """Settings that tell the engine how to read :data:`FORMAT`.

    A server gets the schema as text, so it needs no file of ours. The embedded engine gets the path
    of our file: of a text it would keep a copy under ``__cache__`` in the working directory of the
    process, which may be anywhere and need not be writable.
    """
    path = Path(__file__).with_name("otlp.proto")
    return {
        "format_schema_source": "file" if embedded else "string",
        "format_schema": str(path) if embedded else path.read_text(encoding="utf-8"),
        "format_schema_message_name": "Request",
        "input_format_protobuf_oneof_presence": 1,
        # The same bytes must become the same blocks: a token names each by its place.
        "input_format_parallel_parsing": 0,
    }
