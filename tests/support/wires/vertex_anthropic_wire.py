"""Anthropic's messages behind Vertex AI's addresses: the path names the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from spanledger_collector.demo import anthropic_wire
from spanledger_collector.demo.provider import Route, Wire

_MODEL: Final = "/v1/projects/{project}/locations/{region}/publishers/anthropic/models/{model}"
_EVENTS: Final = anthropic_wire.message_events
ROUTES: Final[Mapping[str, Route]] = {
    f"{_MODEL}:rawPredict": Wire(anthropic_wire.message, error=anthropic_wire.error),
    f"{_MODEL}:streamRawPredict": Wire(None, _EVENTS, error=anthropic_wire.error),
}
