"""OTLP/JSON means the same as the protobuf it stands for."""

import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.collector.receive.otlp import REQUESTS, request, to_json

from spanledger_collector.errors import MalformedError, TooLargeError
from spanledger_collector.receive.decode import decode_protobuf
from spanledger_collector.receive.otlp_json import decode_json

_IDS = {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174"}


def _one(span: dict[str, object]) -> Span:
    """The span that comes out of a request with one span of these fields."""
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [{**_IDS, **span}]}]}]}
    decoded, _ = decode_json(json.dumps(document).encode())
    message = ExportTraceServiceRequest.FromString(decoded.payload)
    return message.resource_spans[0].scope_spans[0].spans[0]


def _value(value: dict[str, object]) -> AnyValue:
    return _one({"attributes": [{"key": "k", "value": value}]}).attributes[0].value


@given(REQUESTS)
def test_json_and_protobuf_give_the_same_bytes(message: ExportTraceServiceRequest) -> None:
    decoded, lenient = decode_json(orjson.dumps(to_json(message)))
    assert decoded == decode_protobuf(message.SerializeToString()) or _has_nan(message)
    again = ExportTraceServiceRequest.FromString(decoded.payload)
    assert str(again) == str(message)
    assert lenient == 0


def _has_nan(message: ExportTraceServiceRequest) -> bool:
    """Text has one NaN, binary has many: only then the bytes may differ."""
    return "nan" in str(message)


def test_ids_are_hexadecimal_of_any_case() -> None:
    span = _one({"parentSpanId": "EEe19b7ec3c1b173"})
    assert span.trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    assert span.parent_span_id.hex() == "eee19b7ec3c1b173"


@pytest.mark.parametrize(
    "bad", ["5b8e", "zz8efff798038103d269b633813fc60c", "", "é" * 32, "0" * 32]
)
def test_a_wrong_id_costs_its_span_only(bad: str) -> None:
    document = to_json(request(spans=3))
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]  # type: ignore[index]
    spans[1]["traceId"] = bad
    decoded, _ = decode_json(orjson.dumps(document))
    assert (decoded.span_count, decoded.rejected_spans) == (2, 1)
    assert "trace id" in decoded.rejection


@pytest.mark.parametrize("text", ["+//+", "-__-", "-_/+"])
def test_bytes_are_base64_of_either_alphabet(text: str) -> None:
    assert _value({"bytesValue": text}).bytes_value == b"\xfb\xff\xfe"


@pytest.mark.parametrize("text", ["+/8=", "+/8", "-_8", "-_8="])
def test_bytes_need_no_padding(text: str) -> None:
    assert _value({"bytesValue": text}).bytes_value == b"\xfb\xff"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (9007199254740993, 9007199254740993),
        ("9007199254740993", 9007199254740993),
        ("-9223372036854775808", -(2**63)),
        (1e3, 1000),
        (12.0, 12),
    ],
)
def test_integers_are_exact_as_strings_and_numbers(value: object, expected: int) -> None:
    assert _value({"intValue": value}).int_value == expected


@pytest.mark.parametrize("value", [1, "18446744073709551615", 1795000000123456789])
def test_times_are_exact(value: object) -> None:
    assert _one({"startTimeUnixNano": value}).start_time_unix_nano == int(str(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("Infinity", math.inf), ("-Infinity", -math.inf), (1, 1.0), ("1.5", 1.5), (2e-3, 0.002)],
)
def test_doubles(value: object, expected: float) -> None:
    assert _value({"doubleValue": value}).double_value == expected


def test_not_a_number_is_a_double() -> None:
    assert math.isnan(_value({"doubleValue": "NaN"}).double_value)


def test_the_kind_of_an_empty_value_is_kept() -> None:
    """0, false, "" and [] differ from no value at all."""
    kinds = {
        "intValue": (0, "int_value"),
        "boolValue": (False, "bool_value"),
        "stringValue": ("", "string_value"),
        "arrayValue": ({}, "array_value"),
        "kvlistValue": ({"values": []}, "kvlist_value"),
    }
    for name, (value, kind) in kinds.items():
        assert _value({name: value}).WhichOneof("value") == kind
    assert _value({}).WhichOneof("value") is None


