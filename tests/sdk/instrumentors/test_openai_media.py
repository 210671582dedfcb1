"""Images, audio and moderation of the ``openai`` client, where no tokens are billed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from tests.sdk.instrumentors import cases_openai
from tests.sdk.instrumentors.conftest import Desk, Spans
from tests.support.wires.openai_media_wire import HEARD_SECONDS, SPOKEN

from spanledger import semconv
from spanledger_collector.demo.provider import Answer

SOUND = ("sound.mp3", b"ID3")
PICTURE = ("picture.png", b"\x89PNG")
Call = Callable[[Any], Any]
DEPRECATED = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")

BY_UNITS: list[tuple[Call, str, str, dict[str, int | float]]] = [
    (
        lambda c: c.images.generate(
            model="dall-e-3", prompt="a", quality="hd", size="1024x1792", n=1
        ),
        "image_generation dall-e-3",
        "estimated",
        {"images.hd.1024x1792": 1},
    ),
    (
        lambda c: c.images.edit(model="dall-e-2", image=PICTURE, prompt="a", n=2, size="auto"),
        "image_generation dall-e-2",
        "estimated",
        {"images.standard.1024x1024": 2},
    ),
    (
        lambda c: c.images.create_variation(model="dall-e-2", image=PICTURE, size="256x256"),
        "image_generation dall-e-2",
        "estimated",
        {"images.standard.256x256": 1},
    ),
    (
        lambda c: c.audio.transcriptions.create(model="whisper-1", file=SOUND),
        "transcription whisper-1",
        "provider",
        {"audio_seconds": HEARD_SECONDS},
    ),
    (
        lambda c: c.audio.translations.create(
            model="whisper-1", file=SOUND, response_format="verbose_json"
        ),
        "translation whisper-1",
        "provider",
        {"audio_seconds": HEARD_SECONDS},
    ),
    (
        lambda c: c.audio.speech.create(model="tts-1", voice="alloy", input="five!"),
        "speech tts-1",
        "estimated",
        {"characters": 5},
    ),
    (
        lambda c: c.moderations.create(model="omni-moderation-latest", input="a"),
        "moderation omni-moderation-latest",
        "estimated",
        {"requests": 1},
    ),
]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("case", BY_UNITS, ids=[name for _, name, _, _ in BY_UNITS])
@DEPRECATED
async def test_what_is_not_billed_by_tokens_is_told_in_its_unit(
    case: tuple[Call, str, str, dict[str, int | float]], mode: Any, desk: Desk
) -> None:
    """What only the request says is marked as no word of the provider."""
    ask, name, source, units = case
    asked = ask(desk.make(cases_openai.CASES, mode))
    if mode == "async":
        await asked
    [span] = desk.spans()
    told = dict(span.attributes or {})
    assert span.name == name
    assert told[semconv.USAGE_SOURCE] == source
    assert told.get(semconv.USAGE_METHOD) == ("request" if source == "estimated" else None)
    prefix = semconv.USAGE_UNITS_PREFIX
    assert {key[len(prefix) :]: told[key] for key in told if key.startswith(prefix)} == units
    assert semconv.USAGE_INPUT_TOKENS not in told


def test_speech_is_handed_on_as_it_comes(desk: Desk) -> None:
    """Whole, and piece by piece."""
    speech = desk.make(cases_openai.CASES, "sync").audio.speech
    asked: dict[str, Any] = {"model": "tts-1", "voice": "alloy", "input": "five!"}
    assert speech.create(**asked).content == SPOKEN
    with speech.with_streaming_response.create(**asked) as response:
        assert b"".join(response.iter_bytes()) == SPOKEN
    assert [span.name for span in desk.spans()] == ["speech tts-1"] * 2


@DEPRECATED
def test_a_bare_text_of_what_was_heard_tells_no_usage(spans: Spans) -> None:
    """Neither its length nor tokens: nobody can tell what it cost."""
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, json={"text": "hm"}))
    http = httpx2.Client(transport=transport)
    client = openai.OpenAI(api_key="x", base_url="http://heard.test/v1", http_client=http)
    translations: Any = client.audio.translations  # deprecated
    translations.create(model="whisper-1", file=SOUND)
    [span] = spans()
    assert (span.attributes or {})[semconv.USAGE_SOURCE] == "missing"


def test_the_parts_of_an_image_are_told(desk: Desk) -> None:
    """An image made is priced apart from text made."""
    desk.provider.enqueue(Answer(input_tokens=100, output_tokens=4000))
    client = desk.make(cases_openai.CASES, "sync")
    client.images.edit(model="gpt-image-1.5", image=PICTURE, prompt="a")
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_IMAGE_INPUT_TOKENS] == 50
    assert told[semconv.USAGE_IMAGE_OUTPUT_TOKENS] == 4000
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 4000


@pytest.mark.parametrize("stream", [False, True])
def test_audio_in_a_chat_is_told_as_a_part_of_each_side(desk: Desk, *, stream: bool) -> None:
    """Heard and spoken, inside the totals."""
    desk.provider.enqueue(
        Answer(input_tokens=1000, output_tokens=70, audio_input_tokens=600, audio_output_tokens=50)
    )
    client = desk.make(cases_openai.CASES, "sync")
    options: dict[str, Any] = {"stream": True, **cases_openai.USAGE} if stream else {}
    list(
        client.chat.completions.create(
            model="gpt-audio",
            messages=cases_openai.MESSAGES,
            modalities=["text", "audio"],
            **options,
        )
    )
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_AUDIO_INPUT_TOKENS] == 600
    assert told[semconv.USAGE_AUDIO_OUTPUT_TOKENS] == 50
    assert told[semconv.USAGE_INPUT_TOKENS] == 1000
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 70
