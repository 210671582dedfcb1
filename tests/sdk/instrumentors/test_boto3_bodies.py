"""Bodies that Bedrock's client gives to read like files."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.response import StreamingBody
from tests.sdk.instrumentors.cases_boto3 import (
    ANSWER,
    CACHED,
    CASES,
    MESSAGE,
    MODEL,
    invoke,
    same_counts,
    told_by,
)
from tests.sdk.instrumentors.conftest import Desk

from spanledger import semconv
from spanledger_collector.demo.provider import Answer


def _read_in_pieces(body: Any) -> bytes:
    pieces: list[bytes] = []
    while piece := body.read(7):
        pieces.append(piece)
    return b"".join(pieces)


def _read_into(body: Any) -> bytes:
    buffer, pieces = bytearray(11), bytearray()
    while number := body.readinto(buffer):
        pieces += buffer[:number]
    return bytes(pieces)


def _read_within(body: Any) -> bytes:
    with body as raw:
        return raw.read()


def _stream_within(body: Any) -> bytes:
    with body as raw:
        return b"".join(raw.stream(9))


def _iterate_within(body: Any) -> bytes:
    with body as raw:
        return b"".join(raw)


READERS: dict[str, Callable[[Any], bytes]] = {
    "read": lambda body: body.read(),
    "read none": lambda body: body.read(amt=None),
    "read pieces": _read_in_pieces,
    "readinto": _read_into,
    "readline": lambda body: b"".join(iter(body.readline, b"")),
    "readlines": lambda body: b"".join(body.readlines()),
    "for": b"".join,
    "next": lambda body: next(body) + b"".join(iter(lambda: body.read(100), b"")),
    "iter_chunks": lambda body: b"".join(body.iter_chunks(chunk_size=5)),
    "iter_lines": lambda body: b"".join(body.iter_lines(keepends=True)),
    "with": _read_within,
    "with stream": _stream_within,
    "with for": _iterate_within,
    "json.load": lambda body: json.dumps(json.load(body)).encode(),
    "text": lambda body: io.TextIOWrapper(body).read().encode(),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_body_is_read_by_any_of_its_methods_once(
    read: Callable[[Any], bytes], desk: Desk
) -> None:
    """Nothing is read before the application reads; what it reads is what was sent, and told."""
    desk.provider.enqueue(ANSWER)
    client = desk.make(CASES, "sync")
    body = client.invoke_model(modelId=MODEL, body=json.dumps(MESSAGE))["body"]
    assert isinstance(body, StreamingBody)
    assert body.tell() == 0
    assert not desk.spans()
    content = json.loads(read(body))
    assert content["content"][0]["text"] == ANSWER.text
    assert len(desk.provider.requests) == 1
    told = told_by(desk.spans)
    same_counts(told, ANSWER)
    assert told[semconv.RESPONSE_ID] == content["id"]


def test_a_body_that_nobody_reads_is_told_by_its_headers(desk: Desk) -> None:
    """The answer was made and is billed; the span ends when it was there, not when it is closed."""
    desk.provider.enqueue(CACHED)
    result = desk.make(CASES, "sync").invoke_model(modelId=MODEL, body=json.dumps(MESSAGE))
    result["body"].close()
    same_counts(told_by(desk.spans), CACHED)


def test_a_body_without_counts_is_estimated_from_the_texts(desk: Desk) -> None:
    """Neither vendor nor headers tell: the request's text is counted, not its JSON."""
    desk.provider.enqueue(Answer(text="one two three", usage=False))
    body = {"prompt": "word " * 50, "temperature": 0.5}
    invoke(desk.make(CASES, "sync"), "mistral.mistral-large-2402-v1:0", body)
    told = told_by(desk.spans)
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert 45 <= told[semconv.USAGE_INPUT_TOKENS] <= 70
    assert 2 <= told[semconv.USAGE_OUTPUT_TOKENS] <= 6


def test_the_span_of_an_answer_ends_before_it_is_read(desk: Desk) -> None:
    """An application may read a body much later: that is no latency of the model."""
    client = desk.make(CASES, "sync")
    body = client.invoke_model(modelId=MODEL, body=json.dumps(MESSAGE))["body"]
    between = time.time_ns()
    body.read()
    [span] = desk.spans()
    assert span.end_time is not None
    assert span.end_time <= between
