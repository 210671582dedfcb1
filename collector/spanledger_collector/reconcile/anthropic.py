"""Anthropic's organization exports: the messages usage report and the cost report.

Source: ``/v1/organizations/usage_report/messages`` (``group_by[]=model`` and ``service_tier``) and
``/v1/organizations/cost_report`` (``group_by[]=description``) of the Admin API reference. Counts
are disjoint. Amounts of the cost report are cents, as decimal text; priority tier is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, cast

from .bill import WHOLE, BillLine, day_of, in_usd, number, tier, word

PROVIDER: Final = "anthropic"
_CENTS: Final = Decimal(100)

_UNITS: Final[Mapping[str, str]] = {
    "uncached_input_tokens": "input",
    "cache_read_input_tokens": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h",
    "output_tokens": "output",
}


def lines(page: Any) -> Iterator[BillLine]:
    """The bill lines of one page of either report.

    Raises:
        ValueError: a figure or a time cannot be read, or the report was not grouped by model.
    """
    for bucket in cast("Mapping[str, Any]", page).get("data") or ():
        for result in bucket.get("results") or ():
            day = day_of(bucket.get("starting_at"))
            if "amount" in result:
                yield _cost(day, result)
            else:
                yield from _usage(day, result)


def _usage(day: date, result: Mapping[str, Any]) -> Iterator[BillLine]:
    created = cast("Mapping[str, Any]", result.get("cache_creation") or {})
    tools = cast("Mapping[str, Any]", result.get("server_tool_use") or {})
    quantities = {
        "input": number(result, "uncached_input_tokens"),
        "cache_read": number(result, "cache_read_input_tokens"),
        "cache_write_5m": number(created, "ephemeral_5m_input_tokens"),
        "cache_write_1h": number(created, "ephemeral_1h_input_tokens"),
        "output": number(result, "output_tokens"),
        "web_searches": number(tools, "web_search_requests"),
    }
    model, service_tier = word(result, "model"), tier(word(result, "service_tier"))
    if any(quantities.values()) and not model:
        raise ValueError(
            f"usage on {day} names no model: export it with group_by[]=model and "
            "group_by[]=service_tier"
        )
    for unit, quantity in quantities.items():
        if quantity:
            yield BillLine(day, PROVIDER, model, service_tier, unit, quantity, None)


def _cost(day: date, result: Mapping[str, Any]) -> BillLine:
    cents = number(result, "amount")
    cost_usd = in_usd(None if cents is None else cents / _CENTS, word(result, "currency"))
    if cost_usd and not word(result, "cost_type"):
        raise ValueError(f"costs on {day} name no kind: export them with group_by[]=description")
    unit = _UNITS.get(word(result, "token_type"), WHOLE)
    if word(result, "cost_type") == "web_search":
        unit = "web_searches"
    service_tier = tier(word(result, "service_tier"))
    return BillLine(day, PROVIDER, word(result, "model"), service_tier, unit, None, cost_usd)
