"""An object that is read as a stream, or for the stream inside: told once, as it was read."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from spanledger._streams.holder import StreamHolder
from spanledger._streams.stream import Take

_EVENTS = [1, 2, 3]


class _Theirs:
    """As OpenLIT's object in the place of an answer of Bedrock."""

    def __init__(self) -> None:
        self._answer: dict[str, Any] = {"stream": iter(_EVENTS), "ResponseMetadata": {}}

    def __getitem__(self, key: str) -> Any:
        return self._answer[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self._answer.get(key, default)

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        return next(self._answer["stream"])


class _Seen:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.reading = False
        self.told: list[Any] = []
        self.chunk: Take = self.told.append

    def ended(self, error: BaseException | None) -> None:
        self.told.append(f"ended {error}")

    def closed(self) -> None:
        self.told.append("closed")

    def dropped(self) -> None:
        self.told.append("dropped")

    def disown(self) -> None:
        self.told.append("disowned")


_WAYS: dict[str, Callable[[Any], Any]] = {
    "itself": iter,
    "its stream": lambda holder: iter(holder["stream"]),
    "its stream by get": lambda holder: iter(holder.get("stream")),
}


@pytest.mark.parametrize("way", _WAYS)
def test_whichever_is_read_is_told_whole_though_the_holder_is_dropped(way: str) -> None:
    seen = _Seen()
    reading = _WAYS[way](StreamHolder(_Theirs(), "stream", seen))
    gc.collect()
    assert [next(reading)] == _EVENTS[:1]
    assert "dropped" not in seen.told
    assert list(reading) == _EVENTS[1:]
    assert seen.told[:4] == [*_EVENTS, "ended None"]


@pytest.mark.parametrize("way", _WAYS)
def test_what_is_forgotten_is_told_as_forgotten(way: str) -> None:
    seen = _Seen()
    reading = _WAYS[way](StreamHolder(_Theirs(), "stream", seen))
    next(reading)
    del reading
    gc.collect()
    assert seen.told[:2] == [1, "dropped"]


def test_it_is_what_it_holds() -> None:
    seen = _Seen()
    holder = StreamHolder(_Theirs(), "stream", seen)
    assert isinstance(holder, _Theirs)
    assert (holder["ResponseMetadata"], holder.get("other", 5)) == ({}, 5)
    assert next(holder) == 1
    del holder
    gc.collect()
    assert seen.told[:2] == [1, "dropped"]
