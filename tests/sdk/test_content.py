"""Content of messages in the conventions' form, and who asks for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from spanledger import semconv
from spanledger._calls.answer import Answer, JsonText
from spanledger._calls.api import Api
from spanledger._calls.capture import VARIABLE, Capture
from spanledger._calls.content import attributes
from spanledger._patches.registry import available

_CLIENTS = available()


def _told(client: str, answer: Answer, **kwargs: Any) -> dict[str, Any]:
    api = _CLIENTS[client].methods[0].api
    assert isinstance(api, Api)
    return {
        name: json.loads(str(value))
        for name, value in attributes(api, kwargs, None, answer).items()
    }


@pytest.mark.parametrize(
    ("value", "on"),
    [
        *((value, True) for value in ("true", "True", "SPAN_ONLY", " span_and_event ")),
        *((value, False) for value in ("", "false", "EVENT_ONLY", "NO_CONTENT", "yes please")),
    ],
)
def test_the_standard_variable_asks(monkeypatch: pytest.MonkeyPatch, value: str, on: bool) -> None:
    monkeypatch.setenv(VARIABLE, value)
    capture = Capture()
    assert not capture.on
    capture.read_environment()
    assert capture.on is on


def test_roles_tools_and_instructions() -> None:
    """A conversation with a tool, as the application gives it; no picture is taken."""
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    told = _told(
        "openai",
        Answer(texts=["It ", "rains."], finish_reasons=("stop",)),
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "See:"}, picture]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        ],
    )
    text = {"type": "text", "content": "See:"}
    asked = {"type": "tool_call", "id": "c1", "name": "find", "arguments": "{}"}
    answered = {"type": "tool_call_response", "id": "c1", "response": "rain"}
    assert told[semconv.INPUT_MESSAGES] == [
        {"role": "user", "parts": [text]},
        {"role": "assistant", "parts": [asked]},
        {"role": "tool", "parts": [answered]},
    ]
    said = {"type": "text", "content": "It rains."}
    assert told[semconv.OUTPUT_MESSAGES] == [
        {"role": "assistant", "parts": [said], "finish_reason": "stop"}
    ]


def test_instructions_stand_apart() -> None:
    told = _told("anthropic", Answer(), messages=JsonText('[{"content": "hi"}]'), system="Be kind.")
    assert told == {
        semconv.INPUT_MESSAGES: [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}],
        semconv.SYSTEM_INSTRUCTIONS: [{"type": "text", "content": "Be kind."}],
    }


def test_a_generator_is_left_to_the_client() -> None:
    messages = (one for one in [{"role": "user", "content": "hi"}])
    _told("openai", Answer(), messages=messages)
    assert next(messages)["content"] == "hi"
