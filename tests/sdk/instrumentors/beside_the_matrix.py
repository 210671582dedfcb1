"""Patched methods that are no rows of the matrix: which test tries each, or why none does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: A method, or all that begins like it -> the file that tries it, and a word of that file.
BESIDE: Final[Mapping[str, tuple[str, str]]] = {
    "anthropic.resources.messages.batches.Batches.results": ("test_batches.py", "batches.results"),
    "anthropic.resources.beta.messages.batches.Batches.results": (
        "test_batches.py",
        "batches.results",
    ),
    "cohere.audio.transcriptions.client.TranscriptionsClient.create": (
        "test_cohere.py",
        "transcriptions.create",
    ),
    "cohere.base_client.BaseCohere.generate_stream": ("test_cohere.py", "generate_stream"),
    "cohere.raw_base_client.RawBaseCohere.generate_stream": ("test_cohere.py", "generate_stream"),
    "cohere.base_client.BaseCohere.rerank": ("test_cohere.py", ".rerank("),
    "cohere.raw_base_client.RawBaseCohere.rerank": ("test_cohere.py", "client.rerank("),
    "cohere.v2.client.V2Client.rerank": ("test_cohere.py", ".rerank("),
    "cohere.v2.raw_client.RawV2Client.rerank": ("test_cohere.py", "client.rerank("),
    "cohere.batches.client.BatchesClient.retrieve": ("test_result_files.py", "batches.retrieve"),
    "cohere.embed_jobs.client.EmbedJobsClient.get": ("test_result_files.py", "embed_jobs"),
    "google.genai.batches.Batches.get": ("test_batches.py", "batches.get"),
    "google.genai.files.Files.download": ("test_batches.py", "files.download"),
    "google.genai.models.Models.generate_images": ("test_media.py", "generate_images"),
    "google.genai.models.Models.edit_image": ("test_media.py", "edit_image"),
    "google.genai.models.Models.upscale_image": ("test_media.py", "upscale_image"),
    **{
        f"huggingface_hub.inference.{place}.InferenceClient.{task}": ("test_media.py", task)
        for place in ("_client", "_generated._async_client")
        for task in ("text_to_image", "text_to_speech", "automatic_speech_recognition")
    },
    "groq.resources.audio.*": ("test_media.py", "cases_groq"),
    "groq.resources.files.Files.content": ("test_result_files.py", "files.content"),
    "huggingface_hub.inference._client.InferenceClient.feature_extraction": (
        "test_huggingface_hub.py",
        "feature_extraction",
    ),
    "huggingface_hub.inference._generated._async_client.InferenceClient.feature_extraction": (
        "test_huggingface_hub.py",
        "feature_extraction",
    ),
    "litellm.afile_content": ("test_result_files.py", "file_content"),
    "litellm.file_content": ("test_result_files.py", "file_content"),
    "litellm.agenerate_content": ("test_litellm_surfaces.py", "agenerate_content"),
    "litellm.anthropic_interface.messages.acreate": (
        "test_litellm_surfaces.py",
        "messages.acreate",
    ),
    "litellm.anthropic_messages": ("test_litellm_surfaces.py", "litellm.anthropic_messages("),
    "litellm.aimage_generation": ("test_media.py", "image_generation"),
    "litellm.image_generation": ("test_media.py", "image_generation"),
    "litellm.arerank": ("test_litellm.py", ".rerank("),
    "litellm.rerank": ("test_litellm.py", ".rerank("),
    "litellm.aresponses": ("test_litellm.py", ".responses("),
    "litellm.responses": ("test_litellm.py", ".responses("),
    "litellm.aspeech": ("test_media.py", ".speech("),
    "litellm.speech": ("test_media.py", ".speech("),
    "litellm.atext_completion": ("test_litellm.py", "text_completion"),
    "litellm.text_completion": ("test_litellm.py", "text_completion"),
    "litellm.atranscription": ("test_media.py", ".transcription("),
    "litellm.transcription": ("test_media.py", ".transcription("),
    "mistralai.client.agents.Agents.complete": ("test_mistralai.py", "agents.complete"),
    "mistralai.client.agents.Agents.stream": ("test_mistralai.py", "agents.stream"),
    "mistralai.client.conversations.Conversations.append": (
        "test_conversations.py",
        "conversations.append",
    ),
    "mistralai.client.conversations.Conversations.restart": ("test_conversations.py", "restart"),
    "mistralai.client.files.Files.download": ("test_result_files.py", "files.download"),
    "mistralai.client.jobs.Jobs.get": ("test_result_files.py", "jobs.get"),
    "mistralai.client.ocr.Ocr.process": ("test_media.py", "ocr.process"),
    "mistralai.client.responses.Responses.create": ("test_conversations.py", "responses.create"),
    "mistralai.client.speech.Speech.complete": ("test_media.py", "speech.complete"),
    "mistralai.client.transcriptions.*": ("test_media.py", "transcriptions.complete"),
    "ollama.Client.embeddings": ("test_ollama.py", "embeddings("),
    "ollama.chat": ("test_ollama.py", "ollama.chat("),
    "ollama.Client.systemone": ("test_ollama.py", "systemone"),
    "openai.resources.audio.speech.Speech.create": ("test_openai_media.py", "speech.create"),
    "openai.resources.audio.translations.*": ("test_openai_media.py", "translations.create"),
    "openai.resources.files.Files.content": ("test_batches.py", "files.content"),
    "openai.resources.images.Images.create_variation": (
        "test_openai_media.py",
        "create_variation",
    ),
    "openai.resources.images.Images.edit": ("test_openai_media.py", "images.edit"),
    "openai.resources.moderations.*": ("test_openai_media.py", "moderations.create"),
    "openai.resources.responses.Responses.compact": ("test_compaction.py", "compact"),
    "openai.resources.responses.Responses.retrieve": ("test_hosted_tools.py", "responses.retrieve"),
    "together.resources.audio.*": ("test_media.py", "cases_together"),
    "together.resources.files.*": ("test_result_files.py", "files.content"),
    "together.resources.images.*": ("test_media.py", "images.generate"),
}

_SISTER: Final = "the same reading as its sister's, which is a row"
_PROXY: Final = "this version of LiteLLM needs its proxy's packages for it, which are not here"

#: A method, or all that begins like it -> why no test calls it.
UNTRIED: Final[Mapping[str, str]] = {
    "anthropic.lib.bedrock._beta_messages.Messages.parse": _SISTER,
    "anthropic.lib.bedrock._beta_messages.Messages.stream": _SISTER,
    "anthropic.lib.vertex._beta_messages.Messages.parse": _SISTER,
    "anthropic.lib.vertex._beta_messages.Messages.stream": _SISTER,
    "anthropic.resources.beta.messages.Messages.parse": _SISTER,
    "mistralai.client.conversations.Conversations.append_stream": _SISTER,
    "mistralai.client.conversations.Conversations.restart_stream": _SISTER,
    "google.genai.models.Models.generate_content_stream": (
        "asks by the private method of the same name, which is a row"
    ),
    "litellm.acompletion_with_retries": "only calls what is a row, again",
    "litellm.completion_with_retries": "only calls what is a row, again",
    "litellm.aresponses_with_retries": "only calls what is tried, again",
    "litellm.responses_with_retries": "only calls what is tried, again",
    "litellm.anthropic_interface.messages.create": "LiteLLM has it for other providers only",
    "litellm.anthropic_messages_handler": "LiteLLM has it for other providers only",
    "litellm.google_genai.*": _PROXY,
    "litellm.image_edit": "the same reading as of images.edit of openai",
    "litellm.aimage_edit": "the same reading as of images.edit of openai",
    "litellm.image_variation": "the same reading as of images.create_variation of openai",
    "litellm.aimage_variation": "the same reading as of images.create_variation of openai",
    "ollama.embed": "a method of the module's own client, which is a row",
    "ollama.embeddings": "a method of the module's own client, which is tried",
    "ollama.generate": "a method of the module's own client, which is a row",
    "ollama.systemone": "a method of the module's own client, which is tried",
    "openai.resources.beta.*": _SISTER,
}

DECLARED: Final = frozenset({*BESIDE, *UNTRIED})


def sister(name: str) -> str:
    """The synchronous method of the same name."""
    return name.replace(".Async", ".").removesuffix("_async")
