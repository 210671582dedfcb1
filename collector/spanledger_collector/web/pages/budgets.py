"""Budgets and alerts, as the collector evaluated them last."""

from __future__ import annotations

from typing import Any, Final

from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

_NONE = Note(
    "No budgets are watched",
    [
        "Start the collector with SPANLEDGER_ALERTS_FILE, a file of budgets and alert rules.",
        "If it was started so, it has not looked yet: ask again in a moment.",
    ],
)


def page(picture: Any, asked: Asked) -> Page:
    """The page.

    Args:
        asked: the request; the parts of the ledger that rows are of are asked for like it.
        picture: with ``as_of``, ``budgets`` and ``alerts`` (``watch``); None = nothing is watched.
    """
    parts: list[Part] = [_NONE] if picture is None else [
        Note("", [f"As of {picture.as_of:%Y-%m-%d %H:%M:%S} UTC."]),
        Tabled("Budgets", _budgets(picture, asked)),
        Tabled("Alerts", _alerts(picture, asked)),
    ]  # fmt: skip
    return Page(
        "Budgets", parts, "What is spent of each budget, and which alerts fire.",
        filters=frozenset(),
    )  # fmt: skip


def _whose(asked: Asked, page: str, row: Any, **period: str) -> str:
    """The page of what a row is held against: of its agent or tenant, else of all."""
    of = {row.per: row.key} if row.per in ("agent", "tenant") else {}
    if row.per == "model":
        of = {"by": "model", "key": row.key}
    everybody = {"agent": "", "version": "", "tenant": "", "workspace": row.workspace}
    return asked.link(page, **{**everybody, **of, **period})


def _in_window(asked: Asked, page: str, row: Any) -> str:
    """The same page over the window that the row is of."""
    return _whose(
        asked, page, row, range="", since=row.since.isoformat(), until=row.until.isoformat()
    )


def _budgets(picture: Any, asked: Asked) -> Table:
    return Table(
        "budgets", "Budgets and what is spent of them",
        [
            Column("Budget", "name"),
            Column("Per", "per"),
            Column("Of", "key", name="(all)"),
            Column("Window", "window"),
            Column("Since", "since", "moment"),
            Column("Limit", "limit_usd", "usd"),
            Column("Spent", "spent_usd", "usd", at_least=_is_bound, unknown=_is_unknown),
            Column("Left", "left_usd", "usd", at_most=_is_bound, unknown=_is_unknown),
            Column("Projected", "projected_usd", "usd",
                   "At the end of the window, if it goes on as it did.", at_least=_is_bound,
                   blank=lambda row: row.projected_usd is None, unknown=_is_unknown),
            Column("Unknown", "unknown_attempts", "count", "Attempts whose cost is not known."),
            Column("State", "state"),
        ],
        picture.budgets, empty="No budgets in the file.",
        link=lambda row: _in_window(asked, "attempts", row),
    )  # fmt: skip


def _is_unknown(row: Any) -> bool:
    """Whether nothing is known of what was spent."""
    return bool(row.unknown_attempts) and not row.spent_usd


def _is_bound(row: Any) -> bool:
    """Whether more may have been spent than is known."""
    return bool(row.unknown_attempts)


#: Where a metric is looked into: what is of attempts there, what is of runs on the Overview.
_PAGES: Final = {
    "rework_ratio": "rework",
    **dict.fromkeys(
        ("cost_usd", "attempts", "failed_ratio", "refused_calls", "unknown_ratio"), "attempts"
    ),
}


def _unit(row: Any) -> str:
    return row.unit


def _alerts(picture: Any, asked: Asked) -> Table:
    return Table(
        "alerts", "Alerts and what they read",
        [
            Column("Rule", "rule"),
            Column("Per", "per"),
            Column("Of", "key", name="(all)"),
            Column("Window", "window"),
            Column("Metric", "metric", help="Of an agent with its sub-agents where it is of runs; "
                   "of its own attempts where it is of attempts."),
            Column("Fires", "direction", help="above: from the threshold on; below: under it."),
            Column("Threshold", "threshold", "", unit=_unit),
            Column("Value", "value", "", "Of the window so far.", unit=_unit,
                   at_least=lambda row: row.bound == "at least",
                   at_most=lambda row: row.bound == "at most"),
            Column("Firing since", "firing_since", "moment"),
        ],
        picture.alerts, empty="No alerts in the file.",
        link=lambda row: _in_window(
            asked, "attempts" if row.per == "model" else _PAGES.get(row.metric, "overview"), row
        ),
    )  # fmt: skip
