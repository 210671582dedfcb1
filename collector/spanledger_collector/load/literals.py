"""Python values as text of SQL: literals, arrays, patterns, mappings."""

from collections.abc import Iterable, Mapping


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def array(texts: Iterable[str]) -> str:
    """An array of string literals."""
    return "[" + ", ".join(quoted(text) for text in texts) + "]"


def mapped(column: str, mapping: Mapping[str, str], otherwise: str) -> str:
    """``transform`` of a column by a mapping; no mapping, no call."""
    if not mapping:
        return otherwise
    return f"transform({column}, {array(mapping)}, {array(mapping.values())}, {otherwise})"
