"""What calls cost by model, and what they would have cost at other prices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from .decisions import period
from .parsing import parse_rows
from .reader import Row
from .repricing import By, RepricedRow, Scenario
from .rows import ChargeRow, CoverageRow, ModelRow
from .service_tiers import check_has_price


class Priced(ABC):
    """Questions about prices; :class:`Ledger` answers them."""

    @abstractmethod
    def query(self, name: str, **parameters: object) -> list[Row]:
        """Rows of a named query."""

    @abstractmethod
    def check_priced(self, provider: str, model: str) -> None:
        """The book has a price of this model; raises NotFoundError where it has none."""

    def models(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[ModelRow]:
        """Cost and tokens per provider and model over a period."""
        return parse_rows(ModelRow, self.query("models", **period(since, until)))

    def reprice(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        by: By = "total",
        scenario: Scenario | None = None,
        as_known_at: datetime | None = None,
        as_valid_at: datetime | None = None,
    ) -> Sequence[RepricedRow]:
        """What attempts were billed, beside what they cost at other prices or made otherwise.

        Nothing is written. Without a scenario: as billed, beside as known now.

        Args:
            since: from this start of a call on; None = from the first.
            until: before this one; None = to the last.
            by: what a row of the answer is.
            scenario: what is changed of the calls.
            as_known_at: the prices known then; None = now.
            as_valid_at: the prices valid then; None = when each call was made.

        Raises:
            NotFoundError: the ledger has no price of the scenario's model, or none in its tier.
            PermanentError: the scenario cannot be.
        """
        changed = scenario or Scenario()
        asked = {**period(since, until), **changed.parameters(), "by": by}
        if as_known_at is not None:
            asked["as_known_at"] = as_known_at
        if as_valid_at is not None:
            asked["as_valid_at"] = as_valid_at
        if changed.model:
            self.check_priced(changed.provider, changed.model)
        check_has_price(self.query, changed.tier)
        return parse_rows(RepricedRow, self.query("reprice", **asked))

    def coverage(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[CoverageRow]:
        """How much of the usage is priced, by price status."""
        return parse_rows(CoverageRow, self.query("coverage", **period(since, until)))

    def charges(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[ChargeRow]:
        """What is counted by day, model, service tier and unit: the side a bill is held against."""
        return parse_rows(ChargeRow, self.query("charges_by_day", **period(since, until)))
