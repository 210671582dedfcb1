"""The spans of a trace as a tree: their order, how deep each is, and its bar on the time axis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from spanledger_collector.query import SpanRow

_WIDTH = 200.0
_THINNEST = 1.5
#: Deeper ones stand as deep as this.
DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """When a span ran.

    Attributes:
        x, width: of 200.
        tone: its role, or ``error``; with ``wasted`` where it was retried or is rework.
    """

    x: float
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A span in the tree."""

    span: SpanRow
    depth: int
    bar: Bar


def tree(spans: Sequence[SpanRow]) -> list[Placed]:
    """Depth first, children by their start; a span whose parent is not here is a root.

    Spans that are each other's parents stand at the end, so that every span stands once.
    """
    here = {span.span_id for span in spans}
    children: dict[str, list[SpanRow]] = defaultdict(list)
    for span in spans:
        children[span.parent_span_id if span.parent_span_id in here else ""].append(span)
    placed: dict[str, Placed] = {}
    for start in [*children[""], *spans]:
        pending = [(start, 0)]
        while pending:
            span, depth = pending.pop()
            if span.span_id not in placed:
                placed[span.span_id] = Placed(span, min(depth, DEEPEST), _bar(span))
                pending += [(child, depth + 1) for child in reversed(children[span.span_id])]
    return list(placed.values())


def _bar(span: SpanRow) -> Bar:
    whole = span.trace_ns or 1
    width = max(span.duration_ns / whole * _WIDTH, _THINNEST)
    x = min(span.offset_ns / whole * _WIDTH, _WIDTH - width)
    tone = "error" if span.status == "error" else span.role
    if span.retries or span.rework_reason:
        tone += " wasted"
    return Bar(round(max(x, 0.0), 2), round(min(width, _WIDTH), 2), tone)
