"""What a call reserves is above what it may cost: images, files and sounds, and all its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from google.genai import types as google
from ollama import Image, Message
from pydantic_ai import AudioUrl, BinaryContent, DocumentUrl, ImageUrl, VideoUrl
from tests.sdk.budgets.calls import answer, ask, cents

from spanledger import rates, semconv
from spanledger._budgets.settled_cost import settled_cost
from spanledger._budgets.upper_cost import (
    Given,
    input_tokens,
    kinds_made,
    opened,
    output_tokens,
    upper_cost,
)
from spanledger._calls.answer import Answer, JsonText, Usage
from spanledger.budgets import budget
from spanledger.errors import BudgetExceededError

URL = "https://example.com/what"
DATA = "data:image/png;base64,AAAA"
PDF = "JVBERi0" + "A" * 400_000


def given(content: Any, model: str = "gpt-4o", **kwargs: Any) -> Given:
    """Of one message with this content."""
    messages = [{"role": "user", "content": content}]
    return input_tokens(("messages", "tools"), {"messages": messages, **kwargs}, model)


def text(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", **fields}


_IMAGES: dict[str, Any] = {
    "openai chat, url": {"type": "image_url", "image_url": {"url": URL, "detail": "high"}},
    "openai chat, data": {"type": "image_url", "image_url": {"url": DATA}},
    "openai responses, url": {"type": "input_image", "image_url": URL},
    "openai responses, id": {"type": "input_image", "file_id": "file-1"},
    "openai responses, screenshot": {
        "type": "computer_call_output",
        "output": {"type": "computer_screenshot", "image_url": DATA},
    },
    "anthropic, url": {"type": "image", "source": {"type": "url", "url": URL}},
    "anthropic, data": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
    },
    "anthropic, id": {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
    "anthropic, of a tool": {
        "type": "tool_result",
        "content": [{"type": "image", "source": {"type": "url", "url": URL}}],
    },
    "google, data": {"inline_data": {"mime_type": "image/png", "data": "AAAA"}},
    "google, camel": {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
    "google, uri": {"file_data": {"mime_type": "image/png", "file_uri": "gs://x/y"}},
    "google, part": google.Part.from_bytes(data=b"x", mime_type="image/png"),
    "google, part of a uri": google.Part.from_uri(file_uri="gs://x/y", mime_type="image/png"),
    "google, file": google.File(name="files/1", uri=URL, mime_type="image/png"),
    "bedrock": {"image": {"format": "png", "source": {"bytes": b"x"}}},
    "bedrock, s3": {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://x/y"}}}},
    "mistral": {"type": "image_url", "image_url": URL},
    "langchain": {"type": "image", "url": URL},
    "langchain, id": {"type": "image", "file_id": "file-1"},
    "smolagents": {"type": "image", "image": "AAAA"},
    "mcp": {"type": "image", "data": "AAAA", "mimeType": "image/png"},
    "pydantic ai, url": ImageUrl(url=URL),
    "pydantic ai, data": BinaryContent(data=b"x", media_type="image/png"),
    "an object": SimpleNamespace(type="image_url", image_url=SimpleNamespace(url=URL)),
    "llama-index": SimpleNamespace(block_type="image", image=None, path=None, url=object()),
    "of a kind that is new": {"type": "image", "handle": 7},
}


@pytest.mark.parametrize("name", _IMAGES)
def test_an_image_counts_as_one_wherever_it_is(name: str) -> None:
    """By the type of its part or by its field, not by the length of its address."""
    found = given([_IMAGES[name], text({"text": "what is it?"})])
    assert found.tokens is not None
    assert (set(found.media), found.told) == ({"image"}, True)
    assert 1445 < found.tokens < 2300
    both = given([_IMAGES[name], _IMAGES[name]])
    assert both.media["image"] == 2 * found.media["image"]


def test_images_beside_the_text_of_a_message() -> None:
    """Ollama's, in messages and beside a prompt."""
    images = [Image(value="AAAA"), Image(value=b"x")]
    for message in (
        {"role": "user", "content": "what?", "images": ["AAAA", b"x"]},
        {"role": "user", "content": "what?", "images": images},
        Message(role="user", content="what?", images=images),
    ):
        found = input_tokens(("messages",), {"messages": [message]}, "llava")
        assert (found.media, found.told) == ({"image": 2 * 16_384}, True)
    found = input_tokens(("prompt",), {"prompt": "what?", "images": ["AAAA"]}, "llava")
    assert found.media == {"image": 16_384}


