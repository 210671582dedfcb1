"""What a period would have cost: at the prices known now or then, or made otherwise.

The arithmetic is the ledger's own (``sql/arithmetic/price.sql``); nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from spanledger_collector.errors import PermanentError

#: What a row of the answer is.
By = Literal["total", "day", "month", "agent", "tenant", "model", "tier"]
_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is changed of the calls; nothing by default.

    Token counts stay as they were: another model's tokenizer would count the same text otherwise.

    Attributes:
        of_model: only calls of this model (as asked for, answered or priced); empty = all.
        provider: price them as this provider's, in the book's spelling; together with ``model``.
        model: price them as this model, by the book's name (``spanledger prices show`` tells it).
        tier: ``standard``, ``batch``, ``flex``, ``priority``, ...; empty = as served.
        region: where inference runs; ``anywhere`` = no region; empty = as it was.
        cache_read_share: cached part of uncached and cached input, 0 to 1; None = as it was.
            Cache writes stay as they are.
    """

    of_model: str = ""
    provider: str = ""
    model: str = ""
    tier: str = ""
    region: str = ""
    cache_read_share: Decimal | float | None = None

    def parameters(self) -> Mapping[str, object]:
        """Those of the query ``reprice``.

        Raises:
            PermanentError: a model without its provider or the reverse, or a share outside 0 to 1.
        """
        if bool(self.provider) != bool(self.model):
            only = self.provider or self.model
            raise PermanentError(f"a scenario names both a provider and a model, not only {only!r}")
        share = -1
        if self.cache_read_share is not None:
            share = int(_share(self.cache_read_share) * _PPM)
        return {
            "of_model": self.of_model,
            "set_provider": self.provider,
            "set_model": self.model,
            "set_tier": self.tier,
            "set_region": self.region,
            "set_cache_read_ppm": share,
        }


def _share(told: Decimal | float) -> Decimal:
    try:
        exact = Decimal(str(told))
    except InvalidOperation:
        exact = Decimal("NaN")
    if not (exact.is_finite() and 0 <= exact <= 1):
        raise PermanentError(f"cache_read_share is {told}; give a share from 0 to 1")
    return exact


@dataclass(frozen=True, slots=True)
class RepricedRow:
    """What attempts were billed and what they cost in a scenario (query ``reprice``)."""

    key: str
    attempts: int
    input_tokens: int
    output_tokens: int
    billed_usd: Decimal | None
    billed_unknown_attempts: int
    billed_partial_attempts: int
    billed_stand_in_attempts: int
    repriced_usd: Decimal | None
    repriced_unknown_attempts: int
    repriced_partial_attempts: int
    repriced_stand_in_attempts: int
    difference_usd: Decimal | None
    compared_attempts: int
    estimated_usd: Decimal | None
    missing: tuple[str, ...]
