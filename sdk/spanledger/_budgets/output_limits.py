"""How much a request lets a model generate, where its attributes do not say all of it.

A body that is sent as it is (Bedrock's models, ``extra_body``) has a limit of its own, and that is
the one that counts. A text completion may have many prompts, each with answers of its own. What of
a predicted output is not taken is billed as output all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from spanledger import semconv
from spanledger._budgets.prompt_size import Tally
from spanledger._calls.answer import fields_of

_BODIES: Final = ("body", "extra_body")
_LIMITS: Final = (
    *("max_completion_tokens", "max_tokens", "max_output_tokens", "max_gen_len"),
    *("max_tokens_to_sample", "max_new_tokens", "maxTokenCount", "maxTokens"),
)
#: Where in a body limits may be.
_INNER: Final = ("textGenerationConfig", "inferenceConfig", "generationConfig", "parameters")
#: How many answers there are to each prompt: the last is how many of them are made to choose from.
_ANSWERS: Final = ("n", "best_of")


def limit_of_body(kwargs: Mapping[str, Any], limit: Any) -> int | float | None:
    """The limit in a body of the request, else the given one.

    Args:
        kwargs: the request's parameters.
        limit: that of its attributes.
    """
    for name in _BODIES:
        if name in kwargs:
            body = fields_of(kwargs[name])
            for fields in (body, *(fields_of(body.get(inner)) for inner in _INNER)):
                told = _largest(fields, _LIMITS)
                if told is not None:
                    return told
    return limit


def answers_asked(operation: str, kwargs: Mapping[str, Any], choices: int) -> int:
    """How many answers are generated, also those that nobody gets to see.

    Args:
        operation: kind of call.
        kwargs: the request's parameters.
        choices: how many the request's attributes tell.
    """
    answers = max(1, choices)
    if "best_of" in kwargs:
        answers = max(answers, int(_largest(kwargs, _ANSWERS) or 1))
    for name in _BODIES:
        if name in kwargs:
            answers = max(answers, int(_largest(fields_of(kwargs[name]), _ANSWERS) or 1))
    if operation == semconv.OPERATION_TEXT_COMPLETION:
        answers *= _prompts(kwargs.get("prompt"))
    return answers


def predicted_tokens(kwargs: Mapping[str, Any]) -> int:
    """The most of a predicted output (OpenAI's) that is billed beside what is made in its place."""
    if kwargs.get("prediction") is None:
        return 0
    tally = Tally()
    tally.add(kwargs["prediction"], plain=True)
    return tally.utf8_bytes


def _prompts(prompt: Any) -> int:
    """How many a text completion has: texts, or lists of tokens; a list of tokens is one."""
    if not isinstance(prompt, list | tuple) or not prompt:
        return 1
    prompts = cast("list[Any]", prompt)
    return 1 if isinstance(prompts[0], int) else len(prompts)


def _largest(fields: Mapping[str, Any], names: tuple[str, ...]) -> int | float | None:
    told = [value for name in names if isinstance(value := fields.get(name), int | float)]
    return max(told, default=None)
