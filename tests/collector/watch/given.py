"""Rules as an operator writes them, with what most tests leave as it is."""

from __future__ import annotations

from typing import Any

from spanledger_collector.watch import Rules

Row = dict[str, Any]


def rules(**lists: list[Row]) -> Rules:
    return Rules.model_validate(lists)


def budget(name: str = "b", **given: Any) -> Row:
    return {"name": name, "limit_usd": "1", **given}


def alert(metric: str, **given: Any) -> Row:
    return {"name": metric, "metric": metric, **given}