@pytest.mark.parametrize(
    ("model", "detail", "billed"),
    [
        ("gpt-4o-mini", "auto", 2833 + 8 * 5667),
        ("gpt-4o-mini", "low", 2833),
        ("gpt-4o", "high", 85 + 8 * 170),
        ("gpt-5-nano", "auto", 3779),
        ("o4-mini-2025-04-16", "auto", 2642),
        ("gpt-5.4", "original", 12_000),
        ("gpt-5.6", "", 36_000),
        ("gpt-6-astra", "high", 3000),
        ("claude-sonnet-4-5", "", 1568),
        ("anthropic.claude-opus-4-20250514-v1:0", "", 1568),
        ("claude-opus-4-8", "", 4784),
        ("claude-sonnet-5", "", 4784),
        ("gemini-2.5-pro", "", 16 * 258),
        ("gemini-3.1-pro", "", 2240),
        ("qwen2.5-vl-72b", "", 16_384),
    ],
)
def test_an_image_is_at_most_what_its_model_makes_of_it(
    model: str, detail: str, billed: int
) -> None:
    found = given([{"type": "image_url", "image_url": {"url": URL, "detail": detail}}], model)
    assert billed <= found.media["image"] < 1.2 * billed + 3000


_FILES: dict[str, tuple[Any, int]] = {
    "openai chat": ({"type": "file", "file": {"file_data": f"data:application/pdf,{PDF}"}}, 0),
    "openai responses": ({"type": "input_file", "filename": "a.pdf", "file_data": PDF}, 0),
    "anthropic": (
        {
            "type": "document",
            "title": "a",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
        },
        0,
    ),
    "google": (google.Part.from_bytes(data=b"x" * 300_000, mime_type="application/pdf"), 0),
    "google, file": (
        google.File(name="files/1", uri=URL, mime_type="application/pdf", size_bytes=300_000),
        0,
    ),
    "bedrock": (
        {"document": {"format": "pdf", "name": "a", "source": {"bytes": b"x" * 300_000}}},
        0,
    ),
    "langchain": ({"type": "file", "base64": PDF, "mime_type": "application/pdf"}, 0),
    "pydantic ai": (BinaryContent(data=b"x" * 300_000, media_type="application/pdf"), 0),
}


@pytest.mark.parametrize("name", _FILES)
def test_a_file_counts_by_its_size(name: str) -> None:
    found = given([_FILES[name][0]])
    assert (set(found.media), found.told) == ({"file"}, True)
    assert 150_000 < found.media["file"] < 175_000


_UNKNOWN: dict[str, tuple[str, Any]] = {
    "openai chat": ("file", {"type": "file", "file": {"file_id": "file-1"}}),
    "openai responses": ("file", {"type": "input_file", "file_id": "file-1"}),
    "openai responses, url": ("file", {"type": "input_file", "file_url": URL}),
    "anthropic, url": ("file", {"type": "document", "source": {"type": "url", "url": URL}}),
    "anthropic, id": ("file", {"type": "document", "source": {"type": "file", "file_id": "f"}}),
    "google": ("video", {"file_data": {"file_uri": URL, "mime_type": "video/mp4"}}),
    "google, part": ("audio", google.Part.from_uri(file_uri=URL, mime_type="audio/mp3")),
    "mistral": ("file", {"type": "document_url", "document_url": URL}),
    "bedrock": ("video", {"video": {"source": {"s3Location": {"uri": "s3://x/y"}}}}),
    "vllm": ("video", {"type": "video_url", "video_url": {"url": URL}}),
    "pydantic ai, file": ("file", DocumentUrl(url=URL)),
    "pydantic ai, video": ("video", VideoUrl(url=URL)),
    "pydantic ai, sound": ("audio", AudioUrl(url=URL)),
    "a sound that was said before": ("audio", {"role": "assistant", "audio": {"id": "audio_1"}}),
}


