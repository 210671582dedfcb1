"""Vision towers that take pictures as they are: as many patches as a picture has.

The towers of Qwen2-VL, Qwen2.5-VL and Qwen3-VL (arXiv 2409.12191, 2502.13923): patches of any grid,
each of which looks at those of its own picture (or frame), in most layers of Qwen2.5-VL at those of
its window. What turns squares of them into tokens of the language model (mergers) is counted too.
FLOPs equal torch's counter to the last integer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from spanledger.compute.config_reader import ArchitectureError, ConfigReader
from spanledger.compute.estimate import Estimate

#: Family of the whole model -> matrices of an MLP of its tower.
_FAMILIES: Final[Mapping[str, int]] = {
    "qwen2_vl": 2, "qwen2_5_vl": 3, "qwen3_vl": 2, "qwen3_vl_moe": 2,
}  # fmt: skip
#: Frames, rows and columns of patches.
Grid = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class GridTower:
    """Such a tower.

    Attributes:
        layers: Of the encoder.
        windowed: Of them, those that look at a window only.
        hidden: Width between them.
        layer_weights: Matmul weights of a layer.
        patch_numbers: Numbers of a patch: its points, colours and frames.
        side: Patches of a side of the squares that become a token.
        window: Such squares of a side of a window.
        mergers: Matmul weights of what makes tokens of squares, all of it.
        source: Where the figures come from.
        as_of: ISO date of the source.
    """

    layers: int
    windowed: int
    hidden: int
    layer_weights: int
    patch_numbers: int
    side: int
    window: int
    mergers: int
    source: str
    as_of: str = ""

    @classmethod
    def from_hf_config(
        cls, config: Mapping[str, object], *, source: str = "", as_of: str = ""
    ) -> GridTower:
        """Build from the config of a whole model, whose family says what its tower is.

        Raises:
            ArchitectureError: It is of another family, or a needed number is missing.
        """
        family = ConfigReader(config, "vision tower").text("model_type")
        reader = ConfigReader(config, "vision tower").section("vision_config")
        if family not in _FAMILIES or reader is None:
            raise ArchitectureError(f"{family!r} has no tower of grids that is known")
        first = family == "qwen2_vl"
        hidden = reader.positive("embed_dim" if first else "hidden_size")
        out = reader.positive("hidden_size" if first else "out_hidden_size")
        mlp = reader.positive("mlp_ratio", 4) * hidden if first else 0
        mlp = mlp or reader.positive("intermediate_size")
        layers, side = reader.positive("depth"), reader.positive("spatial_merge_size", 2)
        patch = reader.positive("patch_size")
        channels = reader.integer("in_channels", 0) or reader.positive("in_chans", 3)
        window = reader.integer("window_size", 0) // side // patch
        whole = len(reader.integers("fullatt_block_indexes"))
        square = hidden * side * side
        return cls(
            layers=layers,
            windowed=max(0, layers - whole) if window else 0,
            hidden=hidden,
            layer_weights=4 * hidden * hidden + _FAMILIES[family] * hidden * mlp,
            patch_numbers=channels * reader.positive("temporal_patch_size", 2) * patch * patch,
            side=side,
            window=window,
            mergers=(1 + len(reader.integers("deepstack_visual_indexes")))
            * square * (square + out),
            source=source or "config.json",
            as_of=as_of,
        )  # fmt: skip

    def flops(self, grids: Iterable[Grid]) -> Estimate:
        """FLOPs of pictures, mergers included; their tokens enter the prompt and count there.

        Args:
            grids: Of each picture or film its frames, rows and columns of patches.

        Raises:
            ValueError: A grid is impossible.
        """
        value = 0
        for frames, rows, columns in grids:
            if min(frames, rows, columns) < 1 or rows % self.side or columns % self.side:
                raise ValueError(f"no grid of squares of {self.side}: {frames, rows, columns}")
            value += frames * self._frame(rows, columns)
        return Estimate(value, value, value, "FLOP", "exact", self.source, self.as_of)

    def _frame(self, rows: int, columns: int) -> int:
        patches, squares = rows * columns, rows * columns // self.side**2
        linear = (
            2 * patches * (self.hidden * self.patch_numbers + self.layers * self.layer_weights)
            + 2 * squares * self.mergers
        )
        pairs = (self.layers - self.windowed) * patches * patches
        if self.windowed:
            sides = (self._windows(length // self.side) for length in (rows, columns))
            within = self.side**4
            for one in sides:
                within *= one
            pairs += self.windowed * within
        return linear + 4 * self.hidden * pairs

    def _windows(self, squares: int) -> int:
        """Sum of the squared lengths of the windows along a side; the last may be shorter."""
        full, rest = divmod(squares, self.window)
        return full * self.window**2 + rest**2


def grid_tower_of(config: Mapping[str, object], source: str, as_of: str) -> GridTower | None:
    """The tower of a multimodal config; None where it is none of these."""
    try:
        return GridTower.from_hf_config(config, source=source, as_of=as_of)
    except ArchitectureError:
        return None
