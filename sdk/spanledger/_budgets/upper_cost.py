"""What a call may cost at most, from its request alone: the amount that a budget reserves.

Input: the size of everything in the prompt (``prompt_size``), at fewer bytes a token than was
measured of any text of people or programs, times the upper end of the family's ratio
(``token_ratios``); images, sounds, videos and files as ``media_tokens`` has them. Output: the limit
that the request sets, times the answers it asks for, else what the budget assumes. The dearest
rates count: of the input as if nothing were cached, of the output as if all of it were of the
dearest kind that the request allows.

Not in it: what the server keeps of an earlier response or conversation, and searches that the
provider's own tools make. The settled cost has all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

from spanledger import semconv
from spanledger._budgets import histories
from spanledger._budgets.media_tokens import Kind, media_tokens
from spanledger._budgets.output_limits import answers_asked, limit_of_body, predicted_tokens
from spanledger._budgets.prompt_size import Tally
from spanledger._calls.answer import JsonText, fields_of
from spanledger._calls.token_ratios import ratio_of
from spanledger._guard import guarded
from spanledger.rates import ModelRates, Rates

#: As ``tokens`` has it: below the 2.4 of minified code.
_FEWEST_BYTES_PER_TOKEN: Final = 2
#: What a chat format adds to a message or to a part of one, generously.
_TOKENS_PER_ITEM: Final = 8
#: What a provider adds of its own where there are tools (Anthropic: 313 to 735).
_TOKENS_OF_TOOLS: Final = 750
#: One image that a chat model makes, whatever the limit of its text (Gemini 3.1's at 4K: 2,520).
_TOKENS_OF_A_MADE_IMAGE: Final = 2600
#: Operations that generate nothing that is billed by the token.
_WITHOUT_OUTPUT: Final = frozenset(
    {semconv.OPERATION_EMBEDDINGS, semconv.OPERATION_RERANK, semconv.OPERATION_MODERATION}
)
#: Operations that are billed by the token at all.
_BY_TOKEN: Final = frozenset(
    {
        semconv.OPERATION_CHAT,
        semconv.OPERATION_GENERATE_CONTENT,
        semconv.OPERATION_TEXT_COMPLETION,
        semconv.OPERATION_EMBEDDINGS,
        semconv.OPERATION_MODERATION,
    }
)
#: Parameters beside the prompt that are written into it.
_SCHEMAS: Final = ("response_format", "output_format", "text_format", "output_config", "text")
#: Parts of the input that may be dearer than its text, by what was sent.
_READ: Final[Mapping[Kind, tuple[str, ...]]] = {
    "image": ("image_input",),
    "audio": ("audio_input",),
    "video": ("video_input", "audio_input"),
    "file": ("image_input", "audio_input", "video_input"),
    "text": (),
}
#: Parts of the output that may be dearer than its text.
_MADE: Final = ("audio_output", "image_output", "video_output")
#: What of a row's units may be reserved where nothing but text is sent.
_BESIDE_TEXT: Final = frozenset({*_MADE, "requests"})
#: Parameters that say what an answer may hold, and how much of it there may be.
_KINDS_ASKED: Final = frozenset({"modalities", "config", "generation_config"})
_MORE_OUTPUT: Final = frozenset({"prompt", "best_of", "body", "extra_body", "prediction"})
_NO_MEDIA: Final[Mapping[Kind, int]] = {}
_NO_PARAMETERS: Final[Mapping[str, Any]] = {}


class Given(NamedTuple):
    """The most that the input of a request may be.

    Attributes:
        tokens: all of it; None = the prompt cannot be read without changing it.
        cached: whether a place in the cache is asked for.
        media: of the tokens, those that are no text.
        told: whether the size of all that is no text is known.
    """

    tokens: int | None
    cached: bool
    media: Mapping[Kind, int] = _NO_MEDIA
    told: bool = True


def opened(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters, with a body that is JSON already as what it says.

    Raises:
        ValueError: it is no JSON.
    """
    body = kwargs.get("body")
    return {**kwargs, "body": body.parsed()} if type(body) is JsonText else kwargs


