"""What inference engines told of themselves: the rows that the command line shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """What an engine did (columns of view ``engine_utilisation``); None = it does not tell it."""

    service_name: str
    instance: str
    engine: str
    model: str
    running_mean: float | None
    running_max: float | None
    waiting_mean: float | None
    waiting_max: float | None
    kv_cache_mean_ratio: float | None
    kv_cache_max_ratio: float | None
    prefix_queried_tokens: float | None
    prefix_hit_tokens: float | None
    prefix_hit_ratio: float | None
    preemptions: float | None
    prompt_tokens: float | None
    output_tokens: float | None
    counted_seconds: float
    prompt_tokens_per_second: float | None
    output_tokens_per_second: float | None


@dataclass(frozen=True, slots=True)
class EngineRow(EngineFigures):
    """An engine over a period (query ``engines``)."""

    first_at: datetime
    last_at: datetime
    minutes: int


@dataclass(frozen=True, slots=True)
class EngineMinuteRow(EngineFigures):
    """An engine in a minute (query ``engine_minutes``)."""

    minute: datetime
