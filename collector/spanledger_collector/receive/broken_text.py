"""Strings of a protobuf body that are not UTF-8, made UTF-8: one of them must not cost the others.

Protobuf's parser refuses a whole request for one such string (a cut one, or raw bytes of an
answer), and a sender that is told so drops the batch. So only when the parser has refused, the body
is walked by the descriptors of its message, and bytes that are no text become U+FFFD, one for a
run of them. What is whole is copied as it is. A body of too many fields is refused as it was: the
walk is in Python.
"""

import re
from dataclasses import dataclass
from typing import Final, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from spanledger_collector.errors import MalformedError
from spanledger_collector.receive.wire import LENGTH_DELIMITED, read_varint, skip_field

MAX_FIELDS: Final = 1_000_000
#: Protobuf's own parser goes as deep.
_MAX_DEPTH: Final = 100
_NO_TEXT: Final = re.compile("[\udc80-\udcff]+")


def parse(body: bytes, request: Message) -> tuple[bytes, int]:
    """Parse a body into a request.

    Args:
        body: of an export request.
        request: an empty one; is filled.

    Returns:
        The body as it was parsed, and how many strings of it had to be repaired.

    Raises:
        MalformedError: it is no such message, or not UTF-8 in what is too large to be repaired.
    """
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        name = request.DESCRIPTOR.name
        if "UTF-8" not in str(error):
            raise MalformedError(_no_message(len(body), name)) from error
        return _parse_repaired(body, request)
    return body, 0


def _parse_repaired(body: bytes, request: Message) -> tuple[bytes, int]:
    repair = _Repair(body)
    whole = repair.message(0, len(body), cast("Descriptor", request.DESCRIPTOR), 0) or body
    request.Clear()
    try:
        request.ParseFromString(whole)
    except DecodeError as error:
        raise MalformedError(_no_message(len(body), request.DESCRIPTOR.name)) from error
    return whole, repair.strings


def _no_message(size: int, name: str) -> str:
    return (
        f"The body of {size} bytes is not an {name} in protobuf "
        "(is it cut off, or JSON sent as protobuf?). Nothing of the request was stored."
    )


@dataclass(slots=True)
class _Repair:
    """One walk over a body; ``strings`` counts those that were repaired."""

    body: bytes
    strings: int = 0
    _fields: int = 0

    def message(self, position: int, end: int, descriptor: Descriptor, depth: int) -> bytes | None:
        """The message at these bytes with all strings whole; None when they are."""
        if depth > _MAX_DEPTH:
            raise MalformedError(f"Values of the request are nested more than {_MAX_DEPTH} deep.")
        known = descriptor.fields_by_number
        pieces: list[bytes] = []
        copied = position
        while position < end:
            self._count()
            tag_start = position
            tag, position = read_varint(self.body, position, end)
            start, position = skip_field(self.body, position, end, tag & 7)
            field = known.get(tag >> 3) if tag & 7 == LENGTH_DELIMITED else None
            content = self._content(start, position, field, depth) if field is not None else None
            if content is not None:
                pieces += self.body[copied:tag_start], _varint(tag), _varint(len(content)), content
                copied = position
        return b"".join([*pieces, self.body[copied:end]]) if pieces else None

    def _content(self, start: int, end: int, field: FieldDescriptor, depth: int) -> bytes | None:
        """A field's content made whole; None when it is."""
        if field.type == FieldDescriptor.TYPE_BYTES or self.body[start:end].isascii():
            return None
        if field.message_type is not None:
            return self.message(start, end, field.message_type, depth + 1)
        if field.type != FieldDescriptor.TYPE_STRING:
            return None
        text = self.body[start:end].decode(errors="surrogateescape")
        whole = _NO_TEXT.sub("\ufffd", text)
        if whole == text:
            return None
        self.strings += 1
        return whole.encode()

    def _count(self) -> None:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise MalformedError(
                "A string in the request is not UTF-8, which protobuf does not allow, and the "
                f"request has more than {MAX_FIELDS} fields: send it as bytes_value, or encode it "
                "as UTF-8. Nothing of the request was stored."
            )


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:  # noqa: PLR2004 -- seven bits a byte
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
