"""The ``openai`` client under the contract."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import openai
from tests.sdk.instrumentors.contract import (
    SECRET_ANSWER,
    SECRET_PROMPT,
    ClientCases,
    Mode,
    Operation,
    Shape,
)
from tests.support.contracts import Hole
from tests.support.routed import routed

from spanledger.instrumentors.openai import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer, Provider

MODEL = "gpt-4o"
MESSAGES: list[Any] = [{"role": "user", "content": SECRET_PROMPT}]
USAGE = {"stream_options": {"include_usage": True}}
ANSWER = Answer(
    text=SECRET_ANSWER,
    input_tokens=1000,
    output_tokens=70,
    cache_read_tokens=400,
    reasoning_tokens=20,
)
MADE = Answer(text=SECRET_ANSWER, input_tokens=50, output_tokens=900)
EMBEDDED = Answer(input_tokens=12, output_tokens=0)


def make(mode: Mode, provider: Provider, **options: Any) -> Any:
    """A client of the simulated provider."""
    kind = openai.OpenAI if mode == "sync" else openai.AsyncOpenAI
    http = openai.DefaultHttpxClient if mode == "sync" else openai.DefaultAsyncHttpxClient
    options.setdefault("http_client", http(verify=False))  # no certificates to load: plain HTTP
    return kind(base_url=provider.openai_url, api_key="made-up", **options)


def _chat(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return Operation(name, shape, call, ANSWER, f"chat {MODEL}")


def _newer(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    return dataclasses.replace(_chat(name, shape, call), in_oldest=False)


TEXT_MODEL = "gpt-3.5-turbo-instruct"
IMAGE_MODEL = "gpt-image-1.5"
HEARING_MODEL = "gpt-4o-transcribe"
SOUND = ("sound.mp3", b"ID3")


def _media(name: str, call: Callable[[Any], Any]) -> Operation:
    made = name.startswith("images")
    span_name = f"image_generation {IMAGE_MODEL}" if made else f"transcription {HEARING_MODEL}"
    shape = Shape.STREAM if name.endswith("stream") else Shape.WHOLE
    whole = shape is Shape.WHOLE
    return Operation(name, shape, call, MADE, span_name, in_oldest=whole)


OPERATIONS = (
    _chat(
        "chat",
        Shape.WHOLE,
        lambda c: c.chat.completions.create(model=MODEL, messages=MESSAGES, temperature=0.5),
    ),
    _chat(
        "chat, two choices",
        Shape.WHOLE,
        lambda c: c.chat.completions.create(model=MODEL, messages=MESSAGES, n=2),
    ),
    _newer(
        "chat parse",
        Shape.WHOLE,
        lambda c: c.chat.completions.parse(model=MODEL, messages=MESSAGES),
    ),
    _chat(
        "beta chat parse",
        Shape.WHOLE,
        lambda c: c.beta.chat.completions.parse(model=MODEL, messages=MESSAGES),
    ),
    _chat(
        "chat stream",
        Shape.STREAM,
        lambda c: c.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True, **USAGE),
    ),
    _chat(
        "chat stream, two choices",
        Shape.STREAM,
        lambda c: c.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True, n=2, **USAGE
        ),
    ),
    _newer(
        "chat helper",
        Shape.HELPER,
        lambda c: c.chat.completions.stream(model=MODEL, messages=MESSAGES, **USAGE),
    ),
    _chat(
        "chat raw",
        Shape.RAW,
        lambda c: c.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES),
    ),
    _chat(
        "chat raw stream",
        Shape.RAW_STREAM,
        lambda c: c.chat.completions.with_raw_response.create(
            model=MODEL, messages=MESSAGES, stream=True, **USAGE
        ),
    ),
    _chat(
        "chat open",
        Shape.OPEN,
        lambda c: c.chat.completions.with_streaming_response.create(model=MODEL, messages=MESSAGES),
    ),
    _newer(
        "responses",
        Shape.WHOLE,
        lambda c: c.responses.create(model=MODEL, input=SECRET_PROMPT),
    ),
    _newer(
        "responses parse",
        Shape.WHOLE,
        lambda c: c.responses.parse(model=MODEL, input=SECRET_PROMPT),
    ),
    _newer(
        "responses stream",
        Shape.STREAM,
        lambda c: c.responses.create(model=MODEL, input=SECRET_PROMPT, stream=True),
    ),
    _newer(
        "responses helper",
        Shape.HELPER,
        lambda c: c.responses.stream(model=MODEL, input=SECRET_PROMPT),
    ),
    _newer(
        "responses raw",
        Shape.RAW,
        lambda c: c.responses.with_raw_response.create(model=MODEL, input=SECRET_PROMPT),
    ),
    _newer(
        "responses open",
        Shape.OPEN,
        lambda c: c.responses.with_streaming_response.create(model=MODEL, input=SECRET_PROMPT),
    ),
    _newer(
        "responses raw stream",
        Shape.RAW_STREAM,
        lambda c: c.responses.with_raw_response.create(
            model=MODEL, input=SECRET_PROMPT, stream=True
        ),
    ),
    Operation(
        "embeddings",
        Shape.WHOLE,
        lambda c: c.embeddings.create(model="text-embedding-3-small", input=[SECRET_PROMPT]),
        EMBEDDED,
        "embeddings text-embedding-3-small",
    ),
    Operation(
        "completions",
        Shape.WHOLE,
        lambda c: c.completions.create(model=TEXT_MODEL, prompt=SECRET_PROMPT),
        ANSWER,
        f"text_completion {TEXT_MODEL}",
    ),
    Operation(
        "completions stream",
        Shape.STREAM,
        lambda c: c.completions.create(
            model=TEXT_MODEL, prompt=SECRET_PROMPT, stream=True, **USAGE
        ),
        ANSWER,
        f"text_completion {TEXT_MODEL}",
    ),
    _media("images", lambda c: c.images.generate(model=IMAGE_MODEL, prompt=SECRET_PROMPT)),
    _media(
        "images stream",
        lambda c: c.images.generate(model=IMAGE_MODEL, prompt=SECRET_PROMPT, stream=True),
    ),
    _media(
        "transcription", lambda c: c.audio.transcriptions.create(model=HEARING_MODEL, file=SOUND)
    ),
    _media(
        "transcription stream",
        lambda c: c.audio.transcriptions.create(model=HEARING_MODEL, file=SOUND, stream=True),
    ),
)

_MEDIA = ("images", "images stream", "transcription", "transcription stream")
CASES = ClientCases(
    instrumentor=INSTRUMENTOR,
    host="localhost",
    make=make,
    operations=OPERATIONS,
    holes=(
        Hole(
            "the_model_that_answered_is_told",
            "answers with images and transcripts do not name their model",
            ways=_MEDIA,
        ),
        Hole(
            "the_answers_id_is_told_of_a_broken_stream",
            "answers with images and transcripts have no id",
            ways=("images stream", "transcription stream"),
        ),
        Hole(
            "a_stream_left_early_ends_its_span_as_partial",
            "what was made of an image or heard so far cannot be counted: the usage is missing",
            ways=("images stream", "transcription stream"),
        ),
        Hole(
            "a_broken_stream_raises_and_keeps_what_was_seen",
            "what was made of an image or heard so far cannot be counted: the usage is missing",
            ways=("images stream", "transcription stream"),
        ),
    ),
)


# --- Azure ----------------------------------------------------------------------------------------
AZURE_HOST = "acme.openai.azure.com"
#: A name that the customer gave; the answer names the model behind it.
DEPLOYMENT = "support-chat"
SERVED_MODEL = "gpt-4o-2024-08-06"


def make_azure(mode: Mode, provider: Provider, **options: Any) -> Any:
    """Azure's client, whose address leads to the simulated provider."""
    kind: Any = openai.AzureOpenAI if mode == "sync" else openai.AsyncAzureOpenAI
    return kind(
        azure_endpoint=f"https://{AZURE_HOST}",
        api_key="made-up",
        api_version="2024-10-21",
        http_client=routed(mode, provider.url),
        **options,
    )


def _azure(name: str, shape: Shape, call: Callable[[Any], Any]) -> Operation:
    answer = dataclasses.replace(ANSWER, model=SERVED_MODEL)
    return Operation(name, shape, call, answer, f"chat {DEPLOYMENT}", answered_by=SERVED_MODEL)


AZURE_OPERATIONS = (
    _azure(
        "azure chat",
        Shape.WHOLE,
        lambda c: c.chat.completions.create(model=DEPLOYMENT, messages=MESSAGES),
    ),
    _azure(
        "azure chat stream",
        Shape.STREAM,
        lambda c: c.chat.completions.create(
            model=DEPLOYMENT, messages=MESSAGES, stream=True, **USAGE
        ),
    ),
)
FLAVOURS = (
    ClientCases(
        instrumentor=INSTRUMENTOR,
        make=make_azure,
        operations=AZURE_OPERATIONS,
        flavour="azure",
        provider="azure.ai.openai",
        host=AZURE_HOST,
    ),
)
