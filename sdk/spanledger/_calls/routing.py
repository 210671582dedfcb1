"""Models as routers name them: ``provider/model``, told as the provider and its own model.

The names of providers are LiteLLM's and the frameworks'; those on spans are the OpenTelemetry
conventions' where they have one.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Final

from spanledger._calls.answer import text

#: A router's or framework's name -> the name on spans, where that is another one.
_NAMES: Final = {
    "azure": "azure.ai.openai",
    "azure_text": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "sagemaker": "aws.sagemaker",
    "sagemaker_chat": "aws.sagemaker",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "codestral": "mistral_ai",
    "text-completion-codestral": "mistral_ai",
    "text-completion-openai": "openai",
    "custom_openai": "openai",
    "anthropic_text": "anthropic",
    "cohere_chat": "cohere",
    "together_ai": "together",
    "xai": "x_ai",
    "fireworks_ai": "fireworks",
    "watsonx": "ibm.watsonx.ai",
    "watsonx_text": "ibm.watsonx.ai",
    "ollama_chat": "ollama",
    "hosted_vllm": "vllm",
    # Frameworks'.
    "google-vertex": "gcp.vertex_ai",
    "google-cloud": "gcp.vertex_ai",
    "google_vertexai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "vertex": "gcp.vertex_ai",
    "google-gla": "gcp.gemini",
    "google": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "amazon_bedrock": "aws.bedrock",
    "azure_openai": "azure.ai.openai",
    "azure_inference": "azure.ai.inference",
    "mistralai": "mistral_ai",
    "grok": "x_ai",
    "ibm": "ibm.watsonx.ai",
}


def provider_named(name: str) -> str:
    """A provider's name on spans, by what a router or a framework calls it."""
    return _NAMES.get(name, name)


def split_model(model: str, provider: str) -> tuple[str, str]:
    """The provider's own model, and the provider's name for spans.

    Args:
        model: as the application names it, ``groq/llama-3.3-70b`` or ``gpt-4o``.
        provider: LiteLLM's name, where the application gave it.

    Returns:
        An empty provider where nothing tells.
    """
    head, slash, rest = model.partition("/")
    if not provider and slash and head in _providers():
        provider = head
    if slash and head == provider:
        model = rest
    elif not provider:
        provider = _provider_of(model)
    return model, provider_named(provider)


def own_model(model: str, provider: str) -> str:
    """The model of an answer without the provider in front (LiteLLM's name of it)."""
    return model.removeprefix(f"{provider}/") if provider else model


def _providers() -> frozenset[str]:
    listed: list[Any] = getattr(sys.modules.get("litellm"), "provider_list", [])
    return _named(len(listed))  # applications append providers of their own


@functools.lru_cache(maxsize=8)
def _named(_length: int) -> frozenset[str]:
    listed: list[Any] = getattr(sys.modules.get("litellm"), "provider_list", [])
    return frozenset(str(getattr(one, "value", one)) for one in listed)


def _provider_of(model: str) -> str:
    """What LiteLLM itself knows of this model. Asked only for models it has in its list."""
    litellm: Any = sys.modules.get("litellm")
    if model not in getattr(litellm, "model_cost", ()):
        return ""
    return text(litellm.get_llm_provider(model=model)[1])