@pytest.mark.parametrize("name", _UNKNOWN)
def test_a_file_whose_size_nobody_tells_is_unknown(name: str) -> None:
    """As a model without rates is; the rest of the call is reserved all the same."""
    kind, part = _UNKNOWN[name]
    found = given([part])
    assert (set(found.media), found.told) == ({kind}, False)


def test_on_unknown_holds_for_files_of_unknown_size() -> None:
    asked: dict[str, Any] = {
        "messages": [{"role": "user", "content": [_UNKNOWN["openai responses"][1]]}]
    }
    with budget("0.10", mode="raise") as one:
        hold = ask(10, **asked)
        assert cents(one.state().reserved_usd) == 10
        with pytest.raises(BudgetExceededError):
            ask(1)
        assert hold is not None
        hold.settle(answer(5), None, "provider")
        assert (cents(one.state().spent_usd), one.state().unknown_calls) == (5, 0)
    strict = budget(1, on_unknown="raise")
    with strict, pytest.raises(BudgetExceededError, match="nobody can tell"):
        ask(1, **asked)


@pytest.mark.parametrize(
    "content",
    [
        "data: " + "word " * 4000,  # a text that begins as a data URL does
        [text({"text": "data:image/png;base64," + "A" * 20_000})],
        [{"type": "document", "source": {"type": "text", "data": "word " * 4000}}],
        [
            {
                "type": "document",
                "source": {"type": "content", "content": [text({"text": "word " * 4000})]},
            }
        ],
        [{"type": "document", "document": {"data": {"text": "word " * 4000}}}],
        [{"type": "tool_use", "input": {"image_url": URL, "file": {"data": "word " * 4000}}}],
    ],
)
def test_what_is_text_counts_as_text(content: Any) -> None:
    found = given(content)
    assert found.tokens is not None
    assert not found.media
    assert 10_000 < found.tokens < 11_000


@dataclass(slots=True)
class _Slotted:
    """A message without a mapping of its own."""

    role: str
    content: str


def test_what_is_in_an_object_without_a_mapping_counts() -> None:
    found = input_tokens(("messages",), {"messages": [_Slotted("user", "word " * 4000)]}, "gpt-4o")
    assert found.tokens is not None
    assert 10_000 < found.tokens < 11_000


def test_schemas_of_tools_are_text() -> None:
    schema = {"properties": {"image": {"type": "image", "url": "x"}, "file_id": {"type": "file"}}}
    tools = [{"type": "function", "function": {"name": "draw", "parameters": schema}}]
    assert not given("hi", tools=tools).media


# --- other modalities have other rates -----------------------------------------------------------
def most(model: str, kwargs: dict[str, Any], limit: int = 200) -> int:
    """Atto-USD that it may cost at most."""
    known = rates.shipped().of("", model)
    assert known is not None
    found = input_tokens(("messages",), kwargs, model)
    assert found.tokens is not None
    cost = upper_cost(
        known,
        semconv.OPERATION_CHAT,
        found.tokens,
        limit,
        cached=False,
        tier="",
        media=found.media,
        kinds=kinds_made(kwargs),
    )
    assert cost is not None
    return cost[0]


def paid(model: str, usage: Usage) -> int:
    known = rates.shipped().of("", model)
    cost = settled_cost(known, Answer(usage=usage))
    assert cost is not None
    return cost


