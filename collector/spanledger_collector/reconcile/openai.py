"""OpenAI's organization exports: usage of every kind, and costs.

Source: the pages of ``/v1/organization/usage/completions`` (``group_by=model,batch`` and, if used,
``service_tier``) and ``/v1/organization/costs`` (``group_by=line_item``) of the API reference.
Usage counts cached tokens within ``input_tokens``. A line item of costs reads ``<model>, <what>``;
of embeddings, which have no output, it is the model alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, cast

from .bill import WHOLE, BillLine, Remark, day_of, in_usd, number, tier, word

PROVIDER: Final = "openai"
_USAGE: Final = "organization.usage."
_COSTS: Final = "organization.costs.result"

#: What a line item is for -> unit of the price book.
_KINDS: Final[Mapping[str, str]] = {
    "input": "input",
    "cached input": "cache_read",
    "cached": "cache_read",
    "cache write": "cache_write_5m",
    "output": "output",
    "text input": "input",
    "text cached input": "cache_read",
    "text output": "output",
    "audio input": "audio_input",
    "audio cached input": "audio_cache_read",
    "audio output": "audio_output",
    "image input": "image_input",
    "image cached input": "image_cache_read",
    "image output": "image_output",
    "web search": "web_searches",
}
#: Fields of usage that are not told in tokens -> unit.
_COUNTS: Final[Mapping[str, str]] = {
    "characters": "characters",
    "seconds": "audio_seconds",
    "images": "images",
    "num_sessions": "code_containers",
    "sessions": "code_containers",
}
#: Kinds of usage that the API groups by no model.
_NO_MODEL: Final = frozenset({"code_interpreter_sessions", "vector_stores"})
#: A result with one of these is read, also where all of them are 0.
_READ: Final = frozenset({"input_tokens", "output_tokens", *_COUNTS})
_EMBEDDINGS: Final = "text-embedding-"


def objects(page: Any) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The results of a page with the start of their bucket."""
    for bucket in cast("Mapping[str, Any]", page).get("data") or ():
        for result in bucket.get("results") or bucket.get("result") or ():
            yield bucket.get("start_time"), result


def lines(page: Any) -> Iterator[BillLine | Remark]:
    """The bill lines of one page of usage or of costs.

    Raises:
        ValueError: a figure or a time cannot be read, or the export was not grouped by model.
    """
    for start, result in objects(page):
        kind = word(result, "object")
        if kind.startswith(_USAGE):
            yield from _usage(day_of(start), result)
        elif kind == _COSTS:
            yield _cost(day_of(start), result)
        else:
            raise ValueError(f"object {kind!r} is neither usage nor costs")


def _usage(day: date, result: Mapping[str, Any]) -> Iterator[BillLine | Remark]:
    batch = result.get("batch") is True
    service_tier = "batch" if batch else tier(word(result, "service_tier"))
    found = {unit: quantity for unit, quantity in _quantities(result).items() if quantity}
    kind = word(result, "object").removeprefix(_USAGE).removesuffix(".result")
    if found and not word(result, "model") and kind not in _NO_MODEL:
        raise ValueError(
            f"usage of {kind} on {day} names no model: export it with group_by=model,batch"
        )
    for unit, quantity in found.items():
        yield BillLine(day, PROVIDER, word(result, "model"), service_tier, unit, quantity, None)
    if not found and not _READ & result.keys():
        yield Remark(
            day.isoformat(), f"usage of {kind}", "no quantity of it is known; give its costs"
        )


def _quantities(result: Mapping[str, Any]) -> Mapping[str, Decimal]:
    """Disjoint units: audio and cached tokens are taken out of the totals that include them."""

    def read(name: str) -> Decimal:
        return number(result, name) or Decimal(0)

    cached, written = read("input_cached_tokens"), read("input_cache_write_tokens")
    audio_in, audio_out = read("input_audio_tokens"), read("output_audio_tokens")
    uncached = read("input_tokens") - cached - written - audio_in
    if uncached < 0:
        raise ValueError(f"more tokens are cached or audio than input_tokens has: {dict(result)!r}")
    return {
        "input": uncached,
        "cache_read": cached,
        "cache_write_5m": written,
        "audio_input": audio_in,
        "output": read("output_tokens") - audio_out,
        "audio_output": audio_out,
        **{unit: read(name) for name, unit in _COUNTS.items() if name in result},
    }


def _cost(day: date, result: Mapping[str, Any]) -> BillLine:
    amount = cast("Mapping[str, Any]", result.get("amount") or {})
    cost_usd = in_usd(number(amount, "value"), word(amount, "currency"))
    if cost_usd and not word(result, "line_item"):
        raise ValueError(f"costs on {day} name no line_item: export them with group_by=line_item")
    model, _, what = (part.strip() for part in word(result, "line_item").partition(","))
    kind = what.lower()
    service_tier = next((one for one in ("batch", "flex", "priority") if one in kind), "")
    kind = kind.replace(service_tier, "").strip(" -,()")
    bare = "input" if not kind and model.startswith(_EMBEDDINGS) else WHOLE
    unit = _KINDS.get(kind, bare)
    quantity = number(result, "quantity") if unit != WHOLE else None
    return BillLine(day, PROVIDER, model, service_tier, unit, quantity, cost_usd)
