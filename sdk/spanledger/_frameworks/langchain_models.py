"""Chat models of ``langchain-core``: who they ask, and the usage of their messages.

``_generate`` and ``_stream``, and their sisters, are what whoever writes a model writes; a cached
answer does not come by there. Input tokens are all input; chunks of a stream add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, count, fields_of, present, text, whole
from spanledger._frameworks.model_calls import ModelCall, Models, Question, given, limit_of
from spanledger._patches.patching import Kind

#: What LangChain calls a message by, that has no id of the provider.
_OF_LANGCHAIN: Final = ("run-", "lc_")


def _asks(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Question:
    provider, asked = _asked(model)
    messages = given(args, kwargs, "messages")
    sent = [(getattr(one, "content", one), getattr(one, "tool_calls", None)) for one in messages]
    return Question(provider, asked, [sent, kwargs.get("tools")], limit_of(kwargs, model))


def _read(model: Any, made: list[Any]) -> ModelCall | None:
    """The call: of a whole answer its first message, of a stream all its chunks."""
    answers: list[Any] = getattr(made[0], "generations", None) or [] if made else []
    messages: list[Any]
    if answers:
        messages = [one.message for one in answers[:1]]
        usage = _usage(messages) or _older_usage(fields_of(made[0].llm_output))
    else:
        messages = [chunk.message for chunk in made]
        usage = _usage(messages)
    if usage is None:
        return None
    told: dict[str, Any] = {}
    for message in messages:
        told |= {name: value for name, value in message.response_metadata.items() if value}
    provider, asked = _asked(model)
    reason = text(told.get("finish_reason")) or text(told.get("stop_reason"))
    answer = Answer(
        response_id=_id(messages, told),
        model=text(told.get("model_name")) or text(told.get("model")),
        finish_reasons=(reason,) if reason else (),
        usage=usage,
    )
    return ModelCall(text(told.get("model_provider")) or provider, asked or answer.model, answer)


def _keeps(chunk: Any) -> bool:
    message = chunk.message
    return bool(getattr(message, "usage_metadata", None) or message.response_metadata)


def _asked(model: Any) -> tuple[str, str]:
    """Provider and model, as LangChain tells them to its own tracer."""
    params = getattr(model, "_get_ls_params", None)
    told: Mapping[str, Any] = {} if params is None else params()
    asked = text(told.get("ls_model_name"))
    for name in ("model", "model_name", "model_id"):
        asked = asked or text(getattr(model, name, None))
    return text(told.get("ls_provider")), asked


def _id(messages: Iterable[Any], told: Mapping[str, Any]) -> str:
    ids = (text(message.id) for message in messages)
    own = (one for one in ids if one and not one.startswith(_OF_LANGCHAIN))
    return text(told.get("id")) or next(own, "")


def _usage(messages: list[Any]) -> Usage | None:
    """The sum over all messages that tell one."""
    told = [used for one in messages if (used := getattr(one, "usage_metadata", None))]
    if not told:
        return None
    given = [fields_of(used.get("input_token_details")) for used in told]
    made = [fields_of(used.get("output_token_details")) for used in told]
    hour = _sum(given, "ephemeral_1h_input_tokens")
    return Usage(
        input_tokens=_sum(told, "input_tokens"),
        output_tokens=_sum(told, "output_tokens"),
        cache_read_tokens=_sum(given, "cache_read"),
        cache_write_5m_tokens=_sum(given, "cache_creation", "ephemeral_5m_input_tokens"),
        cache_write_1h_tokens=hour,
        reasoning_tokens=_sum(made, "reasoning"),
        parts=present(
            {
                semconv.USAGE_AUDIO_INPUT_TOKENS: _sum(given, "audio"),
                semconv.USAGE_AUDIO_OUTPUT_TOKENS: _sum(made, "audio"),
            }
        ),
    )


def _sum(told: Iterable[Mapping[str, Any]], *names: str) -> int:
    return sum(count(one.get(name)) for one in told for name in names)


def _older_usage(output: Mapping[str, Any]) -> Usage | None:
    """That of models from before messages told one."""
    counts = fields_of(output.get("token_usage"))
    given, made = whole(counts.get("prompt_tokens")), whole(counts.get("completion_tokens"))
    return None if given is None or made is None else Usage(given, made)


MODELS: Final = Models(
    module="langchain_core.language_models.chat_models",
    name="BaseChatModel",
    methods={
        "_generate": Kind.SYNC,
        "_agenerate": Kind.ASYNC,
        "_stream": Kind.GENERATOR,
        "_astream": Kind.ASYNC_GENERATOR,
    },
    asks=_asks,
    read=_read,
    keeps=_keeps,
)
