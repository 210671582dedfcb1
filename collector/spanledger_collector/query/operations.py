"""Which calls a model can stand in for: those of a kind that it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .economics import Ask
from .parsing import parse_rows

#: Different calls of one kind: a model that answers one of them can answer all.
_GENERATING: Final = frozenset({"chat", "text_completion", "generate_content"})
#: Of a model that nobody called and whose output has no rate, where the agent makes such calls.
_ONLY_INPUT: Final = frozenset({"embeddings"})


@dataclass(frozen=True, slots=True)
class ModelOperationsRow:
    """Calls of one kind that a model answered (query ``model_operations``)."""

    provider: str
    model: str
    operation: str
    attempts: int
    own_attempts: int


@dataclass(frozen=True, slots=True)
class Operations:
    """What the models of a ledger were called for.

    Attributes:
        rows: by model and operation, most used first.
    """

    rows: Sequence[ModelOperationsRow]

    @classmethod
    def of(cls, ask: Ask, agent_name: str, period: Mapping[str, object]) -> Operations:
        """Those of a period; own ones are the agent's."""
        found = ask("model_operations", agent_name=agent_name, **period)
        return cls(parse_rows(ModelOperationsRow, found))

    def own(self) -> frozenset[str]:
        """What the agent calls models for."""
        return frozenset(row.operation for row in self.rows if row.own_attempts)

    def answered_by(self, provider: str, model: str) -> frozenset[str]:
        """What this model can be called for; nothing, where nobody did."""
        found = {
            row.operation for row in self.rows if (row.provider, row.model) == (provider, model)
        }
        return frozenset(found | _GENERATING if found & _GENERATING else found)

    def others(self) -> Sequence[tuple[str, str]]:
        """Models that could answer calls of the agent and do not: most used first."""
        own_models = {row.model for row in self.rows if row.own_attempts}
        seen = dict.fromkeys((row.provider, row.model) for row in self.rows)
        return [
            pair
            for pair in seen
            if pair[1] not in own_models and self.answered_by(*pair) & self.own()
        ]


def changed_operations(
    ask: Ask, operations: Operations, provider: str, model: str
) -> tuple[Sequence[str], Sequence[str]]:
    """Kinds of the agent's calls that the model could answer, and those that stay as they are."""
    answered, own = operations.answered_by(provider, model), operations.own()
    if not answered:
        (row,) = ask("is_priced", provider=provider, model=model)
        answered = _GENERATING if row["output_prices"] or not own & _ONLY_INPUT else _ONLY_INPUT
    return sorted(own & answered), sorted(own - answered)
