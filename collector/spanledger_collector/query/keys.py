"""Keys of rows that are about an agent and a version: what the engine calls them."""

from __future__ import annotations


def version_key(name: str, version: str) -> str:
    """A name and its version as one text that no other pair has (``name_and_version.sql``).

    ``writer 2``; a name with a blank in it, or a quote at its beginning, stands in quotes.
    """
    if " " in name or name.startswith('"'):
        name = '"' + name.replace('"', '""') + '"'
    return f"{name} {version}" if version else name
