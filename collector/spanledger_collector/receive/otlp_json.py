"""OTLP/JSON -> the protobuf message. OTLP's JSON is not protobuf's: ids are hexadecimal.

Rules (OTLP specification, "JSON Protobuf Encoding", and what senders really write): trace and span
ids are hexadecimal of any case, other bytes base64 of either alphabet with or without padding;
64-bit integers are strings or numbers; enums are integers, names are taken too; "NaN", "Infinity"
and "-Infinity" are numbers; null is unset; unknown fields are ignored at every depth; snake_case
names are taken and counted; of a repeated key the last value wins. An id that is not hexadecimal
costs its span, not the request.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import cast

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanledger_collector.errors import MalformedError, TooLargeError
from spanledger_collector.receive.decode import DecodedRequest, canonical
from spanledger_collector.receive.thresholds import Thresholds

# Counted before parsing: a bracket may become an object of 64 bytes, a comma a number of 32.
MAX_BRACKETS = 2_000_000
MAX_COMMAS = 8_000_000
# protobuf parsers refuse more than 100 levels of messages.
_MAX_DEPTH = 90
_HEX_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
# No id has one byte, so the span with it is rejected by the check of its ids.
_NOT_AN_ID = b"\xff"
_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_SPECIAL_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(slots=True)
class _Lenience:
    """How many fields were written as OTLP forbids."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field is read.

    Attributes:
        name: name in the message.
        json_name: name in JSON.
        repeated: whether it is a list.
        convert: makes the value; None for a message.
        fields: the fields of a message, made when first needed.
    """

    name: str
    json_name: str
    repeated: bool
    convert: Callable[[object, _Lenience], object] | None = None
    message: Descriptor | None = field(default=None)


def decode_json(body: bytes, thresholds: Thresholds | None = None) -> tuple[DecodedRequest, int]:
    """Decode an OTLP/JSON request of spans.

    Args:
        body: of the request.
        thresholds: what scores of evaluations mean.

    Returns:
        The request and how many fields were written as OTLP forbids senders to.

    Raises:
        MalformedError: the bytes are not one.
        TooLargeError: too many spans or values.
    """
    request = ExportTraceServiceRequest()
    lenient_fields = read_json(body, request)
    return canonical(request, thresholds=thresholds), lenient_fields


def read_json(body: bytes, request: Message) -> int:
    """Fill an export request from OTLP/JSON.

    Returns:
        How many fields were written as OTLP forbids senders to.

    Raises:
        MalformedError: the bytes are not one.
        TooLargeError: too many values.
    """
    if body.count(b"{") + body.count(b"[") > MAX_BRACKETS or body.count(b",") > MAX_COMMAS:
        raise TooLargeError(
            f"The JSON holds more than {MAX_BRACKETS} objects and lists or {MAX_COMMAS} commas: "
            "send fewer in a request, or protobuf."
        )
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"The body is not JSON: {error}.") from error
    lenience = _Lenience()
    _fill(request, document, 0, lenience)
    return lenience.count


def _fill(message: Message, document: object, depth: int, lenience: _Lenience) -> None:
    if not isinstance(document, dict):
        raise MalformedError(
            f"The JSON is not OTLP: expected an object for {message.DESCRIPTOR.name}, "
            f"found {_show(document)}."
        )
    if depth > _MAX_DEPTH:
        raise MalformedError(f"The JSON is nested deeper than {_MAX_DEPTH} messages.")
    fields = _fields(message.DESCRIPTOR)
    for key, value in cast("dict[str, object]", document).items():
        found = fields.get(key)
        if found is None or value is None:
            continue
        if key != found.json_name:
            lenience.count += 1
        try:
            _set(message, found, value, depth, lenience)
        except (ValueError, TypeError, OverflowError) as error:
            raise MalformedError(
                f"The JSON is not OTLP: {key} cannot be {_show(value)} ({error})."
            ) from error


def _set(message: Message, found: _Field, value: object, depth: int, lenience: _Lenience) -> None:
    if found.repeated:
        if not isinstance(value, list):
            raise TypeError("a list is needed")
        target = getattr(message, found.name)
        for item in cast("list[object]", value):
            if found.convert is None:
                _fill(target.add(), item, depth + 1, lenience)
            else:
                target.append(found.convert(item, lenience))
    elif found.convert is None:
        child = getattr(message, found.name)
        child.SetInParent()
        _fill(child, value, depth + 1, lenience)
    else:
        setattr(message, found.name, found.convert(value, lenience))


@cache
def _fields(descriptor: Descriptor) -> dict[str, _Field]:
    """The fields of a message by their JSON and their protobuf name."""
    fields: dict[str, _Field] = {}
    for source in descriptor.fields:
        entry = _Field(source.name, source.json_name, _is_repeated(source), _converter(source))
        fields[source.json_name] = fields[source.name] = entry
    return fields


def _is_repeated(source: FieldDescriptor) -> bool:
    # protobuf 5 has only `label`, protobuf 7 only `is_repeated`.
    if hasattr(source, "is_repeated"):
        return bool(source.is_repeated)
    return getattr(source, "label", None) == FieldDescriptor.LABEL_REPEATED


def _converter(source: FieldDescriptor) -> Callable[[object, _Lenience], object] | None:
    if source.message_type is not None:
        return None
    if source.enum_type is not None:
        numbers = {value.name: value.number for value in source.enum_type.values}
        return partial(_enum, numbers)
    if source.type == FieldDescriptor.TYPE_BYTES:
        return _hex if source.name in _HEX_FIELDS else _base64
    return {
        FieldDescriptor.CPPTYPE_STRING: _string,
        FieldDescriptor.CPPTYPE_BOOL: _boolean,
        FieldDescriptor.CPPTYPE_DOUBLE: _number,
        FieldDescriptor.CPPTYPE_FLOAT: _number,
    }.get(source.cpp_type, _integer)


def _string(value: object, _lenience: _Lenience) -> str:
    if isinstance(value, str):
        return value
    raise TypeError("a string is needed")


def _boolean(value: object, _lenience: _Lenience) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError("true or false is needed")


def _integer(value: object, _lenience: _Lenience) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError("an integer, or a string of its digits, is needed")


def _number(value: object, _lenience: _Lenience) -> float:
    if isinstance(value, str):
        special = _SPECIAL_NUMBERS.get(value)
        return float(value) if special is None else special
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise TypeError("a number is needed")


def _enum(numbers: dict[str, int], value: object, lenience: _Lenience) -> int:
    if isinstance(value, str) and value in numbers:
        lenience.count += 1
        return numbers[value]
    return _integer(value, lenience)


def _hex(value: object, lenience: _Lenience) -> bytes:
    try:
        return binascii.unhexlify(_string(value, lenience))
    except ValueError:
        return _NOT_AN_ID


def _base64(value: object, lenience: _Lenience) -> bytes:
    text = _string(value, lenience).rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "..."  # noqa: PLR2004 - enough to find it
