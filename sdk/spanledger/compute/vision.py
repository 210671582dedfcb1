"""The vision tower in front of a language model: FLOPs of the pictures of a prompt.

A tower is an encoder over patches (ViT, arXiv 2010.11929): a convolution that turns each patch into
a vector, and layers in which every patch looks at every other. Its output enters the prompt as
tokens, which `flops` counts; what is counted here comes on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from spanledger.compute.config_reader import ArchitectureError, ConfigReader
from spanledger.compute.estimate import Estimate, Method

#: Towers whose counts equal a FLOP counter's to the last integer; the token that a tower puts
#: before its patches (CLIP's class token).
_CHECKED: Final[Mapping[str, int]] = {"clip_vision_model": 1, "siglip_vision_model": 0}
#: A tower of a kind nobody checked, in percent: our judgement.
_UNCHECKED_PERCENT: Final = (75, 135)


@dataclass(frozen=True, slots=True)
class VisionTower:
    """A vision encoder.

    Attributes:
        layers: Of the encoder.
        hidden: Width between them.
        mlp: Width inside them.
        patches: Patches of one picture (or of one tile of it).
        extra: Tokens beside the patches.
        patch_weights: Weights of the convolution, per patch.
        patch_side: Points of a patch's side.
        channels: Numbers of a point.
        method: ``exact`` for checked towers, else ``approx``.
        source: Where the figures come from.
        as_of: ISO date of the source.
    """

    layers: int
    hidden: int
    mlp: int
    patches: int
    extra: int
    patch_weights: int
    patch_side: int
    channels: int
    method: Method
    source: str
    as_of: str = ""

    @classmethod
    def from_hf_config(
        cls, config: Mapping[str, object], *, source: str = "", as_of: str = ""
    ) -> VisionTower:
        """Build from a ``vision_config``, or from a config that holds one.

        Raises:
            ArchitectureError: A needed number is missing or impossible.
        """
        reader = ConfigReader(config, "vision tower")
        reader = reader.section("vision_config") or reader
        hidden, patch = reader.positive("hidden_size"), reader.positive("patch_size")
        side = reader.positive("image_size") // patch
        kind, channels = reader.text("model_type"), reader.positive("num_channels", 3)
        return cls(
            layers=reader.positive("num_hidden_layers"),
            hidden=hidden,
            mlp=reader.positive("intermediate_size", 4 * hidden),
            patches=side * side,
            extra=_CHECKED.get(kind, 0),
            patch_weights=channels * patch * patch * hidden,
            patch_side=patch,
            channels=channels,
            method="exact" if kind in _CHECKED else "approx",
            source=source or "config.json",
            as_of=as_of,
        )

    @property
    def params(self) -> int:
        """Matmul weights of the tower, biases and norms left out."""
        return self.patch_weights + self.layers * self._layer_weights

    @property
    def _layer_weights(self) -> int:
        return 4 * self.hidden * self.hidden + 2 * self.hidden * self.mlp

    def flops(self, images: int = 1, *, patches: int = 0) -> Estimate:
        """FLOPs of so many pictures or tiles, apart from the tokens they become.

        What turns its output into tokens of the language model is not in it (6 % more in LLaVA).

        Args:
            images: Pictures, or tiles of them.
            patches: Of each; 0 = as many as its config says.

        Raises:
            ValueError: The count is negative.
        """
        if images < 0:
            raise ValueError(f"a number of images cannot be negative: {images}")
        each = patches or self.patches
        tokens = each + self.extra
        attention = 4 * tokens * tokens * self.hidden
        encoder = self.layers * (2 * tokens * self._layer_weights + attention)
        value = images * (encoder + 2 * each * self.patch_weights)
        sure = self.method == "exact" and each == self.patches
        low, high = (100, 100) if sure else _UNCHECKED_PERCENT
        return Estimate(
            value, value * low // 100, -(-value * high // 100), "FLOP",
            "exact" if sure else "approx", self.source, self.as_of,
        )  # fmt: skip


def tower_of(config: Mapping[str, object], source: str, as_of: str) -> VisionTower | None:
    """The tower of a multimodal config; None without one, or with one of another shape."""
    if not isinstance(config.get("vision_config"), Mapping):
        return None
    try:
        return VisionTower.from_hf_config(config, source=source, as_of=as_of)
    except ArchitectureError:
        return None
