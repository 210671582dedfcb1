"""Images, audio and documents of other clients than OpenAI's, in the units they are billed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from google.genai import types
from tests.sdk.instrumentors import (
    cases_google_genai,
    cases_groq,
    cases_huggingface_hub,
    cases_litellm,
    cases_mistralai,
    cases_together,
)
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import ClientCases, Mode, read
from tests.support.wires.huggingface_wire import PREFIX
from tests.support.wires.openai_media_wire import HEARD_SECONDS, SPOKEN

from spanledger import semconv
from spanledger_collector.demo.provider import Answer

SOUND = ("sound.mp3", b"ID3")
PICTURE = ("picture.png", b"\x89PNG")
HEARD: dict[str, Any] = {"file": SOUND, "response_format": "verbose_json"}
RECORDING = {"file_name": "sound.mp3", "content": b"ID3"}
PDF: dict[str, Any] = {"type": "document_url", "document_url": "https://a.test/a.pdf"}
FORM: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {"name": "n", "schema": {"type": "object"}},
}
#: What Google says of the methods for pictures.
DEPRECATED = "ignore:The .* method is deprecated"
BOTH = pytest.mark.parametrize("mode", ["sync", "async"])
Units = dict[str, int | float]
Case = tuple[ClientCases, Callable[[Any], Any], str, str, Units]

GROQ: list[Case] = [
    (
        cases_groq.CASES,
        lambda c: c.audio.transcriptions.create(model="whisper-large-v3", **HEARD),
        "transcription whisper-large-v3",
        "provider",
        {"audio_seconds": 61},
    ),
    (
        cases_groq.CASES,
        lambda c: c.audio.translations.create(model="whisper-large-v3", **HEARD),
        "translation whisper-large-v3",
        "provider",
        {"audio_seconds": 61},
    ),
    (
        cases_groq.CASES,
        lambda c: c.audio.speech.create(model="canopylabs/orpheus", voice="v", input="five!"),
        "speech canopylabs/orpheus",
        "estimated",
        {"characters": 5},
    ),
]
TOGETHER: list[Case] = [
    (
        cases_together.CASES,
        lambda c: c.images.generate(model="flux", prompt="a", n=2, width=512, height=768),
        "image_generation flux",
        "estimated",
        {"images.standard.512x768": 2},
    ),
    (
        cases_together.CASES,
        lambda c: c.images.generate(model="flux", prompt="a"),
        "image_generation flux",
        "estimated",
        {"images.standard.1024x1024": 1},
    ),
    (
        cases_together.CASES,
        lambda c: c.audio.transcriptions.create(model="openai/whisper-large-v3", **HEARD),
        "transcription openai/whisper-large-v3",
        "provider",
        {"audio_seconds": 61},
    ),
    (
        cases_together.CASES,
        lambda c: c.audio.translations.create(model="openai/whisper-large-v3", **HEARD),
        "translation openai/whisper-large-v3",
        "provider",
        {"audio_seconds": 61},
    ),
    (
        cases_together.CASES,
        lambda c: c.audio.speech.create(model="cartesia/sonic", voice="v", input="five!"),
        "speech cartesia/sonic",
        "estimated",
        {"characters": 5},
    ),
]
MISTRAL: list[Case] = [
    (
        cases_mistralai.CASES,
        lambda c: c.ocr.process(model="mistral-ocr-latest", document=PDF),
        "ocr mistral-ocr-latest",
        "provider",
        {"pages": 61},
    ),
    (
        cases_mistralai.CASES,
        lambda c: c.ocr.process(
            model="mistral-ocr-latest", document=PDF, document_annotation_format=FORM
        ),
        "ocr mistral-ocr-latest",
        "provider",
        {"pages.annotated": 61},
    ),
    (
        cases_mistralai.CASES,
        lambda c: c.transcriptions.complete(model="voxtral-mini", file=RECORDING),
        "transcription voxtral-mini",
        "provider",
        {"audio_seconds": 61},
    ),
    (
        cases_mistralai.CASES,
        lambda c: c.speech.complete(model="voxtral-tts", input="five!"),
        "speech voxtral-tts",
        "estimated",
        {"characters": 5},
    ),
]
LITELLM: list[Case] = [
    (
        cases_litellm.CASES,
        lambda c: c.image_generation(
            prompt="a", model="openai/dall-e-3", quality="hd", size="1024x1792"
        ),
        "image_generation dall-e-3",
        "estimated",
        {"images.hd.1024x1792": 1},
    ),
    (
        cases_litellm.CASES,
        lambda c: c.transcription("openai/whisper-1", SOUND),
        "transcription whisper-1",
        "provider",
        {"audio_seconds": HEARD_SECONDS},
    ),
    (
        cases_litellm.CASES,
        lambda c: c.speech("openai/tts-1", "five!", voice="alloy"),
        "speech tts-1",
        "estimated",
        {"characters": 5},
    ),
]
CASES = [*GROQ, *TOGETHER, *MISTRAL, *LITELLM]


def _units(told: dict[str, Any]) -> Units:
    prefix = semconv.USAGE_UNITS_PREFIX
    return {key.removeprefix(prefix): told[key] for key in told if key.startswith(prefix)}


@BOTH
@pytest.mark.parametrize("case", CASES, ids=[f"{c[0].name}: {c[2]} {c[4]}" for c in CASES])
async def test_what_is_not_billed_by_tokens_is_told_in_its_unit(
    case: Case, mode: Mode, desk: Desk
) -> None:
    """Once, and marked where only the request says it."""
    cases, ask, name, source, units = case
    desk.provider.enqueue(Answer(input_tokens=61, output_tokens=0))
    asked = ask(desk.make(cases, mode))
    if mode == "async":
        await asked
    [span] = desk.spans()
    told = dict(span.attributes or {})
    assert span.name == name
    assert told[semconv.USAGE_SOURCE] == source
    assert told.get(semconv.USAGE_METHOD) == ("request" if source == "estimated" else None)
    assert _units(told) == units
    assert semconv.USAGE_INPUT_TOKENS not in told
    assert semconv.USAGE_PARTIAL not in told


@pytest.mark.parametrize(
    "cases", [cases_groq.CASES, cases_together.CASES], ids=["groq", "together"]
)
def test_a_transcript_without_a_length_is_missing(cases: ClientCases, desk: Desk) -> None:
    """Nobody can tell what it cost."""
    audio = desk.make(cases, "sync").audio
    audio.transcriptions.create(model="whisper-large-v3", file=SOUND)
    [span] = desk.spans()
    assert (span.attributes or {})[semconv.USAGE_SOURCE] == "missing"
    assert _units(dict(span.attributes or {})) == {}


def test_groq_bills_ten_seconds_at_least(desk: Desk) -> None:
    """Which no answer tells."""
    desk.provider.enqueue(Answer(input_tokens=3))
    audio = desk.make(cases_groq.CASES, "sync").audio
    audio.transcriptions.create(model="whisper-large-v3", **HEARD)
    [span] = desk.spans()
    told = dict(span.attributes or {})
    assert _units(told) == {"audio_seconds": 10}
    assert told[semconv.USAGE_SOURCE] == "estimated"


def test_speech_is_handed_on_as_it_comes(desk: Desk) -> None:
    """Bytes are bytes."""
    for cases in (cases_groq.CASES, cases_together.CASES):
        speech = desk.make(cases, "sync").audio.speech
        assert speech.create(model="tts", voice="v", input="five!").read() == SPOKEN


@BOTH
async def test_a_transcript_of_mistral_is_told_at_its_end(mode: Mode, desk: Desk) -> None:
    """And as missing where it is left before."""
    desk.provider.enqueue(*[Answer(text="a b c d e f", input_tokens=61)] * 2)
    transcriptions = desk.make(cases_mistralai.CASES, mode).transcriptions
    for limit in (None, 2):
        stream = transcriptions.stream(model="voxtral", file=RECORDING)
        stream = await stream if mode == "async" else stream
        await read(stream, mode, limit=limit)
        del stream
        for _ in range(10):  # the event loop finishes generators that were left
            await asyncio.sleep(0)
    whole, left = [dict(span.attributes or {}) for span in desk.spans()]
    assert _units(whole) == {"audio_seconds": 61}
    assert semconv.RESPONSE_TIME_TO_FIRST_CHUNK in whole
    assert left[semconv.USAGE_SOURCE] == "missing"
    assert left[semconv.USAGE_PARTIAL] is True


@BOTH
async def test_a_mocked_image_of_litellm_is_free(mode: Mode, desk: Desk) -> None:
    """No provider was asked."""
    client = desk.make(cases_litellm.CASES, mode)
    asked = client.image_generation(
        prompt="a", model="openai/dall-e-3", mock_response="https://a.test/a.png"
    )
    if mode == "async":
        await asked
    [span] = desk.spans()
    told = dict(span.attributes or {})
    assert told[semconv.USAGE_SOURCE] == "none"
    assert _units(told) == {}


@BOTH
@pytest.mark.filterwarnings(DEPRECATED)
async def test_pictures_of_vertex_ai_are_told_by_number(mode: Mode, desk: Desk) -> None:
    """The newest client asks nobody else for them; what was held back is not billed."""
    picture = types.Image(image_bytes=b"AAAA", mime_type="image/png")
    models = desk.make(cases_google_genai.CASES, mode, vertexai=True).models
    reference = types.RawReferenceImage(reference_id=1, reference_image=picture)
    made = models.generate_images(model="imagen-4", prompt="a cat")
    if mode == "async":
        await made
    edited = models.edit_image(model="imagen-3", prompt="a", reference_images=[reference])
    if mode == "async":
        await edited
    larger = models.upscale_image(model="imagen-3", image=picture, upscale_factor="x2")
    if mode == "async":
        await larger
    told = [dict(span.attributes or {}) for span in desk.spans()]
    assert [_units(one) for one in told] == [{"images": 2}] * 3
    assert [one[semconv.PROVIDER_NAME] for one in told] == ["gcp.vertex_ai"] * 3


@BOTH
@pytest.mark.filterwarnings("ignore:Use 'content=")  # how the client sends a recording
@pytest.mark.parametrize(
    ("task", "path", "units"),
    [
        ("text_to_image", "picture", {"images": 1}),
        ("text_to_speech", "sound", {"characters": 5}),
        ("automatic_speech_recognition", "heard", {"audio_seconds": 61}),
    ],
)
async def test_pictures_and_sound_of_hugging_face_are_told(
    task: str, path: str, units: Units, mode: Mode, desk: Desk
) -> None:
    """In what most of its providers bill."""
    desk.provider.enqueue(Answer(input_tokens=61))
    client = desk.make(cases_huggingface_hub.CASES, mode)
    model = f"{desk.provider.url}{PREFIX}/{path}"
    given: Any = b"ID3" if path == "heard" else "five!"
    more = {"extra_body": {"return_timestamps": True}} if path == "heard" else {}
    made = getattr(client, task)(given, model=model, **more)
    if mode == "async":
        made = await made
    assert made
    [span] = desk.spans()
    told = dict(span.attributes or {})
    assert _units(told) == units
    assert told[semconv.USAGE_SOURCE] == ("provider" if path == "heard" else "estimated")
