"""A client of ``openai`` whose every answer is given before."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
from tests.sdk.instrumentors.cases_openai import MODEL

COMPLETION: dict[str, Any] = {
    "id": "odd-1",
    "object": "chat.completion",
    "created": 1,
    "model": MODEL,
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "so"}}
    ],
}


def canned_client(body: dict[str, Any]) -> openai.OpenAI:
    """The real client on a transport that always answers this."""
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, json=body))
    http = httpx2.Client(transport=transport)
    return openai.OpenAI(api_key="x", base_url="http://gateway.test/v1", http_client=http)
