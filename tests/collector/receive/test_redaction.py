"""Attributes are dropped or hashed before anything is stored."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests.collector.receive.conftest import Connect, Inbox, Start
from tests.collector.receive.otlp import request, to_json

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.receive.redaction import Redaction, Rule, read_redaction

_RULES = """
rules:
  - {name: "keep.email", action: hash}
  - {name: "*.email", action: drop}
  - {name: "enduser.*", action: drop}
"""
_SECRET = "mail-of-somebody@example.com"
_names = st.text("aek.mil", max_size=12)


def _told(**attributes: str | int) -> list[KeyValue]:
    values = {
        key: AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)
        for key, value in attributes.items()
    }
    return [KeyValue(key=key.replace("_", "."), value=value) for key, value in values.items()]


def _everywhere() -> ExportTraceServiceRequest:
    """A request with the secret at every place that has attributes."""
    sent = request(spans=2)
    hidden = {"enduser_id": _SECRET, "keep_email": _SECRET, "a_email": _SECRET, "model": "m"}
    for resource in sent.resource_spans:
        resource.resource.attributes.extend(_told(**hidden))
        for scope in resource.scope_spans:
            scope.scope.attributes.extend(_told(**hidden))
            for span in scope.spans:
                span.attributes.extend(_told(**hidden, enduser_age=7))
                span.events.add(name="e").attributes.extend(_told(**hidden))
                span.links.add(trace_id=bytes(16)).attributes.extend(_told(**hidden))
    return sent


async def test_no_transport_stores_what_is_forbidden(
    start: Start, connect: Connect, inbox: Inbox, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(_RULES)
    running = await start(redaction_file=rules, redaction_key="k")
    sent = _everywhere()
    connection = await connect(running)
    await connection.request(sent.SerializeToString())
    assert (await connection.answer()).status == 200
    await connection.request(orjson.dumps(to_json(sent)), content_type="application/json")
    assert (await connection.answer()).status == 200
    first, second = inbox.payloads
    assert first == second
    assert _SECRET.encode() not in first
    stored = ExportTraceServiceRequest.FromString(first)
    span = stored.resource_spans[0].scope_spans[0].spans[0]
    kept = {a.key: a.value for a in span.attributes if a.key.endswith(("email", "id", "age"))}
    assert set(kept) == {"keep.email"}
    assert len(kept["keep.email"].string_value) == 32
    assert [a.key for a in span.events[0].attributes] == ["keep.email", "model"]


@given(st.lists(st.tuples(_names, st.text(max_size=5)), max_size=6), st.lists(_names, max_size=4))
def test_what_no_rule_names_stays_as_it_is(
    attributes: list[tuple[str, str]], dropped: list[str]
) -> None:
    sent = request(spans=1)
    span = sent.resource_spans[0].scope_spans[0].spans[0]
    del span.attributes[:]
    for key, value in attributes:
        span.attributes.add(key=key).value.string_value = value
    redact = Redaction([Rule(name=name, action="drop") for name in dropped if name], "")
    stored = ExportTraceServiceRequest.FromString(redact(sent.SerializeToString()))
    left = stored.resource_spans[0].scope_spans[0].spans[0].attributes
    expected = [(key, value) for key, value in attributes if not key or key not in dropped]
    assert [(one.key, one.value.string_value) for one in left] == expected


def test_hashes_need_the_key_and_equal_values_stay_equal() -> None:
    sent = _everywhere().SerializeToString()
    rules = [Rule(name="*email", action="hash")]
    one, same, other = (Redaction(rules, key)(sent) for key in ("a", "a", "b"))
    assert one == same != other


@pytest.mark.parametrize(
    "content", ["", "[]", "rules: [{name: x}]", "rules: [{name: '', action: drop}]", "a: {",
                "rules: [{name: x, action: hash}]"],
)  # fmt: skip
def test_rules_that_cannot_be_used_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"rules\.yaml"):
        read_redaction(path, "")
