"""What only the ``groq`` client does: an answer and its request have an id each."""

from __future__ import annotations

import json
from typing import Any

import groq
import httpx
import pytest
from tests.sdk.instrumentors.cases_groq import ASKED, CASES
from tests.sdk.instrumentors.conftest import Desk, Spans

from spanledger import semconv


@pytest.mark.parametrize("stream", [False, True])
def test_both_ids_of_a_completion_are_told(desk: Desk, *, stream: bool) -> None:
    """So that whoever tells the other one is known to tell the same call."""
    made = desk.make(CASES, "sync").chat.completions.create(**ASKED, stream=stream)
    if stream:
        list(made)
    [span] = desk.spans()
    told = {name: str((span.attributes or {})[name]) for name in _IDS}
    number = told[semconv.RESPONSE_ID].rpartition("-")[2]
    assert told[semconv.RESPONSE_ID].startswith("chatcmpl-")
    assert told[semconv.RESPONSE_REQUEST_ID].startswith("req_")
    assert told[semconv.RESPONSE_REQUEST_ID].endswith(f"_{number}")


def _message(*tools: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": "x", "executed_tools": list(tools)}


def _body(**more: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    return {"id": "c", "created": 1, "model": "groq/compound", "usage": usage, **more}


_SEARCH = {"index": 0, "type": "search", "arguments": "{}"}
_PYTHON = {"index": 1, "type": "python", "arguments": "{}"}


@pytest.mark.parametrize("stream", [False, True])
def test_tools_that_groq_runs_are_told_once(spans: Spans, *, stream: bool) -> None:
    """A stream tells each when it begins and when it ends."""
    whole = {
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": _message(_SEARCH, _PYTHON)}],
    }
    chunk: dict[str, Any] = {"object": "chat.completion.chunk"}
    found = {**_SEARCH, "output": "found"}
    chunks = [
        _body(**chunk, choices=[{"index": 0, "delta": _message(*tools), "finish_reason": end}])
        for tools, end in (((_SEARCH,), None), ((found, _PYTHON), None), ((), "stop"))
    ]
    events = "".join(f"data: {json.dumps(one)}\n\n" for one in chunks) + "data: [DONE]\n\n"
    http = httpx.Client(
        transport=httpx.MockTransport(
            lambda _request: (
                httpx.Response(200, text=events, headers={"content-type": "text/event-stream"})
                if stream
                else httpx.Response(200, json=_body(**whole))
            )
        )
    )
    client = groq.Groq(api_key="x", base_url="http://tools.test", http_client=http)
    made = client.chat.completions.create(**ASKED, stream=stream)
    if stream:
        list(made)
    [span] = spans()
    prefix = semconv.USAGE_UNITS_PREFIX
    told = {name: value for name, value in (span.attributes or {}).items() if prefix in name}
    assert told == {f"{prefix}web_searches": 1, f"{prefix}code_executions": 1}


_IDS = (semconv.RESPONSE_ID, semconv.RESPONSE_REQUEST_ID)
