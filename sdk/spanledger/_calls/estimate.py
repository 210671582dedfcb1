"""Usage of an answer whose provider sent none: counted from the texts, with an interval."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from spanledger._calls.answer import Answer, strings
from spanledger._calls.facts import Attributes, estimate_attributes
from spanledger._guard import guarded

if TYPE_CHECKING:
    from spanledger._calls.tokens import TokenEstimate


@guarded(None)
def estimate_usage(
    answer: Answer, model: str, prompt: tuple[object, ...], *, chat: bool, exact: bool
) -> Attributes | None:
    """Count what the answer's usage leaves open, and fill it in.

    Args:
        answer: Its ``usage`` is completed.
        model: Whose tokenizer to imitate.
        prompt: The request's parameters that hold text, the one with the messages first.
        chat: The request has a chat format, which adds tokens to each message.
        exact: Count tokens (may load the ranks); else take the length of the texts.

    Returns:
        The intervals and how they were made; None when the prompt cannot be read (token ids, a
        generator, images alone): nobody can tell then what it cost.
    """
    from spanledger._calls import tokens

    usage = answer.usage
    unknown_in, unknown_out = usage.input_tokens is None, usage.output_tokens is None
    texts_in = list(strings(prompt)) if unknown_in else []
    if unknown_in and not texts_in:
        return None
    if exact:
        given = tokens.count(model, texts_in, messages=_messages(prompt) if chat else 0)
        made = tokens.count(model, answer.texts)
    else:
        given, made = tokens.approximate(texts_in), tokens.approximate(answer.texts)
    made = _plus(made, answer.hidden_tokens)
    if unknown_in:
        usage.input_tokens = given.tokens
    if unknown_out:
        usage.output_tokens = made.tokens
    return estimate_attributes(given if unknown_in else None, made if unknown_out else None)


def _plus(estimate: TokenEstimate, known: int) -> TokenEstimate:
    """The estimate and tokens that are known beside it."""
    return replace(
        estimate,
        tokens=estimate.tokens + known,
        low=estimate.low + known,
        high=estimate.high + known,
    )


def _messages(prompt: tuple[object, ...]) -> int:
    first = prompt[0] if prompt else None
    return len(cast("list[object]", first)) if isinstance(first, list) else 1
