"""A client that raises because of what a good answer says: the answer was made, and is billed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import openai
import pydantic
import pytest
from tests.sdk.instrumentors import cases_anthropic, cases_openai
from tests.sdk.instrumentors.cases_openai import MESSAGES, MODEL
from tests.sdk.instrumentors.conftest import Desk
from tests.sdk.instrumentors.contract import ClientCases, Mode

from spanledger import semconv
from spanledger_collector.demo.provider import Answer

UNFIT = Answer(text='{"wanted": "no number"}', input_tokens=1000, output_tokens=500)
CUT = Answer(text='{"wanted":', input_tokens=1000, output_tokens=500, finish_reason="length")


class Wanted(pydantic.BaseModel):
    """What the answer should be."""

    wanted: int


PARSERS: dict[str, tuple[ClientCases, Callable[[Any], Any]]] = {
    "chat": (
        cases_openai.CASES,
        lambda client: client.chat.completions.parse(
            model=MODEL, messages=MESSAGES, response_format=Wanted
        ),
    ),
    "responses": (
        cases_openai.CASES,
        lambda client: client.responses.parse(model=MODEL, input="a", text_format=Wanted),
    ),
    "messages": (
        cases_anthropic.CASES,
        lambda client: client.messages.parse(
            model=cases_anthropic.MODEL, max_tokens=9, messages=MESSAGES, output_format=Wanted
        ),
    ),
}


async def _refused(parse: Any, client: Any, error: type[Exception]) -> None:
    async def ask() -> Any:
        result = parse(client)
        return await result if inspect.isawaitable(result) else result

    with pytest.raises(error):
        await ask()


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", PARSERS)
async def test_an_answer_that_does_not_parse_is_billed(name: str, mode: Mode, desk: Desk) -> None:
    """Its tokens and id are told, and the error."""
    cases, parse = PARSERS[name]
    desk.provider.enqueue(UNFIT)
    await _refused(parse, desk.make(cases, mode, max_retries=0), pydantic.ValidationError)
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_SOURCE] == "provider"
    assert told[semconv.USAGE_INPUT_TOKENS] == 1000
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 500
    assert told[semconv.RESPONSE_ID]
    assert told[semconv.ERROR_TYPE] == "ValidationError"


async def test_an_answer_that_was_cut_off_is_billed(desk: Desk) -> None:
    """The client's own error for it."""
    desk.provider.enqueue(CUT)
    client = desk.make(cases_openai.CASES, "sync", max_retries=0)
    await _refused(PARSERS["chat"][1], client, openai.LengthFinishReasonError)
    [span] = desk.spans()
    told = span.attributes or {}
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 500
    assert told[semconv.ERROR_TYPE] == "LengthFinishReasonError"
