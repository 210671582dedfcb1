"""What the simulated provider is told to answer: scripted answers and the requests it saw.

An :class:`Answer` is independent of the wire format: the same answer can be given to a chat
completion, a response, a message or an embeddings request. Counts left ``None`` are made up from
the lengths of the texts (four characters a token), so that an unscripted provider is plausible and
deterministic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

#: Marks every answer: OpenAI's ``system_fingerprint`` and the header ``x-simulated``.
MARKER: Final = "simulated"
DEFAULT_TEXT: Final = (
    "This answer is simulated: no language model was asked, and nothing was billed by anybody."
)
CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the simulated model asks the application to call.

    ``arguments`` is sent as JSON, ``id`` is made up from the request's number when empty.
    """

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict[str, object])
    id: str = ""

    def arguments_json(self) -> str:
        """The arguments as the wire carries them."""
        return json.dumps(dict(self.arguments), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one HTTP request.

    ``input_tokens`` counts **all** input, cached tokens included; the Anthropic wire format
    subtracts the cached ones itself, as the real service does.
    """

    text: str = DEFAULT_TEXT
    tool_calls: tuple[ToolCall, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    #: Inside ``output_tokens``.
    reasoning_tokens: int = 0
    #: Inside ``input_tokens`` and ``output_tokens``.
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    web_search_requests: int = 0
    #: Empty: the provider's word for a normal end, or for "wants tools" when there are tool calls.
    finish_reason: str = ""
    #: Empty: the model that was asked for.
    model: str = ""
    service_tier: str = ""
    #: Not 200: an error body in the provider's format.
    status: int = 200
    error_message: str = "simulated failure"
    retry_after_seconds: float | None = None
    #: ``None``: as asked for by ``stream_options.include_usage`` (always, where there is no such
    #: option). ``False``: never; ``True``: always.
    usage: bool | None = None
    #: Pieces the text is cut into when streamed; 0: one piece a word.
    chunks: int = 0
    #: Before the status line is sent.
    delay_seconds: float = 0.0
    #: Before each piece of a stream.
    chunk_delay_seconds: float = 0.0
    #: Cut the connection after this many server-sent events.
    break_after_events: int | None = None
    #: Accept the request and never answer (until the client or the provider goes away).
    hang: bool = False

    def pieces(self) -> list[str]:
        """The text cut into the pieces of a stream; joining them gives the text."""
        if not self.chunks:
            words = self.text.split(" ")
            return [word if index == 0 else f" {word}" for index, word in enumerate(words)]
        step = max(1, -(-len(self.text) // self.chunks))
        cuts = [self.text[start : start + step] for start in range(0, len(self.text), step)]
        return cuts + [""] * (self.chunks - len(cuts))


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as the provider saw it. ``number`` counts from 1.

    ``named`` is what the path says by its parts, for example the model; ``series`` is the
    provider's own: a ledger takes answers with one id for one answer.
    """

    number: int
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    named: Mapping[str, str] = field(default_factory=dict[str, str])
    series: str = ""

    @property
    def serial(self) -> str:
        """For ids: no two requests of any providers share one."""
        return f"{self.series}{self.number:06d}"

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.body.get("model") or self.named.get("model", ""))

    @property
    def streaming(self) -> bool:
        """Whether the client asked for server-sent events; fields of an upload are texts."""
        return self.body.get("stream") not in (None, False, "false")


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one answer, with everything made up that the script left open."""

    #: All input, cached included.
    input_tokens: int
    output_tokens: int


def usage_of(request: Request, answer: Answer) -> Usage:
    """The counts to report for this answer to this request."""
    given = answer.input_tokens
    input_tokens = _tokens(_texts(request.body)) if given is None else given
    made = [answer.text, *(call.name + call.arguments_json() for call in answer.tool_calls)]
    output_tokens = _tokens(made) if answer.output_tokens is None else answer.output_tokens
    return Usage(input_tokens, output_tokens)


def _tokens(texts: list[str]) -> int:
    return max(1, -(-sum(map(len, texts)) // CHARACTERS_PER_TOKEN))


def _texts(value: object, key: str = "") -> list[str]:
    if isinstance(value, str):
        return [] if key in {"model", "role", "type", "id"} else [value]
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value).items()
        return [text for name, inner in pairs for text in _texts(inner, name)]
    if isinstance(value, list):
        return [text for inner in cast("list[object]", value) for text in _texts(inner, key)]
    return []
