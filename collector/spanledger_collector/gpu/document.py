"""The file of GPU pools, read and checked whole before any of it is used.

::

    gpu_pools:
      - pool: chat                         # its rate: provider gpu, model chat, among the prices
        workspace: default                 # who reads its bill
        serves: { provider: vllm, model: "meta-llama/*", server: 10.0.0.5 }
        gpu: NVIDIA H100 80GB HBM3         # as its driver says, or a name of the catalogue
        gpus: 4                            # of all replicas
        replicas: 2                        # copies of the model; left out: 1, over all GPUs
        model: llama-3.1-70b               # architecture, as `spanledger.compute` knows it
        config: models/mine/config.json    # or that of a model of your own, beside this file
        weight_format: fp8                 # left out: as the model was published
        up_from: 2026-11-01
        up_to: 2026-12-01                  # left out: still up
        meter: { host: gpu-1, devices: ["GPU-3f2a*"] }   # whose hw.energy or hw.power it is
        pue: 1.2                           # or { low: 1.1, high: 1.3 }
        grid: { low_g_per_kwh: 350, high_g_per_kwh: 420, source: the utility, as_of: 2025 }

A pool that grew, moved or was down is several entries of one name whose times do not overlap. What
is not known may be left out: without ``gpu`` or ``model`` calls are charged alike, and it is said.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from spanledger.compute import ArchitectureError, ModelArchitecture, gpu, recognise
from spanledger.compute.engine import Engine
from spanledger.compute.vram import WEIGHT_FORMATS
from spanledger_collector.document import read_document
from spanledger_collector.errors import ConfigurationError

_FOREVER = datetime(2299, 12, 31, tzinfo=timezone.utc)


def _instant(value: Any) -> Any:
    """A day is its first instant in UTC; so is a time without a zone."""
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


Instant = Annotated[datetime, BeforeValidator(_instant)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Serves(_Strict):
    """Which calls a pool answers; in model and server ``*`` stands for any text."""

    provider: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    model: str = "*"
    server: str = "*"

    def matches(self, provider: str, model: str, server: str) -> bool:
        """Whether a call of this provider, model and host is answered by it."""
        return (
            provider == self.provider
            and fnmatchcase(model, self.model)
            and fnmatchcase(server, self.server)
        )


class Meter(_Strict):
    """Which devices of ``gpu_samples`` are the GPUs of a pool; ``*`` stands for any text.

    A workspace's own senders alone can say what its devices draw: it is named.
    """

    workspace: str = "default"
    host: str = "*"
    devices: tuple[str, ...] = ("*",)


class Grid(_Strict):
    """Grams of CO2 equivalents of a kWh of the electricity that a pool uses."""

    low_g_per_kwh: float = Field(ge=0, le=5000)
    high_g_per_kwh: float = Field(ge=0, le=5000)
    source: str = Field(min_length=1)
    as_of: Annotated[str, BeforeValidator(str)]

    @model_validator(mode="after")
    def _makes_sense(self) -> "Grid":
        if self.high_g_per_kwh < self.low_g_per_kwh:
            raise ValueError("high_g_per_kwh is below low_g_per_kwh")
        return self


class Pue(_Strict):
    """What a data centre draws for each kWh of its machines; one number is both ends."""

    low: float = Field(ge=1, le=10)
    high: float = Field(ge=1, le=10)

    @model_validator(mode="after")
    def _makes_sense(self) -> "Pue":
        if self.high < self.low:
            raise ValueError("high is below low")
        return self


def _ends(value: Any) -> Any:
    return {"low": value, "high": value} if isinstance(value, (int, float)) else value


class _Entry(_Strict):
    pool: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    workspace: str = Field(default="default", min_length=1, max_length=128)
    serves: Serves
    gpus: int = Field(ge=1, le=65_535)
    replicas: int = Field(default=1, ge=1)
    gpu: str = ""
    model: str = ""
    config: str = ""
    weight_format: str = ""
    meter: Meter | None = None
    pue: Annotated[Pue | None, BeforeValidator(_ends)] = None
    grid: Grid | None = None
    up_from: Instant
    up_to: Instant = _FOREVER

    @model_validator(mode="after")
    def _makes_sense(self) -> "_Entry":
        if self.up_to <= self.up_from:
            raise ValueError("up_to is not after up_from")
        if self.gpus % self.replicas:
            raise ValueError(f"{self.gpus} gpus cannot be dealt out to {self.replicas} replicas")
        if self.weight_format and self.weight_format not in WEIGHT_FORMATS:
            raise ValueError(f"weight_format is one of {', '.join(WEIGHT_FORMATS)}")
        return self


class _Document(_Strict):
    gpu_pools: list[_Entry]


@dataclass(frozen=True, slots=True)
class Pool:
    """GPUs of one's own, as they were in a stretch of time.

    Attributes:
        name: of the pool: its rate is that of provider ``gpu`` and this model in the price book.
        serves: the calls that it answers.
        engine: what it is.
        up_from, up_to: it is billed from then until then (exclusive).
        meter: the devices that tell what it draws; None = none do.
        pue: what cools it and the like draws beside it; None = not told.
        grid: what its electricity emits; None = not told.
        workspace: who reads its bill.
    """

    name: str
    serves: Serves
    engine: Engine
    up_from: datetime
    up_to: datetime
    meter: Meter | None = None
    pue: Pue | None = None
    grid: Grid | None = None
    workspace: str = "default"

    @property
    def tells_energy(self) -> bool:
        """More is known of its energy than the power limits of its GPUs."""
        return self.meter is not None or self.pue is not None or self.grid is not None


def read_pools(path: Path) -> list[Pool]:
    """The pools of a file.

    Raises:
        ConfigurationError: it cannot be read, an entry is none, or two of a pool overlap.
    """
    entries = read_document(path, _Document, "GPU pools", entry="pool").gpu_pools
    try:
        pools = [_pool(entry, path.parent) for entry in entries]
    except (ArchitectureError, OSError, ValueError) as error:
        raise ConfigurationError(f"GPU pools of {path}: {error}") from error
    _refuse_overlaps(pools, path)
    return pools


def _architecture(entry: _Entry, folder: Path) -> tuple[ModelArchitecture | None, str]:
    """What is served, and the format that its weights were published in."""
    if entry.config:
        told: object = json.loads((folder / entry.config).read_text(encoding="utf-8"))
        if not isinstance(told, dict):
            raise ArchitectureError(f"{entry.config} holds no config.json of a model")
        config = cast("dict[str, object]", told)
        name = entry.model or entry.pool
        return ModelArchitecture.from_hf_config(config, name=name, source=entry.config), "bf16"
    if not entry.model:
        return None, "bf16"
    known = recognise(entry.model)
    if known is None:
        return ModelArchitecture.from_catalogue(entry.model), "bf16"
    return ModelArchitecture.from_catalogue(known.name), known.weight_format


def _pool(entry: _Entry, folder: Path) -> Pool:
    arch, published = _architecture(entry, folder)
    engine = Engine(
        gpus=entry.gpus,
        arch=arch,
        gpu=gpu(entry.gpu) if entry.gpu else None,
        weight_format=entry.weight_format or published,
        replicas=entry.replicas,
    )
    return Pool(
        entry.pool, entry.serves, engine, entry.up_from, entry.up_to,
        entry.meter, entry.pue, entry.grid, entry.workspace,
    )  # fmt: skip


def _refuse_overlaps(pools: Sequence[Pool], path: Path) -> None:
    ordered = sorted(pools, key=lambda pool: (pool.name, pool.up_from))
    for earlier, later in pairwise(ordered):
        if earlier.name == later.name and earlier.workspace != later.workspace:
            raise ConfigurationError(
                f"GPU pools of {path}: pool {later.name!r} is of {earlier.workspace!r} and of "
                f"{later.workspace!r}; one workspace reads its bill, so name the pools apart"
            )
        if earlier.name == later.name and later.up_from < earlier.up_to:
            raise ConfigurationError(
                f"GPU pools of {path}: two entries of pool {later.name!r} hold on "
                f"{later.up_from:%Y-%m-%d}; end the earlier one with up_to, or name them apart"
            )
