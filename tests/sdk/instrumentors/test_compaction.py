"""Anthropic's compaction: tokens that the totals of a message leave out, and that are billed."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types.beta import BetaMessage, BetaRawMessageDeltaEvent, BetaRawMessageStartEvent

from spanledger._calls.answer import Answer, Usage
from spanledger._formats import messages

NONE_CACHED = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
TOTALS: dict[str, Any] = {"input_tokens": 1_000, "output_tokens": 200, **NONE_CACHED}
ITERATIONS: list[dict[str, Any]] = [
    {
        "type": "compaction",
        "input_tokens": 180_000,
        "output_tokens": 3_500,
        "cache_read_input_tokens": 20_000,
        "cache_creation_input_tokens": 5_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 2_000, "ephemeral_1h_input_tokens": 3_000},
    },
    {"type": "message", **TOTALS},
]
EXPECTED = Usage(
    input_tokens=206_000,
    output_tokens=3_700,
    cache_read_tokens=20_000,
    cache_write_5m_tokens=2_000,
    cache_write_1h_tokens=3_000,
)


def _message(usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-6",
        "content": [{"type": "text", "text": "short"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }


def _whole() -> Answer:
    message = _message({**TOTALS, "iterations": ITERATIONS})
    return messages.answer_of(BetaMessage.model_validate(message))


def _streamed() -> Answer:
    reading = messages.MessageReading({})
    opening = {"type": "message_start", "message": _message({**TOTALS, "output_tokens": 1})}
    closing = {
        "type": "message_delta",
        "context_management": None,
        "delta": {"stop_reason": "end_turn", "stop_sequence": None, "container": None},
        "usage": {**TOTALS, "iterations": ITERATIONS},
    }
    reading.chunk(BetaRawMessageStartEvent.model_validate(opening))
    reading.chunk(BetaRawMessageDeltaEvent.model_validate(closing))
    return reading.answer()


@pytest.mark.parametrize("read", [_whole, _streamed])
def test_tokens_of_compaction_are_in_the_buckets(read: Any) -> None:
    """Once, beside those of the message itself, cached ones by their kind."""
    answer = read()
    assert answer.usage == EXPECTED
    assert answer.complete
