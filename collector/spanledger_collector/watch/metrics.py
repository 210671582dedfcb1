"""Budgets and alerts for Prometheus: what the watcher saw last."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as PrometheusCollector

from .watcher import Picture, Watcher
from .webhook import Webhook

_BUDGET = ("budget", "workspace", "per", "key")
_ALERT = ("rule", "workspace", "per", "key", "metric", "threshold")


class WatchMetrics(PrometheusCollector):
    """Shows the last picture.

    Args:
        watcher: gives the watcher; None while there is none.
        webhook: sends transitions; None where nobody is told.
    """

    def __init__(self, watcher: Callable[[], Watcher | None], webhook: Webhook | None) -> None:
        self._watcher = watcher
        self._webhook = webhook

    def describe(self) -> Iterable[Metric]:
        """The same families: names that no other metric may use."""
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        """The values of the last look; no sample before the first."""
        watcher = self._watcher()
        picture = watcher.picture if watcher is not None else None
        yield from _budgets(picture)
        yield _alerts(picture)
        age = GaugeMetricFamily(
            "spanledger_watch_age_seconds", "Time since budgets and alerts were evaluated"
        )
        if picture is not None:
            age.add_metric([], (datetime.now(timezone.utc) - picture.as_of).total_seconds())
        yield age
        yield CounterMetricFamily(
            "spanledger_watch_failures",
            "Evaluations of budgets and alerts that failed",
            value=watcher.failures if watcher is not None else 0,
        )
        messages = CounterMetricFamily(
            "spanledger_webhook_messages",
            "Alerts sent to the webhook, and those that were given up",
            labels=["outcome"],
        )
        messages.add_metric(["sent"], self._webhook.sent if self._webhook else 0)
        messages.add_metric(["failed"], self._webhook.failed if self._webhook else 0)
        yield messages


def _budgets(picture: Picture | None) -> Iterator[Metric]:
    spent = GaugeMetricFamily(
        "spanledger_budget_spent_usd", "Spent of a budget in its window", labels=_BUDGET
    )
    limit = GaugeMetricFamily("spanledger_budget_limit_usd", "Limit of a budget", labels=_BUDGET)
    for row in picture.budgets if picture is not None else ():
        labels = (row.name, row.workspace, row.per, row.key)
        spent.add_metric(labels, float(row.spent_usd))
        limit.add_metric(labels, float(row.limit_usd))
    yield spent
    yield limit


def _alerts(picture: Picture | None) -> Metric:
    firing = GaugeMetricFamily(
        "spanledger_alert_firing", "1 while an alert or a share of a budget fires", labels=_ALERT
    )
    for row in picture.alerts if picture is not None else ():
        labels = (
            row.rule,
            row.workspace,
            row.per,
            row.key,
            row.metric,
            f"{row.threshold.normalize():f}",
        )
        firing.add_metric(labels, int(row.firing_since is not None))
    return firing
