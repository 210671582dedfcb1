"""Bad input in the middle of good input: the right answer, a counter, and the stream goes on."""

from __future__ import annotations

import gzip
import http.client
import urllib.request
from contextlib import suppress

import pytest
from benchmarks.spans import request_bytes
from tests.support.running import RunningCollector

PROTOBUF = {"Content-Type": "application/x-protobuf"}
_NOT_UTF8 = request_bytes(900_001, 10).replace(b"invoke_agent", b"invoke\xff\xfegent")
_CASES = {
    "malformed protobuf": (b"\x0a\xff\xff\xff\x7f", PROTOBUF, 400),
    "malformed JSON": (b'{"resourceSpans": [', {"Content-Type": "application/json"}, 400),
    "wrong content type": (b"hello", {"Content-Type": "text/plain"}, 415),
    "unknown encoding": (b"hello", {**PROTOBUF, "Content-Encoding": "br"}, 415),
    "truncated gzip": (
        gzip.compress(request_bytes(900_002, 10))[:-9],
        {**PROTOBUF, "Content-Encoding": "gzip"},
        400,
    ),
    "gzip bomb": (
        gzip.compress(bytes(80 * 1024 * 1024)),
        {**PROTOBUF, "Content-Encoding": "gzip"},
        413,
    ),
    "oversized body": (bytes(65 * 1024 * 1024), PROTOBUF, 413),
}


def _post(port: int, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    # Refused while the body is still being sent: the answer is there to read all the same.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", "/v1/traces", body, headers)
    answer = connection.getresponse()
    result = answer.status, answer.read()
    connection.close()
    return result


@pytest.mark.slow
@pytest.mark.parametrize("case", _CASES)
def test_bad_input_is_refused_clearly_and_good_input_goes_on(
    collector: RunningCollector, case: str
) -> None:
    body, headers, status = _CASES[case]
    number = 910_000 + list(_CASES).index(case)
    answered, message = _post(collector.http_port, body, headers)
    assert answered == status
    assert len(message) > 20, "the answer says what happened and what to do"
    assert _post(collector.http_port, request_bytes(number, 10), PROTOBUF) == (200, b"")
    trace_id = f"{number + 1:032x}"
    collector.wait_for(f"SELECT count() FROM spans FINAL WHERE trace_id = '{trace_id}'", 10)


def test_text_that_is_not_utf8_costs_no_span(collector: RunningCollector) -> None:
    answered, message = _post(collector.http_port, _NOT_UTF8, PROTOBUF)
    assert answered == 200
    assert b"not UTF-8" in message
    trace_id = f"{900_002:032x}"
    collector.wait_for(f"SELECT count() FROM spans FINAL WHERE trace_id = '{trace_id}'", 10)


def test_refusals_are_counted(collector: RunningCollector) -> None:
    _post(collector.http_port, b"\xff\xff", PROTOBUF)
    with urllib.request.urlopen(f"http://127.0.0.1:{collector.api_port}/metrics") as answer:
        metrics = answer.read().decode()
    refused = [
        line
        for line in metrics.splitlines()
        if line.startswith("spanledger_receive_requests_total") and 'outcome="ok"' not in line
    ]
    assert sum(float(line.rpartition(" ")[2]) for line in refused) >= 1
