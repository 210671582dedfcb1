"""Agent unit economics from OpenTelemetry spans: instrument your agents in three lines.

    import spanledger
    spanledger.init()

    @spanledger.agent
    def planner(question: str) -> str: ...

This module is the public list and nothing else; test tools are in :mod:`spanledger.testing`.
"""

from spanledger._configure import delivery, flush, init, shutdown
from spanledger._delivery.backlog import Delivery
from spanledger._work.scope import context, current_run_id, propagate_context
from spanledger.budgets import BudgetState, budget
from spanledger.decorators import agent, task, tool, workflow
from spanledger.errors import (
    BudgetExceededError,
    ConfigurationError,
    SpanledgerError,
    UsageError,
)
from spanledger.records import (
    mark_retry,
    record_cost,
    record_effort,
    record_evaluation,
    record_outcome,
    record_revenue,
)
from spanledger.training import TrainingRun, training_run

__all__ = [
    "BudgetExceededError",
    "BudgetState",
    "ConfigurationError",
    "Delivery",
    "SpanledgerError",
    "TrainingRun",
    "UsageError",
    "agent",
    "budget",
    "context",
    "current_run_id",
    "delivery",
    "flush",
    "init",
    "mark_retry",
    "propagate_context",
    "record_cost",
    "record_effort",
    "record_evaluation",
    "record_outcome",
    "record_revenue",
    "shutdown",
    "task",
    "tool",
    "training_run",
    "workflow",
]
