"""Tools that OpenAI runs itself: what a response tells of them, in the units they are billed in."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
import openai
import pytest
from tests.sdk.instrumentors.conftest import Spans

from spanledger import semconv

RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-5.4",
    "status": "completed",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10},
}
_numbers = itertools.count(1)


def _search(kind: str = "search") -> dict[str, Any]:
    action = {"type": kind, "query": "x", "url": "http://a.test"}
    return {"type": "web_search_call", "id": "ws", "status": "completed", "action": action}


def _code(container: str) -> dict[str, Any]:
    call = {"id": "ci", "status": "completed", "code": "1", "outputs": []}
    return {"type": "code_interpreter_call", "container_id": container, **call}


FILE_SEARCH = {"type": "file_search_call", "id": "fs", "status": "completed", "queries": ["a", "b"]}
PREVIEW = {"type": "web_search_preview_2025_03_11"}
SANDBOX = {"type": "code_interpreter", "container": {"type": "auto", "memory_limit": "4g"}}


def _told(spans: Spans, *bodies: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ask once for each of these answers; the units of every call."""
    answers = iter(bodies)
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, json=next(answers)))
    http = httpx2.Client(transport=transport)
    client = openai.OpenAI(api_key="x", base_url="http://tools.test/v1", http_client=http)
    for _ in bodies:
        client.responses.create(model="gpt-5.4", input="a")
    prefix = semconv.USAGE_UNITS_PREFIX
    return [
        {key[len(prefix) :]: value for key, value in told.items() if key.startswith(prefix)}
        for told in (dict(span.attributes or {}) for span in spans())
    ]


@pytest.mark.parametrize(
    ("output", "more", "units"),
    [
        ([], {}, {}),
        (
            [_search(), _search("open_page"), _search("find_in_page"), _search()],
            {},
            {"web_searches": 2},
        ),
        ([_search()], {"tools": [PREVIEW]}, {"web_searches.preview": 1}),
        # What the provider says it bills wins over what can be seen.
        (
            [_search(), _search()],
            {"tool_usage": {"web_search": {"num_requests": 1}}},
            {"web_searches": 1},
        ),
        ([_search()], {"tool_usage": {"web_search": {"num_requests": 0}}}, {}),
        # Another model made the image: its tokens are none of this one's.
        (
            [],
            {"tool_usage": {"image_gen": {"input_tokens": 40, "output_tokens": 4160}}},
            {"image_tool_tokens": 4200},
        ),
        ([FILE_SEARCH, FILE_SEARCH, _search()], {}, {"file_searches": 2, "web_searches": 1}),
    ],
)
def test_searches_are_told(
    output: Sequence[Mapping[str, Any]],
    more: Mapping[str, Any],
    units: Mapping[str, int],
    spans: Spans,
) -> None:
    """Opening a page that was found is no search."""
    assert _told(spans, {**RESPONSE, "output": output, **more}) == [units]


def test_a_sandbox_is_told_once(spans: Spans) -> None:
    """By the response that started it: others use it as long as it lives."""
    one, other = f"cntr_{next(_numbers)}", f"cntr_{next(_numbers)}"
    first = {**RESPONSE, "output": [_code(one), _code(one)]}
    second = {**RESPONSE, "id": "resp_2", "output": [_code(one), _code(other)], "tools": [SANDBOX]}
    third = {**RESPONSE, "id": "resp_3", "output": [_code(other)]}
    assert _told(spans, first, second, third) == [
        {"code_containers": 1},
        {"code_containers.4g": 1},
        {},
    ]


def test_a_background_response_is_told_when_it_is_there(spans: Spans) -> None:
    """Polled while it is made: nothing; polled twice after: the same id, told twice."""
    made = {**RESPONSE, "output": [_search()], "background": True}
    made["id"] = "resp_background"
    queued = {**made, "status": "queued", "output": [], "usage": None}
    answers = iter([queued, queued, {**queued, "status": "in_progress"}, made, made])
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, json=next(answers)))
    http = httpx2.Client(transport=transport)
    client = openai.OpenAI(api_key="x", base_url="http://tools.test/v1", http_client=http)
    client.responses.create(model="gpt-5.4", input="a", background=True)
    polls = [client.responses.retrieve("resp_background") for _ in range(4)]
    assert [poll.status for poll in polls] == ["queued", "in_progress", "completed", "completed"]
    asked, *fetched = [dict(span.attributes or {}) for span in spans()]
    assert asked[semconv.USAGE_SOURCE] == "missing"
    assert len(fetched) == 2
    for told in (asked, *fetched):
        assert told[semconv.RESPONSE_ID] == "resp_background"
        assert told[semconv.RESPONSE_DEFERRED] is True
    for told in fetched:
        assert told[semconv.USAGE_SOURCE] == "provider"
        assert told[semconv.USAGE_UNITS_PREFIX + semconv.UNIT_WEB_SEARCHES] == 1
        assert told[semconv.USAGE_INPUT_TOKENS] == 9


def test_a_stored_response_is_told_by_the_call_that_made_it_alone(spans: Spans) -> None:
    """Reading it again costs nothing."""
    transport = httpx2.MockTransport(
        lambda _request: httpx2.Response(200, json={**RESPONSE, "output": []})
    )
    http = httpx2.Client(transport=transport)
    client = openai.OpenAI(api_key="x", base_url="http://tools.test/v1", http_client=http)
    client.responses.retrieve("resp_1")
    assert spans() == []


@pytest.mark.parametrize(
    ("output", "source"), [([], "missing"), ([FILE_SEARCH], "estimated")], ids=["nothing", "some"]
)
def test_a_response_that_failed_and_left_nothing_has_no_bill(
    output: Sequence[Mapping[str, Any]], source: str, spans: Spans
) -> None:
    """As a failed request; of what was made before the failure the bill is estimated."""
    error = {"code": "server_error", "message": "x"}
    failed = {**RESPONSE, "status": "failed", "usage": None, "error": error, "output": output}
    _told(spans, failed)
    [span] = spans()
    told = span.attributes or {}
    assert told[semconv.ERROR_TYPE] == "server_error"
    assert told[semconv.USAGE_SOURCE] == source
