"""Attributes whose names are open at the end: tags of the user's own, and units beside tokens."""

from __future__ import annotations

from spanledger.semconv import TAG_PREFIX, USAGE_UNITS_PREFIX
from spanledger_collector.load.literals import quoted


class Prefixes:
    """Macros of :class:`~spanledger_collector.load.render.Renderer` that depend on no table."""

    def tag_prefix(self, _: str) -> str:
        """How the name of a user tag begins."""
        return quoted(TAG_PREFIX)

    def tag_start(self, _: str) -> str:
        """Where the name of a user tag continues after the prefix."""
        return str(len(TAG_PREFIX) + 1)

    def unit_prefix(self, _: str) -> str:
        """How the name of a unit begins."""
        return quoted(USAGE_UNITS_PREFIX)

    def unit_start(self, _: str) -> str:
        """Where the name of a unit continues after the prefix."""
        return str(len(USAGE_UNITS_PREFIX) + 1)
