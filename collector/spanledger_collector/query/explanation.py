"""How a number came about: every attempt with its lines, its price row and the reasons in words.

The lines come from the view ``charges``, the price row is the one the attempt names; nothing is
priced here. A person can redo the sum on paper: quantity x rate for each line, added, rounded once
half even to 12 decimals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from .dollars import exact_dollars
from .explained_rows import ChargeLineRow, ExplainedAttemptRow
from .rate_reasons import rate_reasons
from .reader import Row

_STORED: Final = Decimal(1).scaleb(-12)
#: Of ``unpriced_units``: a service tier that has no rates, whose usage standard rates price.
OTHER_TIER: Final = "service_tier:"
#: Exact products have up to 20 digits before the point and 24 after it.
_OPEN_YEAR: Final = 2299
#: Of an alias that held always, or was known from the first call on.
_FIRST_YEAR: Final = 1970

_EXCLUDED: Final = {
    "engine": "the model server's own span of a call that its client told",
    "not_billable": "an operation that bills nothing",
    "aggregate": "a sum of calls below it, which are counted themselves",
    "duplicate_response": "the same answer told by another span",
    "duplicate_nested": "the same call told by what is around or inside it",
    "duplicate_beside": "the same call told a second time beside it",
    "empty": "a span without usage",
}
_UNKNOWN: Final = {
    "unpriced": "the price book has no rate for it",
    "unmetered": "nobody told its usage, or it was told as what no usage can be (zero of "
    "everything, negative, no number, 2^27 and more), and it may have been billed",
}


@dataclass(frozen=True, slots=True)
class SpanPlaceRow:
    """A trace that has a span of the id asked for."""

    trace_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """One attempt explained.

    Attributes:
        attempt: what was called, what it cost, and the price row.
        lines: quantity, rate and cost of every unit used.
        exact_usd: the sum of the lines, not rounded; None when no line has a cost.
        reasons: why this price row, this tier, these tokens, in words and in order.
    """

    attempt: ExplainedAttemptRow
    lines: Sequence[ChargeLineRow]
    exact_usd: Decimal | None
    reasons: Sequence[str]

    @property
    def adds_up(self) -> bool:
        """Whether the lines, rounded once, are the cost of the attempt."""
        if self.exact_usd is None or self.attempt.cost_usd is None:
            return self.attempt.cost_usd in (None, Decimal(0))
        return self.exact_usd.quantize(_STORED, ROUND_HALF_EVEN) == self.attempt.cost_usd


def lines_of(attempts: Iterable[Row], lines: Iterable[Row]) -> list[Row]:
    """The lines of these attempts' spans, as queries answer both."""
    spans = {row["span_id"] for row in attempts}
    return [line for line in lines if line["span_id"] in spans]


def explain(
    attempts: Sequence[ExplainedAttemptRow], lines: Sequence[ChargeLineRow]
) -> list[Explanation]:
    """Attempts with their lines, in the order of the attempts."""
    by_attempt: dict[tuple[str, int, str], list[ChargeLineRow]] = defaultdict(list)
    for line in lines:
        by_attempt[line.span_id, line.attempt_number, line.operation].append(line)
    found: list[Explanation] = []
    for attempt in attempts:
        mine = by_attempt[attempt.span_id, attempt.attempt_number, attempt.operation]
        costs = [line.cost_usd for line in mine if line.cost_usd is not None]
        exact = sum(costs, Decimal(0)) if costs else None
        found.append(Explanation(attempt, mine, exact, list(_reasons(attempt, mine))))
    return found


def _reasons(a: ExplainedAttemptRow, lines: Sequence[ChargeLineRow]) -> Iterator[str]:
    yield from _counting(a)
    yield from _usage(a)
    if a.price_status == "not_billed" and a.outcome == "ok":
        yield "not billed: its teller says that nothing is"
    elif a.price_status == "not_billed":
        yield f"not billed: refused with {a.error_type or 'an error'}, and no usage was reported"
    else:
        if a.price_id:
            yield from _price(a)
            yield from rate_reasons(a, lines)
        if a.price_status in _UNKNOWN:
            yield f"cost unknown, not zero: {_UNKNOWN[a.price_status]}"
    absent = [unit for unit in a.unpriced_units if not unit.startswith(OTHER_TIER)]
    if absent:
        yield f"without a rate, so not in the sum: {', '.join(absent)}"
    if a.emitted_cost_usd is not None:
        yield f"its emitter claimed {exact_dollars(a.emitted_cost_usd)}; kept beside, never used"


