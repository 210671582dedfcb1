"""Models of ``llama-index-core``: who they ask, and the usage of their answers.

The framework has no words of its own for it: an answer has the provider's own, as ``raw``, or the
counts alone, in ``additional_kwargs``. Of a stream the last piece that has one tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger._calls.answer import Answer, Usage, fields_of, text
from spanledger._calls.hosts import endpoint
from spanledger._formats.usage_formats import usage_in
from spanledger._frameworks.model_calls import ModelCall, Models, Question, given, limit_of
from spanledger._patches.patching import Kind

#: Where the classes of the framework's integrations are: a package a provider.
_INTEGRATIONS: Final = "llama_index.llms."


def _usage(response: Any) -> Usage | None:
    raw = fields_of(response.raw)
    for told in (raw.get("usage"), raw.get("usage_metadata"), response.additional_kwargs):
        if told and (usage := usage_in(told)).known:
            return usage
    return None


def _has_usage(response: Any) -> bool:
    return _usage(response) is not None


def _parts(message: Any) -> Any:
    """What a message holds: its content is the text alone."""
    return getattr(message, "blocks", None) or message.content


def _asks(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Question:
    prompt: Any = given(args, kwargs, "prompt" if "prompt" in kwargs else "messages")
    if not isinstance(prompt, str):
        prompt = [(_parts(one), one.additional_kwargs) for one in prompt]
    sent = [prompt, kwargs.get("tools")]
    limit = limit_of(kwargs, model)
    return Question(*_whom(model), sent, limit, _address(model))


def _whom(model: Any) -> tuple[str, str]:
    return _provider(type(model).__module__), _asked(model)


def _address(model: Any) -> object:
    url = text(getattr(model, "api_base", None)) or text(getattr(model, "base_url", None))
    return endpoint(url) if url else None


def _read(model: Any, made: list[Any]) -> ModelCall | None:
    response: Any = made[-1] if made else None
    if response is None or (usage := _usage(response)) is None:
        return None
    raw = fields_of(response.raw)
    answer = Answer(response_id=text(raw.get("id")), model=text(raw.get("model")), usage=usage)
    provider, asked = _whom(model)
    return ModelCall(provider, asked or answer.model, answer, _address(model))


def _provider(module: str) -> str:
    """The framework's name of it; a model of the application's own says nothing."""
    before, _, rest = module.partition(_INTEGRATIONS)
    return "" if before else rest.partition(".")[0]


def _asked(model: Any) -> str:
    """What is asked for; ``metadata`` last, which may ask a server."""
    for name in ("model", "model_name", "model_id"):
        if told := text(getattr(model, name, None)):
            return told
    return text(model.metadata.model_name)


MODELS: Final = Models(
    module="llama_index.core.base.llms.base",
    name="BaseLLM",
    methods={
        "chat": Kind.SYNC,
        "complete": Kind.SYNC,
        "achat": Kind.ASYNC,
        "acomplete": Kind.ASYNC,
        "stream_chat": Kind.GENERATOR,
        "stream_complete": Kind.GENERATOR,
        "astream_chat": Kind.AWAITED_GENERATOR,
        "astream_complete": Kind.AWAITED_GENERATOR,
    },
    asks=_asks,
    read=_read,
    keeps=_has_usage,
)
