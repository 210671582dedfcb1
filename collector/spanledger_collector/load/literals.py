"""Python values as text of SQL: literals, arrays, patterns, mappings."""

from collections.abc import Iterable, Mapping


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def array(texts: Iterable[str]) -> str:
    """An array of string literals."""
    return "[" + ", ".join(quoted(text) for text in texts) + "]"


def like(column: str, pattern: str) -> str:
    """A condition for a pattern whose only wildcard is ``%``; plain comparisons where possible."""
    if "%" not in pattern:
        return f"{column} = {quoted(pattern)}"
    if pattern.endswith("%") and "%" not in pattern[:-1]:
        return f"startsWith({column}, {quoted(pattern[:-1])})"
    if pattern.startswith("%") and "%" not in pattern[1:]:
        return f"endsWith({column}, {quoted(pattern[1:])})"
    return f"{column} LIKE {quoted(pattern.replace('_', chr(92) + '_'))}"


def mapped(column: str, mapping: Mapping[str, str], otherwise: str) -> str:
    """``transform`` of a column by a mapping; no mapping, no call."""
    if not mapping:
        return otherwise
    return f"transform({column}, {array(mapping)}, {array(mapping.values())}, {otherwise})"
