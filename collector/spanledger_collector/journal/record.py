"""The bytes of one journal record.

::

    offset size
         0    4  magic            f5 'S' 'L' 'R'
         4    1  version          1
         5    1  signal           0 traces, 1 metrics (signals.py)
         6    2  workspace length bytes of UTF-8
         8    2  tenant length    bytes of UTF-8
        10    2  reserved         0
        12    4  payload length   bytes
        16    8  sequence         number of the record in this journal, from 1
        24    8  received at      nanoseconds since 1970
        32    4  span count       of metrics: data points
        36    4  payload CRC-32
        40    4  header CRC-32    of the 40 bytes above and the two names
        44       workspace, tenant, payload

Integers are little-endian. The header has a checksum of its own, so that a length is trusted only
when it is right: a damaged length can neither make the reader allocate nor skip good records.
Both checksums start from the journal's secret salt instead of 0: a payload that contains the
bytes of a record cannot pass for one when the reader looks for the next record after damage.
"""

import struct
import zlib
from dataclasses import dataclass

from spanledger_collector.signals import SIGNALS, Signal

MAGIC = b"\xf5SLR"
VERSION = 1
HEADER = struct.Struct("<4sBBHHHIQQIII")
_CHECKED = HEADER.size - 4
MAX_NAME_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One acknowledged request.

    Attributes:
        sequence: number in its journal; grows, never repeats, may have gaps.
        workspace: whose ledger the request belongs to.
        tenant: tenant the API key pins, else empty.
        span_count: spans in the payload; data points, of metrics.
        received_at_ns: when it was received, nanoseconds since 1970.
        payload: the export request of its signal, as canonical protobuf.
        signal: what kind of request it is.
    """

    sequence: int
    workspace: str
    tenant: str
    span_count: int
    received_at_ns: int
    payload: bytes
    signal: Signal = "traces"


@dataclass(frozen=True, slots=True)
class Header:
    """A checked record header: everything but the payload."""

    sequence: int
    workspace: str
    tenant: str
    span_count: int
    received_at_ns: int
    header_bytes: int
    payload_bytes: int
    payload_crc: int
    signal: Signal

    @property
    def total_bytes(self) -> int:
        """Length of the whole record."""
        return self.header_bytes + self.payload_bytes

    def accepts(self, payload: bytes, salt: int) -> bool:
        """Whether these are the payload's bytes, unharmed."""
        return len(payload) == self.payload_bytes and zlib.crc32(payload, salt) == self.payload_crc

    def with_payload(self, payload: bytes) -> Record:
        """The record."""
        return Record(
            self.sequence,
            self.workspace,
            self.tenant,
            self.span_count,
            self.received_at_ns,
            payload,
            self.signal,
        )


def encode_header(record: Record, salt: int) -> bytes:
    """The bytes that precede the payload of a record."""
    workspace, tenant = record.workspace.encode(), record.tenant.encode()
    checked = HEADER.pack(
        MAGIC,
        VERSION,
        SIGNALS.index(record.signal),
        len(workspace),
        len(tenant),
        0,
        len(record.payload),
        record.sequence,
        record.received_at_ns,
        record.span_count,
        zlib.crc32(record.payload, salt),
        0,
    )[:_CHECKED]
    names = workspace + tenant
    crc = zlib.crc32(names, zlib.crc32(checked, salt))
    return checked + crc.to_bytes(4, "little") + names


def decode_header(data: bytes, salt: int) -> Header | None:
    """Read a header from the first bytes of ``data``; None when they are not one, or damaged.

    Args:
        data: at least a header with its names, when there is one.
        salt: start value of the checksums.
    """
    if len(data) < HEADER.size or data[:4] != MAGIC:
        return None
    fields = HEADER.unpack_from(data)
    workspace_end = HEADER.size + fields[3]
    end = workspace_end + fields[4]
    names = data[HEADER.size : end]
    crc = zlib.crc32(names, zlib.crc32(data[:_CHECKED], salt))
    if len(data) < end or crc != fields[11] or fields[1] != VERSION or fields[2] >= len(SIGNALS):
        return None
    return Header(
        sequence=fields[7],
        workspace=data[HEADER.size : workspace_end].decode(),
        tenant=data[workspace_end:end].decode(),
        span_count=fields[9],
        received_at_ns=fields[8],
        header_bytes=end,
        payload_bytes=fields[6],
        payload_crc=fields[10],
        signal=SIGNALS[int(fields[2])],
    )
