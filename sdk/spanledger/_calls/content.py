"""What was asked and answered, as the conventions' JSON; only where it is asked for (``capture``).

Texts only, by role: of images, sounds and files nothing is taken, and what a stream said stands in
one text, the tools it asks for among it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from spanledger import semconv
from spanledger._calls.answer import Answer, JsonText, fields_of, strings
from spanledger._calls.api import Api
from spanledger._calls.capture import CAPTURE
from spanledger._calls.facts import Attributes
from spanledger._guard import guarded

__all__ = ["CAPTURE", "attributes"]

_OF_MESSAGES: Final = frozenset(
    {
        semconv.OPERATION_CHAT,
        semconv.OPERATION_GENERATE_CONTENT,
        semconv.OPERATION_TEXT_COMPLETION,
    }
)
#: Parameters that instruct the model, and the field that does so in a parameter with settings.
_INSTRUCTIONS: Final = frozenset({"system", "instructions"})
_INSTRUCTION: Final = "system_instruction"


@guarded(Attributes())
def attributes(
    api: Api, kwargs: Mapping[str, Any], kept: Sequence[object] | None, answer: Answer
) -> Attributes:
    """Attributes with the messages of one call.

    Args:
        api: of the call; embeddings and rankings have no messages.
        kwargs: the call's parameters.
        kept: those with the prompt as they were when it began, where they were kept.
        answer: with the texts that were generated.
    """
    if api.operation not in _OF_MESSAGES:
        return {}
    values = kept or [kwargs.get(name) for name in api.prompt]
    told = {semconv.INPUT_MESSAGES: _messages(values[0])}
    instructions = [_text(one) for one in _instructions(api.prompt, values)]
    if instructions:
        told[semconv.SYSTEM_INSTRUCTIONS] = instructions
    said = "".join(answer.texts)
    if said:
        reason = answer.finish_reasons[0] if answer.finish_reasons else ""
        message = {"role": "assistant", "parts": [_text(said)], "finish_reason": reason}
        told[semconv.OUTPUT_MESSAGES] = [message]
    return {name: json.dumps(value, ensure_ascii=False) for name, value in told.items() if value}


def _messages(value: object) -> list[dict[str, Any]]:
    plain = value.parsed() if isinstance(value, JsonText) else value
    listed = cast("Sequence[object]", plain) if isinstance(plain, list | tuple) else [plain]
    return [_message(one) for one in listed if one is not None]


def _message(value: object) -> dict[str, Any]:
    fields = fields_of(value)
    role = fields.get("role") or "user"
    calls = cast("Sequence[object]", fields.get("tool_calls") or ())
    parts = [_text(one) for one in strings(fields.get("content", fields.get("parts", value)))]
    if role == "tool":
        answered = "".join(part["content"] for part in parts)
        call = fields.get("tool_call_id")
        parts = [{"type": "tool_call_response", "id": call, "response": answered}]
    return {"role": str(getattr(role, "value", role)), "parts": [*parts, *map(_call, calls)]}


def _call(value: object) -> dict[str, Any]:
    fields = fields_of(value)
    function = fields_of(fields.get("function"))
    asked = {"name": function.get("name"), "arguments": function.get("arguments")}
    return {"type": "tool_call", "id": fields.get("id"), **asked}


def _text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


def _instructions(names: Sequence[str], values: Sequence[object]) -> list[str]:
    found: list[str] = []
    for name, value in zip(names, values, strict=False):
        told: object = value if name in _INSTRUCTIONS else _instruction_in(name, value)
        found += strings(told)
    return found


def _instruction_in(name: str, value: object) -> object:
    settings: Mapping[str, Any] = fields_of(value) if name == "config" else {}
    return settings.get(_INSTRUCTION)
