"""What only the ``together`` client does: answers without counts, and completions of plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.sdk.instrumentors.cases_together import CASES, EMBED_MODEL, RANKED, TEXT
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import SECRET_ANSWER, read

from spanledger import semconv
from spanledger_collector.demo.provider import Answer


def _embed(client: Any) -> None:
    client.embeddings.create(model=EMBED_MODEL, input=["word"] * 100)


def _complete(client: Any) -> None:
    client.completions.create(**TEXT)


async def _stream(client: Any) -> None:
    await read(client.completions.create(**TEXT, stream=True), "sync")


@pytest.mark.parametrize("ask", [_embed, _complete, _stream])
async def test_what_came_without_counts_is_estimated(desk: Desk, ask: Callable[[Any], Any]) -> None:
    """Embeddings have none in the client's own model; nothing of it is partial."""
    desk.provider.enqueue(Answer(text=SECRET_ANSWER, usage=False))
    asked = ask(desk.make(CASES, "sync"))
    if asked is not None:
        await asked
    [span] = desk.spans()
    told: dict[str, Any] = dict(span.attributes or {})
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_INPUT_TOKENS] > 0
    assert (told[semconv.USAGE_OUTPUT_TOKENS] > 0) is (ask is not _embed)
    assert semconv.USAGE_PARTIAL not in told


async def test_reranking_is_never_estimated(desk: Desk) -> None:
    """Documents are read in pieces of the model's own; without counts there is no bill to tell."""
    desk.provider.enqueue(Answer(usage=False))
    desk.make(CASES, "sync").rerank.create(**RANKED)
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "missing"
    assert semconv.USAGE_INPUT_TOKENS not in told
    assert span.status.is_unset


@pytest.mark.parametrize(("said", "told"), [("", "eos"), ("length", "length")])
async def test_why_a_text_ended_is_told(desk: Desk, said: str, told: str) -> None:
    """The stream says it beside its choices."""
    desk.provider.enqueue(Answer(finish_reason=said))
    await read(desk.make(CASES, "sync").completions.create(**TEXT, stream=True), "sync")
    [span] = desk.spans()
    assert (span.attributes or {})[semconv.RESPONSE_FINISH_REASONS] == (told,)
