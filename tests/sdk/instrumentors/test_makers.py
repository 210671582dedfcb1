"""A response that is still to be opened belongs to who asked for it, whoever opens it."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import context
from opentelemetry.sdk.trace import TracerProvider
from tests.sdk.instrumentors import cases_anthropic, cases_groq, cases_openai, cases_together
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import ClientCases, Mode, Operation, Shape, ask, take

from spanledger._patches import registry

OPENED = [
    (cases, operation)
    for module in (cases_anthropic, cases_groq, cases_openai, cases_together)
    for cases in (module.CASES,)
    for operation in cases.operations
    if operation.shape is Shape.OPEN
]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(("cases", "operation"), OPENED, ids=[str(one) for _, one in OPENED])
async def test_an_unread_response_opened_elsewhere_belongs_to_its_maker(
    cases: ClientCases,
    operation: Operation,
    mode: Mode,
    desk: Desk,
    tracer_provider: TracerProvider,
) -> None:
    """The manager keeps its class, the call hangs below who made it, the reader keeps its own."""
    desk.provider.enqueue(operation.answer, operation.answer)
    tracer = tracer_provider.get_tracer("user")
    client = desk.make(cases, mode)
    with tracer.start_as_current_span("maker"):
        manager = await ask(operation, client, mode)
    with tracer.start_as_current_span("reader"):
        before = context.get_current()
        await take(operation, manager, mode)
        assert context.get_current() is before
    finished = {span.name: span for span in desk.spans()}
    assert finished[operation.span_name].parent == finished["maker"].context
    registry.uninstrument()
    bare: Any = await ask(operation, desk.make(cases, mode), mode)
    assert isinstance(manager, type(bare))
    await take(operation, bare, mode)
