"""Whether two model calls ask the same question: a keyed hash of the question, never its text.

In it: the kind of operation, every text of the prompt (messages, instructions, documents, input),
the state the prompt continues (``previous_response_id`` and its like), the names of the tools, and
what shape of answer is asked for. Not in it: the model, the client, sampling parameters, output
limits, and whether the answer is streamed; the same question put to a fallback model or with
another temperature is still the same question. A seed is in it: who gives another one wants another
sample, as votes over several answers do. Whether asking it again is rework depends on the
model and on the state (``repeats``).

The key is drawn once a process and never leaves it, nor does the hash: services cannot compare
questions, and nobody can look a text up. Texts are hashed by the interpreter, which keeps the hash
in the string, so the growing conversation of an agent costs its new messages only. What cannot be
read without changing it (a generator), or cannot be read at all, makes the question unknown, and an
unknown question is like no other.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import secrets
import struct
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final, cast

#: A longer text or blob is told by its length and its two ends of this many characters together.
_WHOLE_CHARACTERS: Final = 1 << 20
#: A longer list is told by its length, its first items, and these many last ones.
_FIRST_ITEMS: Final = 16
_LAST_ITEMS: Final = 112
#: Pieces of one question; what comes after them is not looked at. The newest messages come first.
_MAX_PIECES: Final = 2048

#: What a prompt continues, and what shape of answer is asked for.
_BESIDE_THE_PROMPT: Final = (
    "previous_response_id",
    "conversation",
    "conversation_id",
    "session_id",
    "context",
    "tool_choice",
    "response_format",
    "text_format",
    "output_format",
    "output_config",
    "text",
    "suffix",
    # Another one asks for another sample of the same distribution, on purpose.
    "seed",
    "random_seed",
)
#: Names of a state that moves on with each answer, wherever it is kept.
_MOVING: Final = ("conversation", "conversation_id", "session_id")
#: Told by their names: their schemas are large, and the same from call to call.
_TOOLS: Final = frozenset({"tools", "functions"})
#: Around the fields of a mapping. What is no text is in a tuple, so that no text is equal to it.
_OPEN: Final = ("{",)
_CLOSE: Final = ("}",)
_PLAIN: Final = frozenset({int, float, bool})
#: Classes of the clients' markers for "not given".
_MARKERS: Final = frozenset({"NotGiven", "Omit", "Unset", "ellipsis"})

_key: Final = secrets.token_bytes(32)


class _UnreadableError(Exception):
    """The question holds something that cannot be read without changing it."""


def fingerprint(operation: str, prompt: tuple[str, ...], kwargs: Mapping[str, Any]) -> bytes | None:
    """The question of a call.

    Args:
        operation: Kind of call.
        prompt: Names of the parameters that hold the prompt.
        kwargs: The call's parameters; nothing in them is changed, copied or consumed.

    Returns:
        16 bytes; None for a call without a prompt, or with one that cannot be read.
    """
    pieces: list[Hashable] = []
    try:
        for name in prompt:
            value = kwargs.get(name)
            if value is None or _is_marker(value):
                continue
            pieces.append(name)
            if name in _TOOLS:
                pieces += _tool_names(value)
            else:
                _read(value, pieces)
        if not pieces:
            return None
        for name in _BESIDE_THE_PROMPT:
            value = kwargs.get(name)
            if value is not None and name not in prompt and not _is_marker(value):
                pieces.append(name)
                _read(value, pieces)
    except _UnreadableError:
        return None
    pieces.append(operation)
    digits = struct.pack(f"{len(pieces)}q", *map(hash, pieces))
    return hashlib.blake2b(digits, digest_size=16, key=_key).digest()


def moves_on(kwargs: Mapping[str, Any]) -> bool:
    """Whether the prompt continues a state that the last answer has changed.

    Asked again, the same words ("continue") are another question there.
    """
    values = (kwargs.get(name) for name in _MOVING)
    return any(value is not None and not _is_marker(value) for value in values)


def _read(value: Any, pieces: list[Hashable]) -> None:
    """Add what the value says. A text is added itself, so that its kept hash is used."""
    kind = cast("type[object]", type(value))
    if kind is str:
        if len(value) <= _WHOLE_CHARACTERS:
            pieces.append(value)
        else:
            _read_ends(value, pieces)
    elif len(pieces) > _MAX_PIECES:
        return
    elif kind is dict:
        _read_fields(value, pieces)
    elif kind is list or kind is tuple:
        _read_items(value, pieces)
    elif kind in _PLAIN or value is None:
        pieces.append((value,))
    else:
        _read_other(value, pieces)


def _read_fields(fields: Mapping[Any, Any], pieces: list[Hashable]) -> None:
    pieces.append(_OPEN)
    for name, value in fields.items():
        if type(value) is str and len(value) <= _WHOLE_CHARACTERS:  # nearly always
            pieces += (name, value)
        elif value is not None:
            pieces.append(name)
            _read(value, pieces)
    pieces.append(_CLOSE)


def _read_items(items: list[Any] | tuple[Any, ...], pieces: list[Hashable]) -> None:
    """The newest first: where the pieces run out, the end of a conversation matters most."""
    size = len(items)
    if size > _FIRST_ITEMS + _LAST_ITEMS:
        items = [*items[:_FIRST_ITEMS], *items[-_LAST_ITEMS:]]
    for item in reversed(items):
        _read(item, pieces)
    pieces.append(("]", size))


def _read_ends(value: Any, pieces: list[Hashable]) -> None:
    half = _WHOLE_CHARACTERS // 2
    pieces += (("...", len(value)), value[:half], value[-half:])


def _read_other(value: Any, pieces: list[Hashable]) -> None:
    if isinstance(value, str):
        _read(str.__str__(value), pieces)
    elif isinstance(value, bytes | bytearray):
        data = bytes(value)
        if len(data) <= _WHOLE_CHARACTERS:
            pieces.append(("bytes", data))
        else:
            _read_ends(data, pieces)
    elif isinstance(value, type):
        pieces.append(f"{value.__module__}.{value.__qualname__}")
    elif isinstance(value, enum.Enum):
        _read(value.value, pieces)
    elif isinstance(value, list | tuple):
        _read_items(cast("list[Any]", value), pieces)
    else:
        _read_fields(_fields(value), pieces)


def _fields(value: object) -> Mapping[Any, Any]:
    """The fields of a mapping, a client's model or a dataclass."""
    if isinstance(value, Mapping):
        return cast("Mapping[Any, Any]", value)
    if hasattr(value, "model_dump") and hasattr(value, "__dict__"):
        return vars(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise _UnreadableError


def _is_marker(value: object) -> bool:
    return type(value).__name__ in _MARKERS


def _tool_names(tools: object) -> Iterable[Hashable]:
    if not isinstance(tools, list | tuple):
        raise _UnreadableError
    items = cast("list[object]", tools)
    return [len(items), *(_tool_name(tool) for tool in items[:_MAX_PIECES])]


def _tool_name(tool: object) -> str:
    """The name a tool goes by: its own, that of the function in it, or that of its kind."""
    if not isinstance(tool, Mapping):
        return str(getattr(tool, "name", None) or getattr(tool, "__name__", type(tool).__name__))
    fields = cast("Mapping[str, object]", tool)
    for inner in (fields.get("function"), fields.get("toolSpec"), fields):
        if isinstance(inner, dict) and (name := cast("dict[str, object]", inner).get("name")):
            return str(name)
    return str(fields.get("type"))
