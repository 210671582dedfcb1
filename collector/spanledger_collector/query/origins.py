"""What stands behind a figure: attempts, and the model ids of them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from .breakdowns import Slice
from .parsing import parse_rows
from .reader import Row


@dataclass(frozen=True, slots=True)
class Behind:
    """Which counted attempts a figure sums; those of any kind by default.

    Attributes:
        part: the part of the ledger that the figure is of.
        by: what ``key`` is: agent, version, model, prompt or tenant, as in ``Ledger.rework``;
            total = any key.
        key: the key of the figure's row.
        only: words with a comma between: ``calls`` of models, ``work`` (neither judging nor
            guarding), ``rework`` (wasted), ``used`` (work that was not), ``appraisal`` (judging),
            ``prevention`` (guarding), ``quality`` (either, or wasted).
        rework_reason: wasted for this reason; empty = any, and what was not wasted.
        price_status: whether the cost is known; empty = any.
        usage_source: who told the tokens; empty = any.
        price_id: priced by this row of the price book; empty = by any, or by none.
        model_ids: provider, model asked for, model that answered, and provider and model priced as:
            those that have all five, empty ones included; none = any.
        path: kind and name of each step from the outermost agent, as of ``Ledger.cost_paths``:
            those at or below it; none = any.
    """

    part: Slice = Slice()  # noqa: RUF009 - frozen
    by: str = "total"
    key: str = ""
    only: str = ""
    rework_reason: str = ""
    price_status: str = ""
    usage_source: str = ""
    price_id: str = ""
    model_ids: tuple[str, ...] = ()
    path: tuple[tuple[str, str], ...] = ()

    def parameters(self) -> dict[str, object]:
        """Those of a named query; what is not given is left to its default."""
        named = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "part"}
        lists = {name: json.dumps(named[name]) for name in ("model_ids", "path") if named[name]}
        told = {name: value for name, value in named.items() if value}
        return {**self.part.parameters(), **told, **lists}


@dataclass(frozen=True, slots=True)
class AttemptBehindRow:
    """One counted attempt (query ``attempts_behind``)."""

    started_at: datetime
    trace_id: str
    span_id: str
    attempt_number: int
    operation: str
    agent_name: str
    agent_version: str
    tenant: str
    provider: str
    request_model: str
    response_model: str
    priced_provider: str
    priced_model: str
    price_status: str
    usage_source: str
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    outcome: str
    error_type: str
    rework_reason: str
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class ModelsBehindRow:
    """Attempts of one model id (query ``models_behind``); ``all_*`` is of every one asked for."""

    provider: str
    request_model: str
    response_model: str
    priced_provider: str
    priced_model: str
    price_status: str
    usage_source: str
    attempts: int
    tokens: int
    cost_usd: Decimal | None
    all_models: int
    all_attempts: int
    all_unpriced_attempts: int
    all_tokens: int
    all_cost_usd: Decimal | None


_ANY = Behind()


class Origins(ABC):
    """Where figures come from; :class:`Ledger` answers it."""

    @abstractmethod
    def query(self, name: str, **parameters: object) -> list[Row]:
        """Rows of any named query; see :meth:`Ledger.query`."""

    def attempts_behind(
        self, figure: Behind = _ANY, *, limit: int = 100, offset: int = 0
    ) -> Sequence[AttemptBehindRow]:
        """The attempts that a figure sums, dearest first; ``explain`` tells how each came about.

        Args:
            figure: which attempts.
            limit: at most so many.
            offset: so many of the dearest are left out.
        """
        asked = {**figure.parameters(), "limit": limit, "offset": offset}
        return parse_rows(AttemptBehindRow, self.query("attempts_behind", **asked))

    def models_behind(
        self, figure: Behind = _ANY, *, limit: int = 100, offset: int = 0
    ) -> Sequence[ModelsBehindRow]:
        """The model ids of these attempts as called, answered and priced, dearest first.

        Args:
            figure: which attempts.
            limit: at most so many.
            offset: so many of the dearest are left out.
        """
        asked = {**figure.parameters(), "limit": limit, "offset": offset}
        return parse_rows(ModelsBehindRow, self.query("models_behind", **asked))
