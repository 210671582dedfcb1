"""The fingerprint of a question: equal for the same question, and for no other."""

from __future__ import annotations

import subprocess
import sys
from collections import UserDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessage

from spanledger._calls.fingerprint import fingerprint

PROMPT = ("messages", "tools", "functions")
MESSAGES = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": [{"type": "text", "text": "what is it?"}]},
]


def chat(**kwargs: Any) -> bytes | None:
    """The fingerprint of a chat."""
    return fingerprint("chat", PROMPT, {"messages": MESSAGES, **kwargs})


def tool(name: str, **more: Any) -> dict[str, Any]:
    """A tool as the chat completions have it."""
    return {"type": "function", "function": {"name": name, **more}}


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "another"},
        {"temperature": 1.0, "top_p": 0.1},
        {"max_tokens": 5},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"user": "u-1", "extra_headers": {"x": "y"}},
        {"tools": None, "functions": openai.NOT_GIVEN, "response_format": openai.NOT_GIVEN},
    ],
)
def test_the_same_question_put_otherwise_is_the_same(changed: dict[str, Any]) -> None:
    assert chat(**changed) == chat(model="one") != None  # noqa: E711 - one comparison says both


@pytest.mark.parametrize(
    "changed",
    [
        {"messages": MESSAGES[:1]},
        {"messages": MESSAGES[::-1]},
        {"messages": [*MESSAGES, {"role": "assistant", "content": "a book"}]},
        {"messages": [{**MESSAGES[0], "role": "user"}, MESSAGES[1]]},
        {"tools": [tool("search")]},
        {"response_format": {"type": "json_object"}},
        {"response_format": ChatCompletionMessage},
        {"tool_choice": "none"},
        {"previous_response_id": "resp-1"},
        {"seed": 7},
    ],
)
def test_another_question_is_another(changed: dict[str, Any]) -> None:
    assert chat(**changed) != chat()
    assert chat(**changed) == chat(**changed)


def test_tools_are_told_by_their_names() -> None:
    """Chat completions nest the name, other formats do not; a function is its own name."""
    one = chat(tools=[tool("search", description="of the web")])
    assert one == chat(tools=[tool("search")])
    assert one == chat(tools=[{"type": "function", "name": "search"}])
    assert one == chat(tools=[{"toolSpec": {"name": "search"}}])
    assert one != chat(tools=[tool("search"), tool("read")])

    def search() -> None: ...

    assert one == chat(tools=[search])


def test_another_operation_is_another_question() -> None:
    asked = {"input": ["a text"]}
    assert fingerprint("chat", ("input",), asked) != fingerprint("embeddings", ("input",), asked)


@dataclass
class Turn:
    role: str
    content: str


def test_a_message_is_read_whatever_holds_it() -> None:
    """Mappings, the clients' models, dataclasses; what is not set is not there."""
    said = {"role": "assistant", "content": "a book"}
    model = ChatCompletionMessage.model_validate(said)
    held: list[object] = [said, UserDict(said), model, Turn("assistant", "a book")]
    told = {chat(messages=[one]) for one in held}
    # The client's model has its fields in an order of its own.
    reordered = chat(messages=[{"content": "a book", "role": "assistant"}])
    assert told == {chat(messages=[said]), reordered}


def test_what_cannot_be_read_is_no_question_and_stays_unread() -> None:
    """A generator is the client's to read; of an object we cannot tell what it says."""

    def messages() -> Iterator[dict[str, str]]:
        yield {"role": "user", "content": "x"}

    generator = messages()
    assert chat(messages=generator) is None
    assert chat(messages=[{"role": "user", "content": generator}]) is None
    assert list(generator) == [{"role": "user", "content": "x"}]
    assert chat(messages=[object()]) is None
    assert chat(tools=iter(())) is None
    assert fingerprint("chat", PROMPT, {"model": "m"}) is None


def test_long_texts_differ_by_length_and_ends() -> None:
    long = "x" * 3_000_000
    assert chat(messages=long) == chat(messages=f"{long}")
    assert chat(messages=long) != chat(messages=long + "x")
    assert chat(messages=long) != chat(messages=long[:-1] + "y")
    assert chat(messages=long.encode()) != chat(messages=long.encode()[:-1] + b"y")


def test_a_long_conversation_differs_by_its_newest_message() -> None:
    talk = [{"role": "user", "content": f"message {number}"} for number in range(5000)]
    assert chat(messages=talk) == chat(messages=list(talk))
    assert chat(messages=talk) != chat(messages=[*talk[:-1], {"role": "user", "content": "x"}])
    assert chat(messages=talk) != chat(messages=[*talk, talk[-1]])


texts = st.text(max_size=4)
contents = st.recursive(
    texts | st.integers() | st.booleans() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def _plain(value: Any) -> Any:
    """As the fingerprint sees it: 1, 1.0 and True are one number, and hash(-1) is hash(-2)."""
    if isinstance(value, dict):
        return [(name, _plain(inner)) for name, inner in value.items()]
    if isinstance(value, list):
        return ["list", *map(_plain, value)]
    kind = int if isinstance(value, int) else type(value)
    return (kind, hash(value))


@given(contents, contents)
def test_two_contents_are_equal_when_they_say_the_same(one: Any, other: Any) -> None:
    first, second = chat(messages=[one]), chat(messages=[other])
    assert (first == second) == (_plain(one) == _plain(other))


def test_no_two_processes_agree() -> None:
    """The key is drawn at the start, so that a hash says nothing elsewhere, whatever Python's."""
    code = (
        "from spanledger._calls.fingerprint import fingerprint;"
        "print(fingerprint('chat', ('messages',), {'messages': 'x'}).hex())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    }
    assert len(found) == 2
