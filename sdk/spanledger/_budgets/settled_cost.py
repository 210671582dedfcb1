"""What a call did cost, from its usage and the rate card: what a budget pays in the end.

The ledger's cost of the call is the price book's, dated and exact; this one differs where the card
knows less (contracts, regions, hours of the day).
"""

from __future__ import annotations

from typing import Final

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage
from spanledger.rates import Buckets, ModelRates, Rates
from spanledger.rates.card import ATTO

#: Parts of the totals with a rate of their own: attribute -> unit, and whether it is output.
_PARTS: Final = {
    semconv.USAGE_AUDIO_INPUT_TOKENS: ("audio_input", False),
    semconv.USAGE_IMAGE_INPUT_TOKENS: ("image_input", False),
    semconv.USAGE_VIDEO_INPUT_TOKENS: ("video_input", False),
    semconv.USAGE_AUDIO_OUTPUT_TOKENS: ("audio_output", True),
    semconv.USAGE_IMAGE_OUTPUT_TOKENS: ("image_output", True),
    semconv.USAGE_VIDEO_OUTPUT_TOKENS: ("video_output", True),
}
#: Counts of units may be fractions (seconds): this many of a unit.
_FINE: Final = 10**6


def settled_cost(known: ModelRates | None, answer: Answer) -> int | None:
    """Atto-USD of an answer with usage; None = nobody can tell.

    Without rates, what the provider says that it cost.
    """
    usage = answer.usage
    if known is not None:
        given, made = usage.input_tokens or 0, usage.output_tokens or 0
        row = known.at(given, answer.service_tier)
        tokens = Buckets(
            given,
            made,
            usage.cache_read_tokens,
            usage.cache_write_5m_tokens,
            usage.cache_write_1h_tokens,
        )
        cost = None if row is None else row.cost(tokens)
        beside = None if row is None else _beside_tokens(row, usage)
        if cost is not None and beside is not None:
            return max(0, cost + beside)
    return None if usage.cost_usd is None else int(usage.cost_usd * ATTO)


def _beside_tokens(row: Rates, usage: Usage) -> int | None:
    """What units cost, and what parts of the totals cost more or less than text."""
    total = 0
    for unit, count in (usage.units or {}).items():
        rate = row.units.get(unit) or row.units.get(f"{unit.partition('.')[0]}.*")
        if rate is None:
            return None
        usd, per = rate
        total += usd * int(count * _FINE) // (per * _FINE)
    for name, count in (usage.parts or {}).items():
        unit, output = _PARTS.get(name, ("", False))
        rate = row.units.get(unit)
        if rate is not None:
            usd, per = rate
            total += count * usd // per - count * ((row.output if output else row.input) or 0)
    return total
