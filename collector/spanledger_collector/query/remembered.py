"""A reader that asks each question once: for answers that belong together, such as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import pyarrow as pa

from .reader import Reader, Row


@final
class Remembered:
    """Answers of another reader, kept: what is asked again is as it was.

    Every answer is held as long as this is: it is for the making of one page, not for exports.

    Args:
        reader: who answers; it is not closed with this.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._told: dict[tuple[str, frozenset[tuple[str, object]]], list[Row]] = {}

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        """See :class:`Reader`; rows are copies, which whoever gets them may change."""
        question = (name, frozenset(parameters.items()))
        if question not in self._told:
            self._told[question] = self._reader.rows(name, parameters)
        return [dict(row) for row in self._told[question]]

    def arrow(self, name: str, parameters: Mapping[str, object]) -> pa.Table:
        """See :class:`Reader`; not kept."""
        return self._reader.arrow(name, parameters)

    def sql(self, text: str) -> pa.Table:
        """See :class:`Reader`; not kept."""
        return self._reader.sql(text)

    def close(self) -> None:
        """Forget all answers."""
        self._told.clear()
