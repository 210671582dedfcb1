"""A list that is read in parts: how far it is shown, and the links to what is before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Note, Part

#: Rows that a CSV is read by.
AT_ONCE: Final = 10_000


def paging(
    asked: Asked, found: Sequence[Any], shown: int, what: str, sides: tuple[str, str]
) -> Iterator[Part]:
    """Links, where there is more than is shown.

    Args:
        asked: the request; its ``offset`` says how many are left out.
        found: the rows from there on, one more than is shown if there are more.
        shown: rows on a page.
        what: what the rows are.
        sides: what those before them are, and those after.
    """
    offset, rows = asked.offset(), found[:shown]
    links: list[tuple[str, str]] = []
    if offset:
        earlier = max(offset - shown, 0)
        links.append((f"{sides[0]} {what}", asked.again(offset=str(earlier) if earlier else "")))
    if len(found) > shown:
        links.append((f"{sides[1]} {what}", asked.again(offset=str(offset + shown))))
    if links:
        told = f"{what.capitalize()} {offset + 1:,} to {offset + len(rows):,}."
        yield Note("", [told if rows else f"No {what} here."], links=links)