def input_tokens(prompt: tuple[str, ...], kwargs: Mapping[str, Any], model: str) -> Given:
    """The most that the input of a request may be, in tokens.

    Args:
        prompt: names of the parameters that hold the prompt.
        kwargs: the request's parameters.
        model: whose tokenizer counts.
    """
    tally = _counted(prompt, kwargs)
    if tally is None or not tally.readable:
        return Given(None, cached=False)
    tokens = int(tally.utf8_bytes / _FEWEST_BYTES_PER_TOKEN * ratio_of(model).high) + 1
    has_tools = kwargs.get("tools") or ("body" in kwargs and fields_of(kwargs["body"]).get("tools"))
    tokens += tally.items * _TOKENS_PER_ITEM + (_TOKENS_OF_TOOLS if has_tools else 0)
    if not tally.parts:
        return Given(tokens, tally.cached)
    media, told = media_tokens(tally.parts, model)
    return Given(tokens + sum(media.values()), tally.cached, media, told)


@guarded(None)
def _counted(prompt: tuple[str, ...], kwargs: Mapping[str, Any]) -> Tally:
    """All that is sent; an error of ours in here makes its size unknown."""
    tally = Tally()
    for name in prompt:
        value = kwargs.get(name)
        if value is not None:
            histories.count(name, value, tally)
    for name in _SCHEMAS:
        if name in kwargs and name not in prompt:
            tally.add(kwargs[name], plain=True)
    if "images" in kwargs:  # Ollama's, beside the prompt
        tally.add({"images": kwargs["images"]})
    if "extra_body" in kwargs:
        tally.add(kwargs["extra_body"])
    return tally


def output_tokens(
    operation: str,
    asked: Mapping[str, Any],
    assumed: int,
    kwargs: Mapping[str, Any] = _NO_PARAMETERS,
) -> int:
    """The most that may be generated, in tokens.

    Args:
        operation: kind of call.
        asked: attributes of the request.
        assumed: where the request sets no limit.
        kwargs: the request's parameters.
    """
    if operation in _WITHOUT_OUTPUT:
        return 0
    limit = asked.get(semconv.REQUEST_MAX_TOKENS)
    answers, rejected = int(asked.get(semconv.REQUEST_CHOICE_COUNT, 1)), 0
    if not _MORE_OUTPUT.isdisjoint(kwargs):
        limit = limit_of_body(kwargs, limit)
        answers = answers_asked(operation, kwargs, answers)
        rejected = predicted_tokens(kwargs)
    if limit is None or limit < 0:  # -1: without end, of Ollama and others
        limit = assumed
    return (int(limit) + rejected) * max(1, answers)


def kinds_made(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    """Units of what beside text an answer may hold: as the request says, else all of them."""
    if _KINDS_ASKED.isdisjoint(kwargs):  # nearly always
        return _MADE
    asked = kwargs.get("modalities")
    if asked is None:
        config = fields_of(kwargs.get("config") or kwargs.get("generation_config"))
        asked = config.get("response_modalities")
    if not isinstance(asked, list | tuple) or not asked:
        return _MADE
    names = [str(getattr(one, "value", one)).lower() for one in cast("list[Any]", asked)]
    return tuple(unit for unit in _MADE if unit.partition("_")[0] in names)


def upper_cost(
    rates: ModelRates,
    operation: str,
    given: int,
    made: int,
    *,
    cached: bool,
    tier: str,
    media: Mapping[Kind, int] = _NO_MEDIA,
    kinds: tuple[str, ...] = _MADE,
) -> tuple[int, int] | None:
    """Atto-USD that a request may cost at most, and of it the input's; None = not by the token.

    Args:
        rates: of the model.
        operation: kind of call.
        given: tokens of the input.
        made: tokens of the output.
        cached: whether a place in the cache is asked for.
        tier: the service tier that is asked for.
        media: of the input, tokens that are no text.
        kinds: units of what beside text the answer may hold.
    """
    row = rates.at(given, tier)
    if row is None or operation not in _BY_TOKEN:
        return None
    rate = row.dearest_input(cached=cached)
    if rate is None or (made and row.output is None):
        return None
    read = given * rate
    output = row.output or 0
    if not media and _BESIDE_TEXT.isdisjoint(row.units):  # nearly always
        return read + made * output, read
    for kind, tokens in media.items():
        read += tokens * max(0, _dearest(row, _READ[kind]) - rate)
    if made and "image_output" in row.units and "image_output" in kinds:
        made = max(made, _TOKENS_OF_A_MADE_IMAGE)
    by_call = _dearest(row, ("requests",)) if operation == semconv.OPERATION_CHAT else 0
    return read + made * max(output, _dearest(row, kinds)) + by_call, read


def _dearest(row: Rates, units: Iterable[str]) -> int:
    """Atto-USD for one of the dearest of these units, rounded up; 0 where it has none of them."""
    found = (row.units[unit] for unit in units if unit in row.units)
    return max((-(-usd // per) for usd, per in found), default=0)
