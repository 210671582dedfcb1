"""From a model id as it appears on a span to a catalogue entry.

Ids come in many spellings: ``gpt-4o-2024-08-06``, ``meta-llama/Llama-3.1-8B-Instruct``,
``llama3.1:8b``, ``bedrock/us.anthropic.claude-opus-4-5-20251101-v1:0``. The rules here take parts
off, one at a time, and after each look the rest up in the table of names and aliases. There is no
substring search: an id whose rest is not in the table is unknown, because a wrong architecture is
worse than none. A prefix is only taken off when it is a known vendor or gateway, so somebody's
fine-tune under their own name stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from spanledger.compute.catalogue import names, published_format, vendors

#: Longer ids are not looked at.
MAX_ID_CHARS: Final = 200

#: ``us.anthropic.claude-...``: geography of a Bedrock inference profile.
_GEOGRAPHY: Final = re.compile(r"^(?:us|us-gov|eu|apac|jp|au|ca|global)\.")
_BEDROCK_VENDOR: Final = re.compile(r"^(?:anthropic|meta|mistral|openai|qwen|deepseek|moonshot)\.")
_BEDROCK_VERSION: Final = re.compile(r"-v\d(?::\d)?$")
#: Routing hints of OpenRouter, which do not change the model.
_ROUTES: Final = frozenset(("free", "nitro", "floor", "online", "extended", "exacto", "thinking"))
#: Weight formats that a name may state, as suffix -> format of `vram.WEIGHT_FORMATS`.
_FORMAT_SUFFIX: Final = re.compile(
    r"[-.](awq|gptq|fp8|bf16|fp16|int8|nvfp4|mxfp4|"
    r"q2_k|q3_k_s|q3_k_l|iq4_xs|q4_k_s|q4_k_m|q5_k_s|q5_k_m|q6_k|q8_0)$"
)
_VARIANT_SUFFIX: Final = re.compile(
    r"(?:-(?:instruct-turbo|instruct-lite|instruct-maas|instruct|chat|chat-hf|hf|it|base|pt|maas|"
    r"text|latest|preview|gguf|\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{4}|\d{3})|@\d{8}|@default)$"
)
_MAX_SUFFIXES: Final = 6
#: What most tags of its library are that state no format; older ones are q4_0, 7 % smaller.
_OLLAMA_FORMAT: Final = "q4_k_m"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What an id was recognised as.

    Attributes:
        name: Name of the catalogue entry.
        weight_format: Format the id states, else that of the published weights; of Ollama's names
            (``llama3.1:8b``) the one that it fetches when a tag states none.
        is_assumed: The format is usual, and nothing states it.
    """

    name: str
    weight_format: str = "bf16"
    is_assumed: bool = False


def recognise(model: str) -> KnownModel | None:
    """Return the catalogue entry of a model id, or None when it is unknown. Never raises."""
    if not 0 < len(model) <= MAX_ID_CHARS:
        return None
    table = names()
    told = model.strip().lower()
    for candidate, weight_format in _candidates(told):
        entry = table.get(candidate)
        if entry is not None:
            return _known(told, entry, weight_format)
    return None


def _known(told: str, entry: str, stated: str) -> KnownModel:
    published = published_format(entry)
    if stated or published != "bf16" or not _is_of_ollama(told):
        return KnownModel(entry, stated or published)
    return KnownModel(entry, _OLLAMA_FORMAT, is_assumed=True)


def _is_of_ollama(told: str) -> bool:
    """``name:size``, or a name alone whose newest it serves; no tag of a gateway."""
    last = told.rsplit("/", 1)[-1]
    name, colon, tag = last.partition(":")
    if not colon:
        return f"{name}:latest" in names()
    return tag not in _ROUTES and not _BEDROCK_VERSION.search(last) and name != "ft"


def _candidates(model: str) -> Iterator[tuple[str, str]]:
    """The id with ever more taken off, and the weight format seen on the way."""
    rest = _without_vendor(model)
    if rest is None:
        return
    rest = _without_tag(rest)
    weight_format = ""
    yield rest, weight_format
    for _ in range(_MAX_SUFFIXES):
        if stated := _FORMAT_SUFFIX.search(rest):
            weight_format = stated[1]
            rest = rest[: stated.start()]
        elif variant := _VARIANT_SUFFIX.search(rest):
            rest = rest[: variant.start()]
        else:
            return
        yield rest, weight_format


def _without_vendor(model: str) -> str | None:
    """The last part of a path whose other parts are all vendors; None for a stranger's model."""
    if model.startswith("ft:"):
        return model.split(":", 2)[1]
    *path, last = model.split("/")
    if not vendors().issuperset(path):
        return None
    last = _GEOGRAPHY.sub("", last, count=1)
    bare = _BEDROCK_VENDOR.sub("", last, count=1)
    return _BEDROCK_VERSION.sub("", bare) if bare != last else last


def _without_tag(model: str) -> str:
    """Ollama's ``name:size-variant`` as ``name-size-variant``; routing hints dropped.

    What ``name:latest`` means is Ollama's choice per model, so it stays and needs an alias.
    """
    name, colon, tag = model.partition(":")
    if not colon or tag in _ROUTES:
        return name
    if tag == "latest":
        return model
    return f"{name}-{tag}"
