"""What one transformer layer weighs and does.

Layers of the same kind are stored once with a multiplicity: real models have one or two kinds, so
an estimate costs a few integer products however deep the model is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from spanledger.compute.attention import Attention


@dataclass(frozen=True)
class Layer:
    """The weights of one layer, by how many of them a token meets.

    Attributes:
        attention: Its attention.
        dense: Matmul weights every token meets: projections, dense MLP or router + shared experts.
        other: Weights outside matmuls that every token meets: norms, biases, attention sinks.
        experts: Routed experts; 0 without mixture of experts.
        top_k: Routed experts a token is sent to.
        expert: Matmul weights of one routed expert.
        expert_other: Bias weights of one routed expert.
    """

    attention: Attention
    dense: int
    other: int
    experts: int = 0
    top_k: int = 0
    expert: int = 0
    expert_other: int = 0

    @cached_property
    def matmul(self) -> int:
        """Matmul weights one token is multiplied with."""
        return self.dense + self.top_k * self.expert

    @cached_property
    def active(self) -> int:
        """All weights one token meets."""
        return self.dense + self.other + self.top_k * (self.expert + self.expert_other)

    @cached_property
    def total(self) -> int:
        """All weights stored."""
        return self.dense + self.other + self.experts * (self.expert + self.expert_other)


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """``count`` equal layers."""

    count: int
    layer: Layer
