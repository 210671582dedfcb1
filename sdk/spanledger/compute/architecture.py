"""A model's architecture, as far as physics needs it.

Three ways in: a ``config.json`` (exact for checked families), the shipped catalogue, or bare
parameter counts (closed models: an interval, nothing more).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isqrt
from typing import Final

from spanledger.compute.coarse import Coarse, read_coarse
from spanledger.compute.config_reader import ArchitectureError, ConfigReader
from spanledger.compute.estimate import Estimate, Method
from spanledger.compute.grid_vision import GridTower, grid_tower_of
from spanledger.compute.hf_config import Blueprint, read_config
from spanledger.compute.layers import LayerGroup
from spanledger.compute.vision import VisionTower, tower_of

#: Measured on hybrids (linear attention, state space) at 128 to 2048 tokens: real FLOPs over
#: ``2 * active * tokens`` lies between 0.945 and 1.12; rounded outwards, in percent.
_HYBRID_PERCENT: Final = (90, 120)
#: Attention that picks its tokens: counted as if it saw all, which at 131k tokens is 2.7 times as
#: much as the pairs that it picks and those that it looks at to pick them; judgement.
_PICKING_PERCENT: Final = (30, 120)
#: Sections of a config that tell of encoders before the language model.
_TOWERS: Final = ("vision_config", "audio_config", "visual")
#: A Llama-shaped count of a family nobody checked: our judgement, in percent.
_UNCHECKED_PERCENT: Final = (75, 135)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Weights of a model.

    Attributes:
        total: All stored weights.
        active: Weights one token meets: all but the experts it is not sent to, embedding included.
        matmul: Weights one token is multiplied with, output head in, input embedding out. This is
            what vendors of mixture-of-experts models often publish as "active".
        embedding: Weights of the input embedding.
    """

    total: int
    active: int
    matmul: int
    embedding: int


@dataclass(frozen=True, slots=True)
class Exactness:
    """How far an architecture can be trusted.

    Attributes:
        method: ``exact``, ``approx`` or ``assumed``.
        reasons: Why it is not exact.
        low_percent: Lower bound of its FLOPs in percent of the point.
        high_percent: Upper bound, same unit.
    """

    method: Method = "exact"
    reasons: tuple[str, ...] = ()
    low_percent: int = 100
    high_percent: int = 100


