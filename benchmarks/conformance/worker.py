"""One process that asks one calculator for the cost of every case.

    python -m benchmarks.conformance.worker NAME < cases.json > answers.json

Started in the environment of that calculator, whose packages are loaded by name: nothing of
spanledger is imported. Each is told everything of a call that its public interface takes (tokens by
kind, tier, region, time) in its own terms; what it cannot be told is left out, and where nothing of
a call can be told, it is not asked. It answers offline, from the prices in its package.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any, Final

Case = Mapping[str, str]
_LONGEST_REASON: Final = 100


class NotAskedError(Exception):
    """Nothing of the call can be told."""


def _load(module: str) -> Any:
    return importlib.import_module(module)


def _count(case: Case, name: str) -> int:
    return int(case[name])


# --- genai-prices ---------------------------------------------------------------------------------
_GENAI_PROVIDERS: Final = {"bedrock": "aws", "vertex": "google", "xai": "x-ai"}
_GENAI_USAGE: Final = {
    "input_total": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write_5m": "cache_write_5m_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "output_total": "output_tokens",
    "reasoning": "output_reasoning_tokens",
    "audio_in": "input_audio_tokens",
    "audio_cached": "cache_audio_read_tokens",
    "audio_out": "output_audio_tokens",
    "image_in": "input_image_tokens",
    "image_out": "output_image_tokens",
    "web_searches": "web_searches",
    "audio_seconds": "audio_seconds",
    "characters": "input_characters",
    "rerank_searches": "rerank_searches",
}


def _genai_prices(case: Case) -> Decimal:
    genai = _load("genai_prices")
    usage = {theirs: _count(case, ours) for ours, theirs in _GENAI_USAGE.items()}
    usage = {name: amount for name, amount in usage.items() if amount}
    usage["cache_write_tokens"] = _count(case, "cache_write_5m") + _count(case, "cache_write_1h")
    context = {"processing": "batch"} if case["batch"] == "True" else {}
    context |= {"service_tier": case["tier"]} if case["tier"] else {}
    context |= {"speed": case["speed"]} if case["speed"] else {}
    price = genai.calc_price(
        genai.Usage(**usage),
        case["model"],
        provider_id=_GENAI_PROVIDERS.get(case["provider"], case["provider"]),
        genai_request_timestamp=datetime.fromisoformat(case["timestamp"]),
        price_context=context or None,
    )
    return Decimal(price.total_price)


# --- litellm --------------------------------------------------------------------------------------
_LITELLM_PROVIDERS: Final = {"vertex": "vertex_ai", "google": "gemini", "vllm": "hosted_vllm"}


def _litellm(case: Case) -> Decimal:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    litellm = _load("litellm")
    asked = {
        "model": case["model"],
        "custom_llm_provider": _LITELLM_PROVIDERS.get(case["provider"], case["provider"]),
        "region_name": case["region"] or None,
        "vertex_location": case["region"] or None if case["provider"] == "vertex" else None,
    }
    usage = _litellm_usage(case)
    if _count(case, "rerank_searches"):
        units = {"search_units": _count(case, "rerank_searches")}
        parts = litellm.cost_per_token(**asked, call_type="rerank", rerank_billed_units=units)
    elif _count(case, "audio_seconds"):
        seconds = float(case["audio_seconds"])
        parts = litellm.cost_per_token(
            **asked, call_type="transcription", audio_transcription_file_duration=seconds
        )
    elif case["batch"] == "True":
        parts = litellm.cost_per_token(**asked, call_type="aretrieve_batch", usage_object=usage)
    else:
        answer = litellm.ModelResponse(model=case["model"], usage=usage)
        asked |= {"service_tier": case["tier"] or None}
        # Its own proxy bills so; without it, prices by the hour are those of the hour of asking.
        moment = datetime.fromisoformat(case["timestamp"])
        with _load("litellm._internal_context").pinned_billing_time(moment):
            parts = [litellm.completion_cost(completion_response=answer, **asked)]
    return sum((Decimal(repr(float(part))) for part in parts), Decimal(0))


def _litellm_usage(case: Case) -> Any:
    types = _load("litellm.types.utils")
    written = {
        "ephemeral_5m_input_tokens": _count(case, "cache_write_5m"),
        "ephemeral_1h_input_tokens": _count(case, "cache_write_1h"),
    }
    writes = sum(written.values())
    extra: dict[str, Any] = {}
    if _count(case, "cache_read") or writes:
        extra["cache_read_input_tokens"] = _count(case, "cache_read")
        extra["cache_creation_input_tokens"] = writes
    extra |= {"speed": case["speed"]} if case["speed"] else {}
    extra |= {"inference_geo": case["geo"]} if case["geo"] else {}
    if searches := _count(case, "web_searches"):
        extra["server_tool_use"] = types.ServerToolUse(web_search_requests=searches)
    return types.Usage(
        prompt_tokens=_count(case, "input_total"),
        completion_tokens=_count(case, "output_total"),
        total_tokens=_count(case, "input_total") + _count(case, "output_total"),
        prompt_tokens_details=types.PromptTokensDetailsWrapper(
            cached_tokens=_count(case, "cache_read"),
            cache_creation_tokens=writes,
            cache_creation_token_details=types.CacheCreationTokenDetails(**written),
            audio_tokens=_count(case, "audio_in") or None,
            image_tokens=_count(case, "image_in") or None,
            **_litellm_cached_audio(case),
        ),
        completion_tokens_details=types.CompletionTokensDetailsWrapper(
            reasoning_tokens=_count(case, "reasoning") or None,
            audio_tokens=_count(case, "audio_out") or None,
            image_tokens=_count(case, "image_out") or None,
        ),
        **extra,
    )


def _litellm_cached_audio(case: Case) -> dict[str, Any]:
    audio = _count(case, "audio_cached")
    text = _count(case, "cache_read") - audio
    return {"cached_tokens_details": {"audio_tokens": audio, "text_tokens": text}} if audio else {}


# --- tokencost ------------------------------------------------------------------------------------
def _tokencost(case: Case) -> Decimal:
    """It takes input, cached input and output of a model, with no time, tier or region."""
    cached = _count(case, "cache_read")
    counts = {
        "input": _count(case, "input_total") - cached,
        "cached": cached,
        "output": _count(case, "output_total"),
    }
    if not any(counts.values()):
        raise NotAskedError("it is told tokens only")
    cost = _load("tokencost.costs").calculate_cost_by_tokens
    # Its map has prices by provider and name, and it falls back to those by name alone.
    model = f"{_LITELLM_PROVIDERS.get(case['provider'], case['provider'])}/{case['model']}"
    return sum((cost(count, model, kind) for kind, count in counts.items() if count), Decimal(0))


CALCULATORS: Final[Mapping[str, Callable[[Case], Decimal]]] = {
    "genai-prices": _genai_prices,
    "litellm": _litellm,
    "tokencost": _tokencost,
}


def _answer(calculate: Callable[[Case], Decimal], case: Case) -> dict[str, str]:
    """An amount, or in the calculator's own words why there is none."""
    try:
        amount = calculate(case)
    except NotAskedError as error:
        return {"not_asked": str(error)}
    except Exception as error:  # noqa: BLE001 -- whatever a calculator raises is its answer
        words = " ".join(str(error).split())[:_LONGEST_REASON]
        return {"refused": f"{type(error).__name__}: {words}"}
    return {"usd": f"{round(amount, 12).normalize():f}"}


def main(name: str) -> None:
    """Answer the cases on standard input."""
    warnings.simplefilter("ignore")
    calculate = CALCULATORS[name]
    answers = {case["case_id"]: _answer(calculate, case) for case in json.load(sys.stdin)}
    told = {"version": version(name), "answers": answers}
    # A calculator may print by itself: the last line is ours.
    print("\n" + json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
