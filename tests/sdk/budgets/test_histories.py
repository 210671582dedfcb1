"""A conversation that grows is counted once, and whoever changes it in place is noticed."""

from __future__ import annotations

import copy
import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from openai.types.chat import ChatCompletionMessage

from spanledger._budgets import histories
from spanledger._budgets.prompt_size import Tally


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    histories.forget()
    yield
    histories.forget()


def step(number: int, *, objects: bool = False) -> list[Any]:
    """What a tool was asked, and what it said."""
    asked = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": f"c{number}",
                "type": "function",
                "function": {"name": "search", "arguments": f'{{"q": "{number}"}}'},
            }
        ],
    }
    said = {"role": "tool", "tool_call_id": f"c{number}", "content": f"result {number} " * 20}
    return [ChatCompletionMessage.model_validate(asked) if objects else asked, said]


def conversation(steps: int, *, objects: bool = False) -> list[Any]:
    messages: list[Any] = [
        {"role": "system", "content": "do it well"},
        {"role": "user", "content": [{"type": "text", "text": "find it"}]},
    ]
    for number in range(steps):
        messages += step(number, objects=objects)
    return messages


Figures = tuple[int, int, bool, int]


def counted(items: list[Any], name: str = "messages") -> Figures:
    """With what is known."""
    tally = Tally()
    histories.count(name, items, tally)
    return _figures(tally)


def anew(items: list[Any]) -> Figures:
    """Where nothing is known."""
    tally = Tally()
    tally.add(items)
    return _figures(tally)


def _figures(tally: Tally) -> Figures:
    return tally.utf8_bytes, tally.items, tally.cached, len(tally.parts)


@pytest.mark.parametrize("objects", [False, True])
def test_a_conversation_that_grows_counts_as_if_it_were_new(objects: bool) -> None:
    messages = conversation(8, objects=objects)
    for number in range(8, 40):
        assert counted(messages) == anew(messages)
        messages += step(number, objects=objects)
        if number % 7 == 0:
            messages = copy.deepcopy(messages)  # made anew by a framework
        if number % 9 == 0:
            del messages[4:8]  # made shorter


def test_only_what_is_new_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of hundreds of messages the last ones."""
    messages = conversation(200)
    counted(messages)
    looked_at: list[object] = []
    add = Tally.add

    def noted(self: Tally, value: object, *, plain: bool = False) -> None:
        looked_at.append(value)
        add(self, value, plain=plain)

    monkeypatch.setattr(Tally, "add", noted)
    for number in range(200, 240):
        messages += step(number)
        looked_at.clear()
        counted(messages)
        assert 4 <= sum(value in messages for value in looked_at) <= 8


def _longer_text(messages: list[Any]) -> None:
    messages[1]["content"][0]["text"] += "x" * 1000


def _one_more_part(messages: list[Any]) -> None:
    messages[1]["content"].append({"type": "image_url", "image_url": {"url": "https://x/y"}})


def _marked_for_the_cache(messages: list[Any]) -> None:
    messages[1]["content"][0]["cache_control"] = {"type": "ephemeral"}


def _one_more_field(messages: list[Any]) -> None:
    messages[3]["name"] = "x" * 1000


def _other_arguments(messages: list[Any]) -> None:
    asked: Any = messages[2]
    if isinstance(asked, ChatCompletionMessage):
        asked.tool_calls[0].function.arguments += "x" * 1000  # type: ignore[index,union-attr]
    else:
        asked["tool_calls"][0]["function"]["arguments"] += "x" * 1000


def _one_more_call(messages: list[Any]) -> None:
    asked, other = messages[2], copy.deepcopy(messages[4])
    if isinstance(asked, ChatCompletionMessage):
        asked.tool_calls += other.tool_calls
    else:
        asked["tool_calls"] += other["tool_calls"]


def _something_unknown(messages: list[Any]) -> None:
    if isinstance(messages[2], ChatCompletionMessage):
        messages[2].reasoning = "x" * 1000  # type: ignore[attr-defined]
    else:
        messages[2]["reasoning"] = "x" * 1000


def _one_more_message(messages: list[Any]) -> None:
    messages.insert(5, {"role": "user", "content": "x" * 1000})


def _some_left_out(messages: list[Any]) -> None:
    del messages[6:12]


@pytest.mark.parametrize("objects", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        _longer_text,
        _one_more_part,
        _marked_for_the_cache,
        _one_more_field,
        _other_arguments,
        _one_more_call,
        _something_unknown,
        _one_more_message,
        _some_left_out,
        list.reverse,
    ],
)
def test_a_change_in_place_is_counted(change: Any, objects: bool) -> None:
    """However deep it is, and however old the message."""
    messages = conversation(30, objects=objects)
    counted(messages)
    change(messages)
    messages += step(30, objects=objects)
    assert counted(messages) == anew(messages)


def test_tools_are_counted_once_and_are_text() -> None:
    schema = {"properties": {"image": {"type": "string", "url": "https://x/y"}}}
    tools: list[Any] = [
        {"type": "function", "function": {"name": f"t{n}", "parameters": copy.deepcopy(schema)}}
        for n in range(20)
    ]
    first = counted(tools, "tools")
    assert counted(tools, "tools") == first
    assert first[3] == 0
    tools[7]["function"]["parameters"]["properties"]["more"] = {"type": "string"}
    assert counted(tools, "tools")[0] > first[0]
    tools.append(tools[0])
    assert counted(tools, "tools")[1] > first[1]


def test_conversations_that_begin_alike_are_not_mixed_up() -> None:
    """64 at once, of which each grows."""
    begin = threading.Barrier(64)

    def talk(number: int) -> bool:
        messages = [*conversation(6), *step(1000 + number)]
        begin.wait()
        for turn in range(20):
            messages += step(turn * (number + 1))
            if counted(messages) != anew(messages):
                return False
        return True

    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(talk, range(64)))


class _Thing:
    """Something of the application's inside a message."""

    def __eq__(self, _other: object) -> bool:
        raise ValueError

    __hash__ = object.__hash__


def test_what_does_not_want_to_be_compared_is_counted_each_time() -> None:
    messages = conversation(20)
    messages[4] = {"role": "user", "content": [_Thing()]}
    counted(messages)
    again = copy.deepcopy(messages)
    assert counted(again) == anew(again)


def test_few_conversations_are_kept_and_no_long_ones() -> None:
    """A copy keeps its texts alive."""
    messages = conversation(20)
    for number in range(200):
        messages[0]["content"] = f"do it {number}"
        counted(messages)
    assert len(histories._lists) == histories._MAX_LISTS
    histories.forget()
    for number in range(100):
        messages[0]["content"] = f"{number} " * 150_000
        counted(messages)
    assert 0 < len(histories._lists) <= histories._MAX_BYTES_IN_ALL // 300_000
    histories.forget()
    messages[0]["content"] = "x" * (histories._MAX_BYTES + 1)
    counted(messages)
    assert not histories._lists
    thing = _Thing()
    gone = weakref.ref(thing)
    messages[4]["content"] = [thing]
    counted(messages)
    del thing, messages
    gc.collect()
    assert gone() is None
