"""The errors a user of the SDK can meet.

    SpanledgerError
    ├── ConfigurationError (ValueError)   a setting that cannot be used; never leaves ``init``
    ├── UsageError (TypeError)            a decorator on something that cannot be measured
    └── BudgetExceededError               a model call that was not made, for it is too much

Telemetry never raises into a running call. What reaches the application is :class:`UsageError`, at
decoration time, the first time the module is imported; :class:`ConfigurationError` where a budget
is made of what it cannot be made of, or what is none is put on a function; and, only where a budget
was asked to raise, :class:`BudgetExceededError`, in the place of a request that is then not sent.
"""

from __future__ import annotations

import functools
from decimal import Decimal


class SpanledgerError(Exception):
    """Base of every error of the SDK."""


class ConfigurationError(SpanledgerError, ValueError):
    """A setting that cannot be used; ``init`` turns it into one warning and stays off."""


class UsageError(SpanledgerError, TypeError):
    """A decorator was put on an object that is neither a function nor a method."""


class BudgetExceededError(SpanledgerError):
    """A model call may cost more than is left of a budget; nothing was sent.

    Attributes:
        budget: the budget's name.
        key: the run, agent or tenant whose money it is; empty where nobody is named.
        limit_usd: what may be spent.
        spent_usd: what ended calls cost.
        reserved_usd: what calls that are running may cost at most.
        wanted_usd: what this call may cost at most; None where nobody can tell.
    """

    def __init__(
        self,
        budget: str,
        key: str,
        *,
        limit_usd: Decimal,
        spent_usd: Decimal,
        reserved_usd: Decimal,
        wanted_usd: Decimal | None,
    ) -> None:
        super().__init__()
        self.budget = budget
        self.key = key
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd
        self.reserved_usd = reserved_usd
        self.wanted_usd = wanted_usd

    def __reduce__(self) -> tuple[object, ...]:
        told = dict(self.__dict__)
        return functools.partial(type(self), told.pop("budget"), told.pop("key"), **told), ()

    @property
    def summary(self) -> str:
        """Whose budget it is, what the call may cost, and what there is."""
        whose = f" of {self.key!r}" if self.key else ""
        wanted = (
            "nobody can tell beforehand what this call costs"
            if self.wanted_usd is None
            else f"this call may cost {_plain(self.wanted_usd)}"
        )
        return (
            f"budget {self.budget!r}{whose}: {wanted}, with {_plain(self.spent_usd)} spent and "
            f"{_plain(self.reserved_usd)} reserved of {_plain(self.limit_usd)}"
        )

    def __str__(self) -> str:
        todo = (
            "give the model rates by init(rates=...), or the budget on_unknown='warn'"
            if self.wanted_usd is None
            else "raise the limit, or set a lower output limit"
        )
        return f"{self.summary}. Nothing was sent: {todo}"


def _plain(amount: Decimal) -> str:
    digits = f"{amount:f}"
    return "$" + (digits.rstrip("0").rstrip(".") if "." in digits else digits)