def test_sounds_and_images_are_reserved_at_their_own_rates() -> None:
    """An answer that is sound, an image whatever the limit of the text, a sound that is read."""
    said = {"messages": [{"role": "user", "content": "sing"}], "modalities": ["text", "audio"]}
    sound = Usage(10, 200, parts={semconv.USAGE_AUDIO_OUTPUT_TOKENS: 180})
    assert most("gpt-4o-audio-preview", said) > paid("gpt-4o-audio-preview", sound)
    written = {**said, "modalities": ["text"]}
    assert most("gpt-4o-audio-preview", written) < most("gpt-4o-audio-preview", said) / 4

    drawn = {"messages": [{"role": "user", "content": "draw"}]}
    image = Usage(10, 1290, parts={semconv.USAGE_IMAGE_OUTPUT_TOKENS: 1290})
    assert most("gemini-2.5-flash-image", drawn) > paid("gemini-2.5-flash-image", image)
    config = google.GenerateContentConfig(response_modalities=["TEXT"])
    plain = most("gemini-2.5-flash-image", {**drawn, "config": config})
    assert plain < most("gemini-2.5-flash-image", drawn) / 50

    heard = [{"type": "input_audio", "input_audio": {"data": "A" * 400_000, "format": "mp3"}}]
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": heard}]}
    # 300,000 bytes at 8 kbit/s are 300 s, of 32 tokens each.
    listened = Usage(9700, 200, parts={semconv.USAGE_AUDIO_INPUT_TOKENS: 9600})
    for model in ("gpt-4o-audio-preview", "gemini-2.5-flash"):
        assert most(model, asked) > paid(model, listened)


# --- how many answers there are -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "kwargs", "expected"),
    [
        ({}, {"prompt": "a"}, 500),
        ({}, {"prompt": ["a"] * 50}, 50 * 500),
        ({}, {"prompt": [[1, 2], [3]]}, 2 * 500),
        ({}, {"prompt": [1, 2, 3]}, 500),
        ({}, {"prompt": "a", "best_of": 20}, 20 * 500),
        ({semconv.REQUEST_CHOICE_COUNT: 3}, {"prompt": ["a"] * 2, "best_of": 2}, 6 * 500),
        ({}, {"prompt": "a", "extra_body": {"max_tokens": 9000, "best_of": 2}}, 2 * 9000),
        ({}, {"prediction": {"type": "content", "content": "word " * 1000}}, 500 + 5018),
        ({semconv.REQUEST_MAX_TOKENS: -1}, {"prompt": "a"}, 4096),
        ({semconv.REQUEST_MAX_TOKENS: 0}, {"prompt": "a"}, 0),
    ],
)
def test_each_prompt_has_answers_of_its_own(
    asked: dict[str, Any], kwargs: dict[str, Any], expected: int
) -> None:
    """Also those that are made to choose the best from; a limit below 0 is none."""
    told = {semconv.REQUEST_MAX_TOKENS: 500, **asked}
    assert output_tokens(semconv.OPERATION_TEXT_COMPLETION, told, 4096, kwargs) == expected


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "word " * 4000}], "max_tokens": 9000},
        {"prompt": "word " * 4000, "max_gen_len": 9000},
        {"inputText": "word " * 4000, "textGenerationConfig": {"maxTokenCount": 9000}},
        {"messages": [{"text": "word " * 4000}], "inferenceConfig": {"maxTokens": 9000}},
    ],
)
def test_a_body_of_bedrock_is_read(body: dict[str, Any]) -> None:
    """Its text and its limit count, and its images are no text."""
    kwargs = opened({"body": JsonText(json.dumps(body)), "modelId": "x"})
    found = input_tokens(("body",), kwargs, "gpt-4o")
    assert found.tokens is not None
    assert 10_000 < found.tokens < 11_000
    assert output_tokens(semconv.OPERATION_CHAT, {}, 4096, kwargs) == 9000
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 100_000}}
    kwargs = opened({"body": JsonText(json.dumps({"messages": [{"content": [image]}]}))})
    assert input_tokens(("body",), kwargs, "claude-sonnet-4-5").media == {"image": 1568}


def test_a_request_that_cannot_be_read_is_unknown() -> None:
    """Also one that holds itself: nothing of it goes on as if it cost nothing."""
    around: list[Any] = []
    around.append(around)
    assert given(around).tokens is None
    assert given(part for part in ("a", "b")).tokens is None
