"""Runs, and records about them, as their rows come."""

from __future__ import annotations

from typing import Any

from . import scene


def record_span(
    span_id: int, parent: int = 0, *, trace: int = 1, at: int = 5, **told: Any
) -> scene.Row:
    """The span of one record; names of attributes with ``_`` for ``.`` behind ``spanledger.``."""
    attributes = {
        "spanledger." + name.replace("__", "."): str(value) for name, value in told.items()
    }
    return scene.span(span_id, parent, "record", trace=trace, at=at, lasts=0, attributes=attributes)


def agent_span(span_id: int, parent: int = 0, *, trace: int = 1, **given: Any) -> scene.Row:
    return scene.span(span_id, parent, "agent", trace=trace, agent_name="a", lasts=60, **given)
