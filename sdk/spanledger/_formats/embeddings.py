"""Embeddings: OpenAI's wire format, which the clients of many providers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, text, whole
from spanledger._calls.facts import Attributes
from spanledger._patches.instrumentor import number


def request(kwargs: Mapping[str, Any]) -> Attributes:
    """Parameters of a call for embeddings."""
    dimensions = number(kwargs, "dimensions")
    if dimensions is None:
        return {}
    return {semconv.EMBEDDINGS_DIMENSION_COUNT: int(dimensions)}


def answer_of(answer: Any) -> Answer:
    """The vectors' usage: all of it is input."""
    given = getattr(getattr(answer, "usage", None), "prompt_tokens", None)
    return Answer(model=text(answer.model), usage=Usage(input_tokens=whole(given), output_tokens=0))