def test_null_is_unset_and_unknown_fields_are_ignored_at_every_depth() -> None:
    span = _one(
        {
            "kind": None,
            "attributes": [{"key": "k", "value": {"intValue": "1", "x": 1}, "y": [[]]}],
            "status": None,
            "later": {"traceId": 7},
            "name": "n",
        }
    )
    assert (span.name, span.kind, span.attributes[0].value.int_value) == ("n", 0, 1)
    assert not span.HasField("status")


def test_unknown_enum_numbers_are_kept() -> None:
    assert int(_one({"kind": 77}).kind) == 77


def test_forbidden_spellings_are_accepted_and_counted() -> None:
    body = json.dumps(
        {
            "resource_spans": [
                {
                    "scope_spans": [
                        {
                            "spans": [
                                {
                                    "trace_id": _IDS["traceId"],
                                    "spanId": _IDS["spanId"],
                                    "kind": "SPAN_KIND_CLIENT",
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    )
    decoded, lenient = decode_json(body.encode())
    assert (decoded.span_count, lenient) == (1, 4)


def test_the_last_of_repeated_keys_wins() -> None:
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [_IDS]}]}]})
    body = body.replace('"spanId"', '"name": "first", "name": "second", "spanId"')
    decoded, _ = decode_json(body.encode())
    assert b"second" in decoded.payload
    assert b"first" not in decoded.payload


@pytest.mark.parametrize(
    "document",
    [
        [],
        7,
        {"resourceSpans": {}},
        {"resourceSpans": [7]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": 7}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": True}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": "NO_SUCH"}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": 2**40}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "1_0"}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": -1}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": 1.5}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": 1e300}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [{"value": []}]}]}]}]},
    ],
)
def test_what_is_not_otlp_is_refused_with_the_reason(document: object) -> None:
    with pytest.raises(MalformedError, match="not OTLP"):
        decode_json(json.dumps(document).encode())


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}', b"[" * 5000, b'"\\ud800"'])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError, match="not JSON"):
        decode_json(body)


def test_deep_values_are_refused_at_once() -> None:
    value: dict[str, object] = {}
    for _ in range(150):
        value = {"arrayValue": {"values": [value]}}
    with pytest.raises(MalformedError, match="nested deeper"):
        _value(value)


def test_values_as_deep_as_allowed_stay_readable() -> None:
    """The canonical form can be parsed again by protobuf, whose own limit is 100."""
    value: dict[str, object] = {"intValue": 1}
    for _ in range(42):
        value = {"arrayValue": {"values": [value]}}
    assert _value(value).HasField("array_value")


@pytest.mark.parametrize("body", [b"[" + b"{}," * 2_000_001, b"[" + b"1," * 8_000_001])
def test_a_body_of_tiny_values_is_refused_before_it_is_parsed(body: bytes) -> None:
    with pytest.raises(TooLargeError, match="send fewer in a request"):
        decode_json(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "resourceSpans", "scopeSpans", "spans", "attributes", "key", "value", "kind",
                "traceId", "arrayValue", "values", "intValue", "bytesValue", "resource", "x",
            ]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(_JSON)
def test_any_json_gives_a_request_or_the_errors_of_the_contract(document: object) -> None:
    try:
        decode_json(json.dumps({"resourceSpans": document}).encode())
    except (MalformedError, TooLargeError):
        return


@given(REQUESTS, st.integers(0, 2**20), st.binary(min_size=1, max_size=4))
def test_harmed_json_raises_nothing_but_the_contract(
    message: ExportTraceServiceRequest, at: int, harm: bytes
) -> None:
    body = bytearray(orjson.dumps(to_json(message)))
    at %= len(body)
    body[at : at + len(harm)] = harm
    try:
        decode_json(bytes(body))
    except (MalformedError, TooLargeError):
        return
