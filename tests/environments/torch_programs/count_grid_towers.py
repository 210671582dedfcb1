"""What torch's FLOP counter says of small towers of Qwen's vision models; prints JSON.

Argument: a JSON object, name -> [config of the whole model, [grids of pictures, ...]]. With eager
attention, which the counter sees, and on the CPU: grids are values, which the meta device has not.
"""

import json
import sys

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl
from transformers.models.qwen2_vl import modeling_qwen2_vl
from transformers.models.qwen3_vl import modeling_qwen3_vl

TOWERS = {
    "qwen2_vl": modeling_qwen2_vl.Qwen2VisionTransformerPretrainedModel,
    "qwen2_5_vl": modeling_qwen2_5_vl.Qwen2_5_VisionTransformerPretrainedModel,
    "qwen3_vl": modeling_qwen3_vl.Qwen3VLVisionModel,
}


def counted(values, grids):
    config = AutoConfig.for_model(values["model_type"], vision_config=values["vision_config"])
    vision = config.vision_config
    vision._attn_implementation = "eager"
    tower = TOWERS[values["model_type"]](vision).eval()
    numbers = 3 * vision.temporal_patch_size * vision.patch_size**2
    patches = sum(frames * rows * columns for frames, rows, columns in grids)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        tower(torch.zeros(patches, numbers), grid_thw=torch.tensor(grids))
    return counter.get_total_flops()


def main() -> None:
    wanted = json.loads(sys.argv[1])
    told = {
        name: [counted(values, grids) for grids in sets] for name, (values, sets) in wanted.items()
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
