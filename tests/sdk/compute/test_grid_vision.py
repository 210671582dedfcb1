"""Towers of pictures of any size: to the last integer what torch's counter says of them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.support.environments import ENVIRONMENTS
from tests.support.torch_python import torch_python

from spanledger.compute import ArchitectureError, ModelArchitecture
from spanledger.compute.grid_vision import Grid, GridTower

PROGRAM = Path(__file__).parents[2] / "environments/torch_programs/count_grid_towers.py"
_WIDTH: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 160, "out_hidden_size": 96}
CONFIGS: dict[str, dict[str, Any]] = {
    "qwen2_vl": {
        "depth": 2, "embed_dim": 64, "hidden_size": 96, "num_heads": 4, "mlp_ratio": 4,
        "patch_size": 14,
    },
    "qwen2_5_vl": {
        **_WIDTH, "depth": 3, "num_heads": 4, "patch_size": 14, "window_size": 112,
        "fullatt_block_indexes": [2],
    },
    "qwen3_vl": {
        **_WIDTH, "depth": 3, "num_heads": 4, "patch_size": 16, "deepstack_visual_indexes": [1],
        "num_position_embeddings": 256,
    },
}  # fmt: skip
#: One picture of whole windows; two, of which one ends within a window; a film.
GRIDS: list[list[Grid]] = [[(1, 16, 16)], [(1, 16, 24), (1, 12, 6)], [(2, 16, 20)]]
#: Counted by torch 2.13, transformers 5.23 (``count_grid_towers.py``).
COUNTED = {
    "qwen2_vl": [133_955_584, 256_991_232, 355_860_480],
    "qwen2_5_vl": [147_587_072, 271_196_160, 377_356_288],
    "qwen3_vl": [180_355_072, 348_831_744, 482_344_960],
}


def whole(family: str) -> dict[str, Any]:
    """The config of a model with this tower."""
    return {"model_type": family, "vision_config": CONFIGS[family]}


@pytest.mark.parametrize("family", sorted(CONFIGS))
def test_towers_as_torch_counted_them(family: str) -> None:
    """Patches, layers, windows and what makes tokens of them."""
    tower = GridTower.from_hf_config(whole(family))
    told = [tower.flops(grids) for grids in GRIDS]
    assert [one.value for one in told] == COUNTED[family]
    assert {one.method for one in told} == {"exact"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_torch_still_counts_them_so() -> None:
    """On the real classes, with random weights."""
    wanted = json.dumps({family: (whole(family), GRIDS) for family in CONFIGS})
    done = subprocess.run(
        [torch_python(), PROGRAM, wanted],
        check=True, capture_output=True, text=True, env=ENVIRONMENTS.variables(),
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == COUNTED


def test_what_is_no_such_tower_is_none() -> None:
    """Another family, a number that is missing, a grid that cannot be cut into squares."""
    with pytest.raises(ArchitectureError, match="llava"):
        GridTower.from_hf_config({**whole("qwen2_vl"), "model_type": "llava"})
    with pytest.raises(ArchitectureError, match="depth"):
        GridTower.from_hf_config({"model_type": "qwen3_vl", "vision_config": _WIDTH})
    with pytest.raises(ValueError, match="no grid"):
        GridTower.from_hf_config(whole("qwen3_vl")).flops([(1, 3, 4)])
    text = {
        "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4,
        "num_hidden_layers": 2, "intermediate_size": 128, "vocab_size": 512,
    }  # fmt: skip
    assert ModelArchitecture.from_hf_config(text).grid_vision is None
    arch = ModelArchitecture.from_hf_config({**whole("qwen2_5_vl"), "text_config": text})
    assert arch.grid_vision == GridTower.from_hf_config(whole("qwen2_5_vl"), source="config.json")
