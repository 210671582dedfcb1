"""An object that is a stream and has one inside, of which the application reads either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spanledger._streams.stream import Sink, SyncStream


class StreamHolder(SyncStream):
    """Whichever is read is watched; what is not read is not told as forgotten while the other is.

    Args:
        wrapped: read as a mapping, with ``[]`` and ``get``, or as the stream itself.
        key: of the stream inside; the application may take that and drop the holder.
        sink: told of both.
    """

    def __init__(self, wrapped: Any, key: str, sink: Sink) -> None:
        super().__init__(wrapped, sink)
        self._self_begun = False
        self._self_key = key
        self._self_inside = SyncStream(wrapped[key], sink)

    def __getitem__(self, key: Any) -> Any:
        return self._self_inside if key == self._self_key else self.__wrapped__[key]

    def get(self, key: Any, default: Any = None) -> Any:
        """As of a mapping."""
        return self._self_inside if key == self._self_key else self.__wrapped__.get(key, default)

    def __iter__(self) -> Iterator[Any]:
        self._self_begun = True
        return super().__iter__()

    def __next__(self) -> Any:
        self._self_begun = True
        return super().__next__()

    def __del__(self) -> None:
        if getattr(self, "_self_begun", False):
            super().__del__()