@dataclass(frozen=True, slots=True, eq=False)
class ModelArchitecture:
    """What `estimate_flops` and `estimate_vram` need to know of a model.

    Attributes:
        name: The name it was asked for.
        params: Weight counts.
        groups: Layers, equal ones grouped; empty where FLOPs are not counted layer by layer (only
            parameter counts are known, or a layer is no attention over a cache).
        head: Weights of the matmul after the layers.
        tied: Embedding and head are one matrix.
        pooled: An encoder with a pooler, no language head.
        exactness: How far the counts can be trusted.
        active: Active parameters as an interval.
        source: Where the facts come from.
        as_of: ISO date of the source.
    """

    name: str
    params: Parameters
    groups: tuple[LayerGroup, ...]
    head: int
    tied: bool
    pooled: bool
    exactness: Exactness
    active: Estimate
    source: str
    as_of: str = ""
    #: Linear FLOPs of one token through all layers, precomputed for the hot path.
    linear_flops: int = field(default=0)
    #: Width of the stream between layers, and rows of the embedding; 0 when not known.
    hidden: int = 0
    vocabulary: int = 0
    #: Layers as far as weights and caches go, also where ``groups`` is empty.
    layers: tuple[LayerGroup, ...] = ()
    #: Encoder of pictures of one size; None without one that is known.
    vision: VisionTower | None = None
    #: Encoder of pictures of any size, likewise.
    grid_vision: GridTower | None = None
    #: Whether an encoder of pictures or sound stands before it, known or not.
    has_tower: bool = False

    @classmethod
    def from_hf_config(
        cls, config: Mapping[str, object], *, name: str = "", source: str = "", as_of: str = ""
    ) -> ModelArchitecture:
        """Build from the content of a ``config.json``; multimodal ones count their text tower.

        Raises:
            ArchitectureError: A needed number is missing or impossible.
        """
        reader = ConfigReader(config, name or "(unnamed)")
        coarse = read_coarse(reader) or read_coarse(reader.section("text_config") or reader)
        if coarse is not None:
            return cls._coarse(coarse, name, source or "config.json", as_of)
        blueprint = read_config(reader)
        params = _parameters(blueprint)
        exactness = _exactness(blueprint)
        origin = source or "config.json"
        active = Estimate(
            params.active,
            params.active * exactness.low_percent // 100,
            -(-params.active * exactness.high_percent // 100),
            "parameter",
            exactness.method,
            origin,
            as_of,
        )
        groups = blueprint.groups if blueprint.plain else ()
        return cls(
            name,
            params,
            groups,
            blueprint.head,
            blueprint.tied,
            blueprint.pooled,
            exactness,
            active,
            origin,
            as_of,
            linear_flops=2 * sum(group.count * group.layer.matmul for group in groups),
            hidden=blueprint.hidden,
            vocabulary=blueprint.vocabulary,
            layers=blueprint.groups,
            vision=tower_of(config, origin, as_of),
            grid_vision=grid_tower_of(config, origin, as_of),
            has_tower=any(reader.section(name) is not None for name in _TOWERS),
        )

    @classmethod
    def _coarse(cls, told: Coarse, name: str, source: str, as_of: str) -> ModelArchitecture:
        low, high = told.percent
        active = Estimate(
            told.active, told.active * low // 100, -(-told.active * high // 100), "parameter",
            "approx", source, as_of,
        )  # fmt: skip
        params = Parameters(told.total, told.active, told.active, 0)
        exactness = Exactness("approx", (told.reason,), low, high)
        return cls(name, params, (), 0, False, False, exactness, active, source, as_of)

    @classmethod
    def from_catalogue(cls, name: str) -> ModelArchitecture:
        """Return the shipped architecture called ``name`` (cached).

        Raises:
            ArchitectureError: No such entry; the message lists some that exist.
        """
        from spanledger.compute.catalogue import architecture  # the catalogue builds on this class

        return architecture(name)

    @classmethod
    def from_params(
        cls,
        *,
        total: int,
        active: int | None = None,
        low: int | None = None,
        high: int | None = None,
        source: str,
        as_of: str = "",
        name: str = "",
        method: Method = "assumed",
    ) -> ModelArchitecture:
        """Build from parameter counts alone: closed models, or open ones without a config.

        Args:
            total: All parameters; ``low`` and ``high`` bound the *active* ones.
            active: Active parameters; without it the geometric mean of ``low`` and ``high``, or
                ``total`` (a dense model) when there are no bounds.
            low: Lower bound of the active parameters.
            high: Upper bound of the active parameters.
            source: Who says so.
            as_of: ISO date of the source.
            name: The model's name.
            method: How sure it is.

        Raises:
            ArchitectureError: The numbers contradict each other.
        """
        if active is None:
            active = isqrt(low * high) if low and high else total
        try:
            interval = Estimate(
                active, low or active, high or active, "parameter", method, source, as_of
            )
        except ValueError as error:
            raise ArchitectureError(f"parameters of {name!r}: {error}") from error
        if not 0 < active <= total:
            raise ArchitectureError(f"parameters of {name!r}: 0 < {active} <= {total} is not so")
        params = Parameters(total=total, active=active, matmul=active, embedding=0)
        return cls(
            name,
            params,
            (),
            0,
            False,
            False,
            Exactness(method, ("only parameter counts are known",)),
            interval,
            source,
            as_of,
        )

    def bounds(self, value: int) -> tuple[int, int]:
        """Lower and upper bound (integers) of a quantity proportional to the parameters."""
        if self.is_exact:
            return value, value
        point = int(self.active.value)
        return value * int(self.active.low) // point, -(-value * int(self.active.high) // point)

    @property
    def is_exact(self) -> bool:
        """Whether FLOPs of this architecture are exact to the last integer."""
        return self.exactness.method == "exact"


def _parameters(plan: Blueprint) -> Parameters:
    embedding = plan.vocabulary * plan.hidden
    # A pooler is an own matrix; a language head is only stored when it is not the embedding.
    stored_head = plan.head if plan.pooled or not plan.tied else 0
    around = embedding + stored_head + plan.outer
    layers_matmul = sum(group.count * group.layer.matmul for group in plan.groups)
    return Parameters(
        total=around + sum(group.count * group.layer.total for group in plan.groups),
        active=around + sum(group.count * group.layer.active for group in plan.groups),
        matmul=layers_matmul + (0 if plan.pooled else plan.head),
        embedding=embedding,
    )


def _is_unchecked(plan: Blueprint) -> bool:
    return any(reason.startswith("unchecked") for reason in plan.reasons)


def _exactness(plan: Blueprint) -> Exactness:
    if not plan.reasons:
        return Exactness()
    low, high = _UNCHECKED_PERCENT if _is_unchecked(plan) else _HYBRID_PERCENT
    if any("index_topk" in reason for reason in plan.reasons):
        low, high = _PICKING_PERCENT
    return Exactness("approx", plan.reasons, low, high)
