"""Budgets and alerts over the ledger: rules of a file, evaluated while the collector runs.

::

    rules.py       the file ──> budgets, alerts
    evaluation.py  one query a window ──> what each budget has spent, what each alert reads
    board.py       which alerts fire: hysteresis, kept over a restart
    watcher.py     the thread: evaluates, remembers, tells
    webhook.py     POST, signed, tried again; a thread of its own
    metrics.py     the same for Prometheus

The process's own budgets (``spanledger.budget``) refuse calls before they are made; these tell what
the ledger says of all processes, after the fact.
"""

from spanledger_collector.watch.board import AlertRow, alerts_of
from spanledger_collector.watch.evaluation import BudgetRow, budgets_of
from spanledger_collector.watch.metrics import WatchMetrics
from spanledger_collector.watch.rules import Rules, read_rules
from spanledger_collector.watch.watcher import Picture, Watcher
from spanledger_collector.watch.webhook import Webhook

__all__ = [
    "AlertRow",
    "BudgetRow",
    "Picture",
    "Rules",
    "WatchMetrics",
    "Watcher",
    "Webhook",
    "alerts_of",
    "budgets_of",
    "read_rules",
]
