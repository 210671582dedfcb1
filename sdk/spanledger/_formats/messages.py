"""Messages: Anthropic's wire format, which is also spoken behind Bedrock's and Vertex's addresses.

Counts of this format exclude cached tokens from ``input_tokens``; they are added here, because the
conventions want all input in one number, and kept apart in the buckets. ``message_start`` carries
the input side, ``message_delta`` the cumulative output side. What the service spent on making the
conversation shorter (``compaction`` among the ``iterations``) is in none of its totals, and billed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, count, fields_of, present, text, whole


def usage_of(usage: Any) -> Usage:
    """The counts of a message's ``usage``, which may be missing."""
    if usage is None:
        return Usage()
    read = count(getattr(usage, "cache_read_input_tokens", None))
    written = count(getattr(usage, "cache_creation_input_tokens", None))
    # Versions of the client that do not know these hold them as plain mappings.
    by_ttl = fields_of(getattr(usage, "cache_creation", None))
    hour = min(written, count(by_ttl.get("ephemeral_1h_input_tokens")))
    details = fields_of(getattr(usage, "output_tokens_details", None))
    uncached = whole(getattr(usage, "input_tokens", None))
    return Usage(
        input_tokens=None if uncached is None else uncached + read + written,
        output_tokens=whole(getattr(usage, "output_tokens", None)),
        cache_read_tokens=read,
        cache_write_5m_tokens=written - hour,
        cache_write_1h_tokens=hour,
        reasoning_tokens=count(details.get("thinking_tokens")),
        units=_tool_units(usage),
    )


def _tool_units(usage: Any) -> Mapping[str, int] | None:
    """Requests of the provider's own tools, as far as the usage counts them."""
    tools = getattr(usage, "server_tool_use", None)
    if tools is None:
        return None
    used = fields_of(tools)
    return present({unit: count(used.get(field)) for field, unit in _COUNTED_TOOLS.items()})


#: Fields of ``server_tool_use``.
_COUNTED_TOOLS: Final = {
    "web_search_requests": semconv.UNIT_WEB_SEARCHES,
    "web_fetch_requests": semconv.UNIT_WEB_FETCHES,
}
#: Names of the tools that run code. The usage does not count them: the blocks that use them are.
_CODE_TOOLS: Final = frozenset(
    {"code_execution", "bash_code_execution", "text_editor_code_execution"}
)


def _add_code_runs(usage: Usage, tools: Iterable[str]) -> None:
    """Runs of code by the provider; beside a search or a fetch they cost nothing of their own."""
    runs = sum(name in _CODE_TOOLS for name in tools)
    if runs and not usage.units:
        usage.units = {semconv.UNIT_CODE_EXECUTIONS: runs}


def _tier(usage: Any) -> str:
    """The tier that sets the price; the fast mode is one, although it has a field of its own."""
    if getattr(usage, "speed", None) == "fast":
        return "fast"
    return text(getattr(usage, "service_tier", None))


def _region(usage: Any) -> str:
    """``us`` or ``global``; models that run in one place only say that they cannot tell."""
    told = text(getattr(usage, "inference_geo", None))
    return "" if told == "not_available" else told


def _add_compaction(total: Usage, usage: Any) -> None:
    """Add the iterations that the counts of the message leave out."""
    for iteration in getattr(usage, "iterations", None) or ():
        part = SimpleNamespace(**fields_of(iteration))
        if getattr(part, "type", None) != "compaction":
            continue
        spent = usage_of(part)
        if total.input_tokens is not None and spent.input_tokens is not None:
            total.input_tokens += spent.input_tokens
        if total.output_tokens is not None and spent.output_tokens is not None:
            total.output_tokens += spent.output_tokens
        total.cache_read_tokens += spent.cache_read_tokens
        total.cache_write_5m_tokens += spent.cache_write_5m_tokens
        total.cache_write_1h_tokens += spent.cache_write_1h_tokens


def answer_of(message: Any) -> Answer:
    """A whole message; its texts only where they have to be counted."""
    answer = _begun(message)
    _add_compaction(answer.usage, message.usage)
    return answer


def _begun(message: Any) -> Answer:
    usage = usage_of(message.usage)
    _add_code_runs(usage, _server_tools(message.content or ()))
    reason = text(message.stop_reason)
    return Answer(
        response_id=text(message.id),
        model=text(message.model),
        finish_reasons=(reason,) if reason else (),
        service_tier=_tier(message.usage),
        region=_region(message.usage),
        usage=usage,
        texts=content_texts(message) if usage.needs_texts else [],
    )


def _server_tools(blocks: Iterable[Any]) -> Iterator[str]:
    return (block.name for block in blocks if block.type == "server_tool_use")


