"""Who bills: the provider's name from the host a client talks to.

Many providers speak OpenAI's wire format, so the client library does not tell who answers; its
``base_url`` does. Names are those of the OpenTelemetry GenAI conventions where they have one.
"""

from __future__ import annotations

import functools
import os
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from spanledger import semconv
from spanledger._facts import Attributes, Value

#: ``host=provider`` or ``host:port=provider``, comma separated: names of your own gateways and
#: servers, for example ``localhost:8000=vllm,llm.corp.example=openai``. Wins over the table.
PROVIDERS_VARIABLE: Final = "SPANLEDGER_PROVIDERS"

#: Ports of the two schemes, for addresses that do not name one.
_PORTS: Final = {"http": 80, "https": 443}
#: Ollama's own port; other servers of open models share 8000 and 8080 with everybody.
_OLLAMA_PORT: Final = 11434

#: Ending of the host name -> provider.
_SUFFIXES: Final = (
    ("api.openai.com", "openai"),
    (".openai.azure.com", "azure.ai.openai"),
    (".cognitiveservices.azure.com", "azure.ai.openai"),
    (".services.ai.azure.com", "azure.ai.inference"),
    ("api.anthropic.com", "anthropic"),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
    ("openrouter.ai", "openrouter"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("api.x.ai", "x_ai"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.fireworks.ai", "fireworks"),
    ("api.cerebras.ai", "cerebras"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    (".amazonaws.com", "aws.bedrock"),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL taken apart, for clients that keep theirs as a text."""

    scheme: str
    host: str
    port: int | None


@functools.lru_cache(maxsize=256)
def endpoint(url: str) -> Endpoint:
    """The parts of a URL."""
    parts = urllib.parse.urlsplit(url)
    return Endpoint(parts.scheme, parts.hostname or "", parts.port)


def server_attributes(url: Any, default: str) -> Attributes:
    """Provider, address and port from a URL object of the HTTP library (or anything else)."""
    host = getattr(url, "host", None)
    if not host or not isinstance(host, str):
        return {semconv.PROVIDER_NAME: default}
    port = getattr(url, "port", None) or _PORTS.get(getattr(url, "scheme", ""), 0)
    return {
        semconv.PROVIDER_NAME: provider_of(host, port, default),
        semconv.SERVER_ADDRESS: host,
        semconv.SERVER_PORT: port,
    }


#: Addresses of the clients' own URL objects, which do not change: by identity, with the object.
_known: Final[dict[tuple[int, str], tuple[object, Attributes]]] = {}
_MAX_KNOWN: Final = 256


def client_attributes(url: object, default: str) -> Mapping[str, Value]:
    """The same for the URL object that a client keeps, worked out once. Read only."""
    key = (id(url), default)
    known = _known.get(key)
    if known is None or known[0] is not url:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        known = _known[key] = (url, server_attributes(url, default))
    return known[1]


@functools.lru_cache(maxsize=256)
def provider_of(host: str, port: int | None, default: str) -> str:
    """The provider behind a host; ``default`` (the client's own) when the host is not known."""
    named = _configured()
    for key in (f"{host}:{port}", host):
        if key in named:
            return named[key]
    if port == _OLLAMA_PORT:
        return "ollama"
    for suffix, provider in _SUFFIXES:
        if host == suffix.lstrip(".") or host.endswith(suffix):
            return provider
    return default


@functools.cache
def _configured() -> dict[str, str]:
    entries = os.environ.get(PROVIDERS_VARIABLE, "").split(",")
    pairs = (entry.strip().rpartition("=") for entry in entries)
    return {host: provider for host, separator, provider in pairs if separator}
