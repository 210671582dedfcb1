"""The file of value rules, read and checked whole before any of it is used.

::

    value_rules:
      - agent: support
        per: success                   # run | success | a unit that outcomes record
        amount: "4.50"
        currency: EUR
        valid_from: 2026-01-01
        why: price list 2026, page 3
      - agent: support
        version: "2"                   # also tenant, workspace: the most particular rule counts
        per: minutes_saved
        amount: "0.80"
        valid_from: 2026-03-01
        decay: { grace_seconds: 30, half_life_seconds: 120, zero_after_seconds: 3600 }

A rule holds for runs that begin from ``valid_from`` until ``valid_to``, or until another rule of
the same scope and ``per`` begins. Amounts are quoted text (a YAML float has lost the exact value).
"""

from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from spanledger_collector.document import read_document
from spanledger_collector.errors import ConfigurationError

_FOREVER = datetime(2299, 12, 31, tzinfo=timezone.utc)


def _quoted(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError("write the amount in quotes: a number with a point is not exact")  # noqa: TRY004 -- pydantic tells ValueErrors
    return value


def _instant(value: Any) -> Any:
    """A day is its first instant in UTC; so is a time without a zone."""
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


Amount = Annotated[Decimal, BeforeValidator(_quoted), Field(max_digits=26, decimal_places=12)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class Decay(_Strict):
    """How value shrinks with the latency of a run.

    Attributes:
        grace_seconds: until then it is whole.
        half_life_seconds: after so many more it is half; 0 = it does not shrink.
        zero_after_seconds: a run that takes this long is worth nothing; 0 = there is no such limit.
    """

    grace_seconds: Seconds = 0.0
    half_life_seconds: Seconds = 0.0
    zero_after_seconds: Seconds = 0.0


class ValueRule(_Strict):
    """What one execution, one success or one unit is worth.

    Attributes:
        per: ``run``, ``success``, or the name of a unit that outcomes record.
        agent, version, tenant, workspace: whose runs; empty = all.
        amount: in the currency (code of ISO 4217).
        decay: with latency.
        valid_from, valid_to: for runs that begin in this time (the end is exclusive).
        why: where the amount comes from.
    """

    per: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    amount: Amount
    valid_from: Instant
    valid_to: Instant = _FOREVER
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    agent: str = ""
    version: str = ""
    tenant: str = ""
    workspace: str = ""
    decay: Decay = Decay()
    why: str = ""

    @model_validator(mode="after")
    def _ends_after_its_begin(self) -> "ValueRule":
        if self.valid_to <= self.valid_from:
            raise ValueError("valid_to is not after valid_from")
        return self

    def key(self) -> tuple[str, str, str, str, str, datetime]:
        """What makes two entries the same rule."""
        return (
            self.workspace,
            self.agent,
            self.version,
            self.tenant,
            self.per,
            self.valid_from,
        )


class _Document(_Strict):
    value_rules: list[ValueRule]


def read_rules(path: Path) -> list[ValueRule]:
    """The rules of a file.

    Raises:
        ConfigurationError: it cannot be read, a rule is not one, or two are for the same.
    """
    rules = read_document(path, _Document, "value rules", entry="rule").value_rules
    seen: set[object] = set()
    for rule in rules:
        if rule.key() in seen:
            raise ConfigurationError(
                f"value rules of {path}: two rules per {rule.per} of agent {rule.agent or 'any'!r} "
                f"are valid from {rule.valid_from:%Y-%m-%d}; leave one, or give it another day"
            )
        seen.add(rule.key())
    return rules