def content_texts(message: Any) -> list[str]:
    """What the model wrote: text, thinking, and the tools it asks for."""
    texts: list[str] = []
    for block in message.content or ():
        texts += [text(getattr(block, name, None)) for name in ("text", "thinking", "name")]
        given = getattr(block, "input", None)
        if given is not None:
            texts.append(str(given))
    return [piece for piece in texts if piece]


class MessageReading:
    """A message read event by event."""

    __slots__ = ("_blocks", "_deltas", "_error", "_message", "_texts")

    def __init__(self, _kwargs: Mapping[str, Any]) -> None:
        self._message: Any = None
        self._deltas: list[Any] = []
        self._blocks: list[Any] = []
        self._texts: list[str] = []
        self._error = ""

    def chunk(self, event: Any, /) -> None:
        """Keep generated text, the opening message and the closing deltas."""
        kind = event.type
        if kind == "content_block_delta":
            delta = event.delta
            piece = getattr(delta, _DELTA_TEXT.get(delta.type, "text"), None)
            if piece:
                self._texts.append(piece)
        elif kind == "content_block_start":
            self._blocks.append(event.content_block)
            self._texts.append(text(getattr(event.content_block, "name", None)))
        elif kind == "message_start":
            self._message = event.message
        elif kind == "message_delta":
            self._deltas.append(event)
        elif kind == "error":
            self._error = text(getattr(event.error, "type", None)) or "error"

    def answer(self) -> Answer:
        """Whole once a ``message_delta`` gave the reason why the model stopped."""
        if self._message is None:
            return Answer(complete=False, error_code=self._error)
        answer = _begun(self._message)
        answer.usage.output_tokens = None
        answer.complete = False
        for event in self._deltas:
            self._apply(answer, event)
        _add_code_runs(answer.usage, _server_tools(self._blocks))
        _add_compaction(answer.usage, self._last_with_iterations())
        answer.texts = self._texts
        answer.error_code = self._error
        return answer

    def _last_with_iterations(self) -> Any:
        usages = (event.usage for event in (*reversed(self._deltas), self._message))
        return next((usage for usage in usages if getattr(usage, "iterations", None)), None)

    def _apply(self, answer: Answer, event: Any) -> None:
        reason = text(event.delta.stop_reason)
        if reason:
            answer.finish_reasons, answer.complete = (reason,), True
        usage, total = event.usage, answer.usage
        if usage is None:
            return
        total.output_tokens = whole(getattr(usage, "output_tokens", None))
        if getattr(usage, "input_tokens", None) is not None:
            self._raise_input(total, usage)
        details = fields_of(getattr(usage, "output_tokens_details", None))
        total.reasoning_tokens = count(details.get("thinking_tokens"))
        total.units = _tool_units(usage) or total.units  # cumulative, as the other counts

    def _raise_input(self, total: Usage, usage: Any) -> None:
        """Cumulative input counts of a delta replace those of the start (server tools add).

        What a delta leaves out stays as the start said, as in the client's own snapshot: there are
        servers whose deltas name the uncached input alone.
        """
        later = usage_of(_Cumulative(usage, total))
        named = getattr(usage, "cache_creation", None) is not None
        if not named and later.cache_write_5m_tokens >= total.cache_write_1h_tokens:
            # No time to live is named: the 1-hour share stays what the start said.
            later.cache_write_1h_tokens = total.cache_write_1h_tokens
            later.cache_write_5m_tokens -= total.cache_write_1h_tokens
        total.input_tokens = later.input_tokens
        total.cache_read_tokens = later.cache_read_tokens
        total.cache_write_5m_tokens = later.cache_write_5m_tokens
        total.cache_write_1h_tokens = later.cache_write_1h_tokens


class _Cumulative:
    """A delta's usage, with the start's cached counts where it has none."""

    def __init__(self, usage: Any, total: Usage) -> None:
        self._usage = usage
        self.cache_read_input_tokens = _told(usage, "cache_read_input_tokens")
        if self.cache_read_input_tokens is None:
            self.cache_read_input_tokens = total.cache_read_tokens
        self.cache_creation_input_tokens = _told(usage, "cache_creation_input_tokens")
        if self.cache_creation_input_tokens is None:
            written = total.cache_write_5m_tokens + total.cache_write_1h_tokens
            self.cache_creation_input_tokens = written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._usage, name, None)


def _told(usage: Any, name: str) -> int | None:
    return whole(getattr(usage, name, None))


#: Type of a delta -> its field with generated text.
_DELTA_TEXT: Final = {
    "text_delta": "text",
    "input_json_delta": "partial_json",
    "thinking_delta": "thinking",
    "signature_delta": "type_without_text",
    "citations_delta": "type_without_text",
}
