"""Schemas of the API that no type of the Python API says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .schemas import MONEY_PATTERN, Schema

_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer"}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_AMOUNT: Final[Schema] = {"type": "string", "pattern": MONEY_PATTERN}
_UNKNOWN_AMOUNT: Final[Schema] = {**_AMOUNT, "type": ["string", "null"]}


def _object(properties: Mapping[str, Schema], words: str) -> Schema:
    return {
        "type": "object",
        "description": words,
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


_BUDGET: Final = _object(
    {
        "name": _TEXT, "workspace": _TEXT, "per": _TEXT, "key": _TEXT, "window": _TEXT,
        "since": _TIME, "until": _TIME, "limit_usd": _AMOUNT, "spent_usd": _AMOUNT,
        "left_usd": _AMOUNT, "projected_usd": _UNKNOWN_AMOUNT, "unknown_attempts": _COUNT,
        "state": {"type": "string", "enum": ["ok", "warning", "exceeded"]},
    },
    "A budget and what is spent of it in its window; key = whose it is, empty = all together.",
)  # fmt: skip
_ALERT: Final = _object(
    {
        "rule": _TEXT, "workspace": _TEXT, "per": _TEXT, "key": _TEXT, "metric": _TEXT,
        "unit": {"type": "string", "enum": ["usd", "ratio", "count"]},
        "direction": {"type": "string", "enum": ["above", "below"]},
        "window": _TEXT, "since": _TIME, "until": _TIME,
        "threshold": _AMOUNT, "value": _UNKNOWN_AMOUNT,
        "firing_since": {**_TIME, "type": ["string", "null"]},
        "bound": {"type": "string", "enum": ["", "at least", "at most"]},
    },
    "An alert, now: the value of a metric in a window, and the threshold above (from it on) or "
    "below which it fires, both in its unit; value null = nobody can tell, firing_since null = it "
    "does not fire; bound: what the value is of the true one where costs are not known.",
)  # fmt: skip
_STAGES: Final[Mapping[str, Any]] = {
    "journal": {
        "type": "object",
        "description": "What is acknowledged and not loaded yet.",
        "properties": {
            "records": _COUNT, "bytes": _COUNT, "oldest_age_seconds": {"type": "number"},
        },
    },
    "ledger": _TEXT,
    "database_up": {"type": ["boolean", "null"], "description": "null = not opened yet"},
    "settled_traces": _COUNT,
    "failed_traces": _COUNT,
    "parked_traces": _COUNT,
    "refused_traces": _COUNT,
    "requested_traces": _COUNT,
}  # fmt: skip

#: By name, as the document keeps them.
OTHERS: Final[Mapping[str, Schema]] = {
    "Error": _object({"error": _TEXT}, "Why not, and what to do."),
    "Status": {
        "type": "object",
        "description": "Why nothing is stored (google.rpc.Status).",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "integer"},
            "message": _TEXT,
            "details": {"type": "array", "items": {"type": "object"}},
        },
        "additionalProperties": False,
    },
    "Rows": {
        "type": "object",
        "required": ["rows"],
        "properties": {"rows": {"type": "array", "items": {"type": "object"}}},
    },
    "Health": {
        "type": "object",
        "description": "Whether it works; to whoever may operate also why not, and its stages.",
        "required": ["ready"],
        "properties": {
            "ready": {"type": "boolean"},
            "receiving": {"type": "boolean"},
            "reasons": {"type": "array", "items": _TEXT},
            **_STAGES,
        },
        "additionalProperties": False,
    },
    "Queries": {
        "type": "object",
        "description": "Query -> parameter -> its type in ClickHouse.",
        "additionalProperties": {"type": "object", "additionalProperties": _TEXT},
    },
    "Watched": _object(
        {
            "as_of": _TIME,
            "budgets": {"type": "array", "items": _BUDGET},
            "alerts": {"type": "array", "items": _ALERT},
        },
        "What the watcher saw last.",
    ),
}
#: What is sent to ``POST /v1/records``; docs/records.md has the fields of each kind.
RECORDS: Final[Schema] = {
    "type": "object",
    "required": ["records"],
    "properties": {
        "records": {
            "type": "array",
            "items": {"type": "object", "required": ["kind"], "properties": {"kind": _TEXT}},
        }
    },
}
#: What is sent to ``POST /v1/settlements``: with nothing in it, all traces of all workspaces.
SETTLEMENT: Final[Schema] = {
    "type": "object",
    "properties": {
        "workspace": _TEXT,
        "trace_id": _TEXT,
        "first_day": {"type": "string", "format": "date"},
        "last_day": {"type": "string", "format": "date"},
    },
    "additionalProperties": False,
}
