"""Parameters in the OpenAPI document: of named queries, as their SQL takes them, and of reports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import Parameter, signature
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from spanledger_collector.query import NamedQuery
from spanledger_collector.query.named import DEFAULTS, SEVERAL

_PERIOD: Final = ("since", "until")
#: What a parameter is, by the type in the SQL.
_TYPES: Final = (
    (re.compile(r"DateTime"), {"type": "string", "format": "date-time"}),
    (re.compile(r"UInt"), {"type": "integer", "minimum": 0}),
    (re.compile(r"Int"), {"type": "integer"}),
)
_NUMBERS: Final = frozenset({"matters", "cache_share", "rework_share", "gpu_rate"})
_COUNTS: Final = frozenset({"gpus"})
#: Reports take several of these, with a comma between.
_LISTS: Final = frozenset({"model", "tier", "cache_share", "rework_share", "weights"})
#: Without these there is no answer; others of a report have a default.
_REQUIRED: Final = frozenset({"old", "new"})
_WORDS: Final[Mapping[str, str]] = {
    "workspace": "Whose ledger.",
    "since": "From this start on, ISO 8601, UTC unless it says otherwise.",
    "until": "Before this start.",
    "entered_since": "Only what entered the books from then on, as assets count runs.",
    "agent": "Name of an agent; empty = any.",
    "agent_name": "Name of an agent; empty = any, where it is not needed.",
    "version": "Version of the agent; empty = any.",
    "agent_version": "Version of the agent; empty = any.",
    "tenant": "On whose behalf; empty = anybody's.",
    "by": "What is told apart: what a row or group is.",
    "key": "Of what is told apart, only this one.",
    "per": "Whose spending; empty = everybody's.",
    "only": "Which attempts; several words with a comma between; empty = all.",
    "grain": "What else tells rows apart.",
    "old": "The group that is held against.",
    "new": "The other group.",
    "matters": "A difference below this part of the old figure is none that matters.",
    "model": "A model; of reports, another one, as provider/model.",
    "provider": "The provider of the model, in the price book's names.",
    "tier": "Another service tier.",
    "cache_share": "Part of the input that comes from the cache, 0 to 1.",
    "rework_share": "Part of the rework that is not made, above 0 to 1.",
    "host": "An open model to host, by its name in the catalogue; with gpu and gpu_rate.",
    "gpu": "On this accelerator.",
    "gpu_rate": "USD an hour for each of them, above 0, paid busy or not.",
    "gpus": "So many share the model; 1 where it is not given.",
    "weights": "Formats of weights: of host (bf16), else of models on GPUs of one's own.",
    "trace_id": "32 hex digits.",
    "span_id": "16 hex digits; empty = any.",
    "run_id": "The id of a run; empty = any.",
    "external_key": "A key of one's own that runs were given; empty = any.",
    "asset_id": "An asset; empty = any.",
    "in_trace": "Only of runs of this trace; empty = of any.",
    "limit": "At most so many rows; there may be more.",
    "offset": "So many rows are left out before.",
    "rework_reason": "Why an attempt was wasted; empty = any, and what was not wasted.",
    "price_status": "Whether the cost is known; empty = any.",
    "usage_source": "Who told the tokens; empty = any.",
    "price_id": "A row of the price book; empty = any, or none.",
    "model_ids": "Provider, model asked for, model that answered, provider and model priced as, as "
    "a list in JSON; empty = any.",
    "path": "Below which agent, tool or model: kinds and names from the outermost agent, as a list "
    "of pairs in JSON; empty = any.",
    "since_before": "Start of an earlier period to hold against.",
    "until_before": "End of the earlier period.",
    "slice_seconds": "Length of a piece of time.",
    "at": "When the price is to hold.",
    "known_at": "When the price has to be known.",
    "of_model": "Only calls of this model, as provider/model; empty = of all.",
    "of_operations": "Only these kinds of calls, with a comma between; empty = all.",
    "set_provider": "Provider of the model that answers instead; empty = as it was.",
    "set_model": "The model that answers instead; empty = as it was.",
    "set_tier": "The service tier instead; empty = as served.",
    "set_region": "Where inference runs instead; empty = as it was.",
    "set_cache_read_ppm": "Millionths of the input from the cache instead; -1 = as it was.",
    "as_known_at": "By the prices known then.",
    "as_valid_at": "By the prices valid then; 1970-01-01 = when each call was made.",
}


def of_query(query: NamedQuery) -> Sequence[Mapping[str, Any]]:
    """Those of a named query or view."""
    return [_of_query(query, name, kind) for name, kind in query.parameters.items()]


def _of_query(query: NamedQuery, name: str, kind: str) -> Mapping[str, Any]:
    schema = dict(next((told for word, told in _TYPES if word.match(kind)), {"type": "string"}))
    default = DEFAULTS.get(name)
    if name in query.choices:
        schema |= _choice(name, query.choices[name], default)
    if isinstance(default, (str, int)):
        schema["default"] = default
    return _parameter(name, schema, is_required=name not in DEFAULTS)


def _choice(name: str, words: Sequence[str], default: object) -> Mapping[str, Any]:
    if name in SEVERAL:
        word = "|".join(words)
        return {"pattern": f"^(({word})(,({word}))*)?$"}
    return {"enum": [*words, *([default] if default not in words else [])]}


def of_report(
    names: Sequence[str], method: Callable[..., Any] | None = None
) -> Iterator[Mapping[str, Any]]:
    """Those of an answer that the Python API computes, by name.

    Args:
        names: of the parameters.
        method: what computes it: the words that an argument of it may be, and what it is where it
            is not given, hold for the parameter of its name.
    """
    told = get_type_hints(method) if method else {}
    taken = signature(method).parameters.values() if method else ()
    defaults = {one.name: one.default for one in taken if one.default is not Parameter.empty}
    for name in names:
        schema: dict[str, Any] = {"type": "number" if name in _NUMBERS else "string"}
        if name in _PERIOD:
            schema["format"] = "date-time"
        if name in _COUNTS:
            schema = {"type": "integer", "minimum": 1}
        if words := _words(told.get(name)):
            schema["enum"] = words
        default = defaults.get(name)
        if default:
            schema["default"] = default
        parameter = _parameter(name, schema, is_required=name in _REQUIRED)
        yield {**parameter, **_several(schema)} if name in _LISTS else parameter


def _several(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What else is told of a parameter that takes several, with a comma between."""
    return {"schema": {"type": "array", "items": schema}, "style": "form", "explode": False}


def _words(kind: Any) -> Sequence[str]:
    """Which a value of a type may be; empty = any."""
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return [word for one in get_args(kind) for word in _words(one)]


def in_path(path: str) -> Sequence[Mapping[str, Any]]:
    """Those that stand in a path; a slash in one is sent as ``%2F``."""
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _parameter(name: str, schema: Mapping[str, Any], *, is_required: bool) -> Mapping[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": is_required,
        "schema": schema,
        "description": _WORDS[name],
    }