def _counting(a: ExplainedAttemptRow) -> Iterator[str]:
    if not a.counted:
        twin = f" (counted: span {a.duplicate_of})" if a.duplicate_of else ""
        yield f"not in any sum: {_EXCLUDED.get(a.excluded_reason, a.excluded_reason)}{twin}"
    if a.rework_reason:
        yield f"counts as rework: {a.rework_reason}"


def _usage(a: ExplainedAttemptRow) -> Iterator[str]:
    if a.usage_source == "provider" and a.usage_assumed:
        yield (
            "tokens: as reported, but what contains what was assumed: whether the cached tokens "
            "are in the input, or the reasoning in the output, is not said or cannot be"
        )
    elif a.usage_source == "provider":
        yield "tokens: as the provider reported them"
    if "output_untold" in a.unpriced_units:
        yield "output: nobody told it, and an answer has some: its cost is not in the sum"
    if a.usage_source == "estimated" and a.cost_usd == a.cost_low_usd == a.cost_high_usd:
        yield "units: counted in the request, because the provider reports none"
    elif a.usage_source == "estimated":
        cut = ", of a stream that ended early" if a.usage_partial else ""
        yield (
            f"tokens: estimated with a tokenizer{cut}; the cost lies between "
            f"{_money(a.cost_low_usd)} and {_money(a.cost_high_usd)}"
        )


def _price(a: ExplainedAttemptRow) -> Iterator[str]:
    seen = a.response_model or a.request_model
    yield (
        f"price: {a.priced_provider}/{a.priced_model} ({a.alias_method or 'exact'} match of "
        f"{a.provider}/{seen}), row {a.price_id}"
    )
    if a.alias_method == "operator" or a.alias_known_from.year > _FIRST_YEAR:
        yield _alias(a, seen)
    until = "" if a.valid_to.year >= _OPEN_YEAR else f" to {_time(a.valid_to)}"
    yield f"valid from {_time(a.valid_from)}{until}; the call started {_time(a.started_at)}"
    yield f"known from {_time(a.known_from)}; the span was received {_time(a.received_at)}"
    yield _tier(a)
    yield _context(a)
    yield f"source: {a.source_url or 'not told'} ({a.upstream})"


def _alias(a: ExplainedAttemptRow, seen: str) -> str:
    """Since when a name means what it means: of the operator's, or one that was told anew."""
    since = "always" if a.alias_valid_from.year <= _FIRST_YEAR else _time(a.alias_valid_from)
    until = "" if a.alias_valid_to.year >= _OPEN_YEAR else f" to {_time(a.alias_valid_to)}"
    known = "the first" if a.alias_known_from.year <= _FIRST_YEAR else _time(a.alias_known_from)
    return f"name: {a.provider}/{seen} means that from {since}{until}; known from {known}"


def _tier(a: ExplainedAttemptRow) -> str:
    wanted, given = a.service_tier or "standard", a.price_tier or "standard"
    if wanted == given:
        return f"service tier: {given}"
    return (
        f"service tier: {wanted} was used and has no rates; {given} rates stand in, so the cost is "
        "not exact and may be less"
    )


def _context(a: ExplainedAttemptRow) -> str:
    total = (
        a.input_uncached_tokens
        + a.cache_read_tokens
        + a.cache_write_5m_tokens
        + a.cache_write_1h_tokens
    )
    if a.context_over_tokens:
        return (
            f"long context: {total:,} input tokens are more than {a.context_over_tokens:,}, so "
            "the whole request has this row's rates"
        )
    return f"context: base rates at {total:,} input tokens"


def _money(amount: Decimal | None) -> str:
    return "unknown" if amount is None else exact_dollars(amount)


def _time(moment: datetime) -> str:
    return (
        f"{moment:%Y-%m-%d}" if not (moment.hour or moment.minute) else f"{moment:%Y-%m-%d %H:%M}"
    )
