"""Who bills: the provider's name from the host a client talks to.

Many providers speak OpenAI's wire format, so the client library does not tell who answers; its
``base_url`` does. Whose host is whose: :mod:`spanledger.hosts`.
"""

from __future__ import annotations

import functools
import os
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.facts import Attributes, Value
from spanledger.hosts import (
    OLLAMA,
    OLLAMA_PORT,
    PROVIDERS_VARIABLE,
    SELF_HOSTED,
    is_private,
    named_providers,
    provider_of_host,
)

_OPENAI: Final = "openai"
#: Ports of the two schemes, for addresses that do not name one.
_PORTS: Final = {"http": 80, "https": 443}


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
    """The provider behind a host; ``default`` (the client's own) when the host is not known.

    OpenAI's client is what servers of open models are called with: in one's own network it tells
    nothing of who bills.
    """
    named = _configured()
    for key in (f"{host}:{port}", host):
        if key in named:
            return named[key]
    if port == OLLAMA_PORT:
        return OLLAMA
    if default == _OPENAI and is_private(host):
        return SELF_HOSTED
    return provider_of_host(host) or default


@functools.cache
def _configured() -> dict[str, str]:
    return named_providers(os.environ.get(PROVIDERS_VARIABLE, ""))
