"""Cloud bills: AWS Cost and Usage Reports (1 and 2) and FOCUS, whose columns differ in name only.

Sources: the AWS data dictionary of ``lineItem/*`` and ``line_item_*`` columns; the FOCUS
specification 1.0 to 1.2. What a line is for stands in its usage type or SKU
(``USE1-Claude4.5Sonnet-cache-read-input-token-count``); quantities count by the unit that the bill
itself names (``1K tokens``, ``1M tokens``), and are unknown where it names none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from .bill import WHOLE, BillLine, Remark, day_of, in_usd, number, word

#: Service that bills -> provider as spans name it.
_SERVICES: Final[Sequence[tuple[str, str]]] = (
    ("bedrock", "aws.bedrock"),
    ("azure openai", "azure.ai.openai"),
    ("cognitive services", "azure.ai.openai"),
    ("foundry", "azure.ai.openai"),
    ("vertex", "gcp.vertex_ai"),
    ("gemini api", "gcp.gemini"),
    ("generative language", "gcp.gemini"),
    ("openai", "openai"),
    ("anthropic", "anthropic"),
    ("claude", "anthropic"),
)
#: First match wins: the words of a usage type, without its punctuation.
_KINDS: Final[Sequence[tuple[str, str]]] = (
    ("cachewrite1h|1hcachewrite", "cache_write_1h"),
    ("cachewrite", "cache_write_5m"),
    ("cacheread|cached|cchd", "cache_read"),
    ("input|prompt|inp(?!aint)", "input"),
    ("output|completion|response|outp|opt(?:glbl|regnl|dz)", "output"),
)
#: Kinds of charge that are usage: of FOCUS, and of a Cost and Usage Report.
_USAGE: Final = frozenset({
    "", "usage", "discountedusage", "savingsplancoveredusage",
})  # fmt: skip
#: Columns of a quantity and of its unit, the consumed one first.
_QUANTITIES: Final = (
    ("lineItem/UsageAmount", "pricing/unit"),
    ("line_item_usage_amount", "pricing_unit"),
    ("ConsumedQuantity", "ConsumedUnit"),
    ("PricingQuantity", "PricingUnit"),
)
_TIERS: Final = ("batch", "flex", "priority")
#: ``1K tokens``, ``1K``, ``1000 tokens``, ``count``; a bare ``Units`` says nothing.
_UNIT: Final = re.compile(r"(\d+)?\s*([km])?\s*(?:tokens?|counts?)|(\d+)\s*([km])?", re.IGNORECASE)
_FACTORS: Final = {"": 1, "k": 1_000, "m": 1_000_000}
#: Words of a usage type that name no model.
_NO_MODEL: Final = re.compile(
    r"^(?:[A-Z]{2,4}\d|mp|cross|region|data|zone|on-?demand|tokens?|count|units|input|output|cache|read|write|"
    r"batch|flex|priority|standard|amazon|bedrock|edition|usage|text|inp|outp|glbl|regnl|dzone|dzn|"
    r"cached|cchd|predictions|(?:cache(?:read|write(?:1h)?))?(?:in|out)puttokencount|\d[hkm])$",
    re.IGNORECASE,
)


def _column(fields: Mapping[str, str], *names: str) -> str:
    return next((name for name in names if fields.get(name)), names[0])


def is_cloud(header: Sequence[str]) -> bool:
    """Whether these are the columns of one of the formats."""
    named = set(header)
    return bool(
        named & {"lineItem/UnblendedCost", "line_item_unblended_cost"}
        or named >= {"BilledCost", "ChargePeriodStart"}
    )


def lines(rows: Iterator[Mapping[str, str]]) -> Iterator[BillLine | Remark]:
    """Bill lines of the usage of model services; charges of other services are left out.

    Tax, credits, refunds, fees and discounts of model services are no usage: each is a remark.

    Raises:
        ValueError: a figure or a time cannot be read.
    """
    for number_of_line, row in enumerate(rows, 2):
        provider = _provider(row)
        if provider:
            yield from _read(f"line {number_of_line}", row, provider)


def _read(place: str, row: Mapping[str, str], provider: str) -> Iterator[BillLine | Remark]:
    line = _line(row, provider)
    charge = word(row, _column(
        row, "lineItem/LineItemType", "line_item_line_item_type", "ChargeCategory"
    ))  # fmt: skip
    correction = word(row, "ChargeClass")
    if charge.lower() not in _USAGE or correction:
        yield Remark(
            place, line.model or provider, f"{correction or charge}, no usage", line.cost_usd
        )
        return
    yield line
    told = [(word(row, amount), word(row, unit)) for amount, unit in _QUANTITIES]
    told = [(amount, unit) for amount, unit in told if amount]
    if line.quantity is None and told:
        amount, unit = told[0]
        what = f"{line.model or provider}, {line.unit or 'no unit of the price book'}"
        yield Remark(
            place, what, f"quantity {amount} {unit!r} cannot be read; its cost is compared"
        )


def _provider(row: Mapping[str, str]) -> str:
    columns = (
        "lineItem/ProductCode", "line_item_product_code", "product/ProductName",
        "product_product_name", "ServiceName", "product_servicecode", "product/servicecode",
        "lineItem/LineItemDescription", "line_item_line_item_description",
    )  # fmt: skip
    told = " ".join(word(row, name) for name in columns).lower()
    return next((provider for mark, provider in _SERVICES if mark in told), "")


def _line(row: Mapping[str, str], provider: str) -> BillLine:
    cost = _column(row, "lineItem/UnblendedCost", "line_item_unblended_cost", "BilledCost")
    start = _column(
        row, "lineItem/UsageStartDate", "line_item_usage_start_date", "ChargePeriodStart"
    )
    currency = _column(row, "lineItem/CurrencyCode", "line_item_currency_code", "BillingCurrency")
    kind = word(row, _column(
        row, "lineItem/UsageType", "line_item_usage_type", "SkuMeter", "SkuId", "SkuPriceId"
    ))  # fmt: skip
    squeezed = re.sub(r"[^a-z0-9]", "", kind.lower())
    unit = next((unit for words, unit in _KINDS if re.search(words, squeezed)), WHOLE)
    return BillLine(
        day=day_of(row[start]),
        provider=provider,
        model=_model(row, kind),
        service_tier=next((one for one in _TIERS if one in squeezed), ""),
        unit=unit,
        quantity=_quantity(row) if unit else None,
        cost_usd=in_usd(number(row, cost), word(row, currency)),
    )


def _quantity(row: Mapping[str, str]) -> Decimal | None:
    """The first quantity whose unit the bill names."""
    for amount, unit in _QUANTITIES:
        told, factor = number(row, amount), _factor(word(row, unit))
        if told is not None and factor:
            return told * factor
    return None


def _factor(unit: str) -> Decimal | None:
    found = _UNIT.fullmatch(unit)
    if found is None:
        return None
    return Decimal(found[1] or found[3] or 1) * _FACTORS[(found[2] or found[4] or "").lower()]


def _model(row: Mapping[str, str], usage_type: str) -> str:
    """The model's name, where the bill has one; else what is left of the usage type."""
    for name in ("product/model", "product_model", "x_Model", "product/titanModel"):
        if word(row, name):
            return word(row, name)
    left = _left(usage_type)
    if [one for one in left if one.lower() != "global"]:
        return "-".join(left)
    # Usage types of the Marketplace name no model, its products do: X (Amazon Bedrock Edition).
    product = word(row, _column(row, "product/ProductName", "product_product_name"))
    return "-".join([*_left(re.sub(r"\(.*?\)", "", product)), *left])


def _left(text: str) -> Sequence[str]:
    return [one for one in re.split(r"[-_: ]+", text) if one and not _NO_MODEL.match(one)]
