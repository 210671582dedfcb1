"""``spanledger engines``: what inference engines of one's own did, by their own account."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer

from spanledger_collector.query import EngineMinuteRow, EngineRow
from spanledger_collector.query.engine_rows import EngineFigures

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import answer, text

_FIGURES: Final = (
    ">running", ">waiting", ">KV cache", ">prefix hits", ">preempted", ">prompt tokens/s",
    ">output tokens/s",
)  # fmt: skip
_NOTHING = (
    "No engine told anything here: name its /metrics in SPANLEDGER_ENGINES_FILE, or let an "
    "OpenTelemetry Collector forward it (docs/gpu.md)."
)


def engines(
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    minutes: Annotated[
        bool, typer.Option("--minutes", help="Minute by minute, newest first.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Minutes at most.")] = 60,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """What vLLM, SGLang, TGI and llama.cpp servers did: requests, cache, preemptions, tokens.

    Means, and in brackets the most; a dash is what an engine does not tell.

    Example: spanledger engines --since 2026-11-01
    """
    period = utc(since), utc(until)
    with connect(url, workspace) as ledger:
        if minutes:
            told = ledger.engine_minutes(*period, limit=limit)
            answer(told, _by_minute, as_json=as_json, nothing=_NOTHING)
        else:
            answer(ledger.engines(*period), _by_engine, as_json=as_json, nothing=_NOTHING)


def _by_engine(rows: Sequence[EngineRow]) -> Grid:
    columns = ("name", "server", "engine", "model", ">minutes", *_FIGURES)
    cells = ((*_named(row), f"{row.minutes:,}", *_figures(row)) for row in rows)
    return Grid("Engines", columns, cells)


def _by_minute(rows: Sequence[EngineMinuteRow]) -> Grid:
    columns = ("minute", "name", "server", "engine", "model", *_FIGURES)
    cells = ((f"{row.minute:%Y-%m-%d %H:%M}", *_named(row), *_figures(row)) for row in rows)
    return Grid("Engines", columns, cells)


def _named(row: EngineFigures) -> tuple[str, ...]:
    return text(row.service_name), text(row.instance), text(row.engine), text(row.model)


def _figures(row: EngineFigures) -> tuple[str, ...]:
    return (
        _level(row.running_mean, row.running_max, _number),
        _level(row.waiting_mean, row.waiting_max, _number),
        _level(row.kv_cache_mean_ratio, row.kv_cache_max_ratio, _percent),
        _told(row.prefix_hit_ratio, _percent),
        _told(row.preemptions, _number),
        _told(row.prompt_tokens_per_second, _number),
        _told(row.output_tokens_per_second, _number),
    )


def _level(mean: float | None, most: float | None, show: Callable[[float], str]) -> str:
    return "-" if mean is None or most is None else f"{show(mean)} ({show(most)})"


def _told(value: float | None, show: Callable[[float], str]) -> str:
    return "-" if value is None else show(value)


def _number(value: float) -> str:
    """One digit behind the point where there is any."""
    return f"{value:,.1f}".removesuffix(".0")


def _percent(ratio: float) -> str:
    return f"{ratio:.1%}"
