"""What torch's own FLOP counter says of each model of the golden table; prints JSON.

Arguments: the file of configs, and for each model ``name:prompt,prompt:past,past``. Models are on
the meta device: shapes without data, so that 1026 billion weights cost nothing. What must stay as
it is: attention is eager (the CPU kernel of ``sdpa`` is not counted), experts are ``batched_mm``
(``grouped_mm`` is not counted).
"""

import json
import logging
import sys
import warnings
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, DynamicCache

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")


def build(values, attention="eager", experts="batched_mm"):
    values = {name: value for name, value in values.items() if not name.startswith("_")}
    kind = values.pop("model_type")
    config = AutoConfig.for_model(kind, **values)
    config._attn_implementation = attention
    config._experts_implementation = experts
    model_class = AutoModel if kind == "bert" else AutoModelForCausalLM
    with torch.device("meta"):
        return model_class.from_config(config, dtype=torch.bfloat16).eval()


def tokens(new, past=0):
    """With a mask: without one, transformers looks at values of positions, and there are none."""
    return {
        "input_ids": torch.zeros(1, new, dtype=torch.long),
        "attention_mask": torch.ones(1, past + new, dtype=torch.long),
    }


def counted(model, prompt):
    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        if model.config.model_type == "bert":  # of an encoder it looks at the values of the mask
            model(input_ids=tokens(prompt)["input_ids"])
        else:
            model(**tokens(prompt), use_cache=False)
    return counter.get_total_flops()


def counted_decode(model, past):
    """One token after ``past`` others, which a prefill put into the cache; what that holds."""
    with torch.no_grad(), torch.device("meta"):
        cache = DynamicCache(config=model.config)
        model(
            **tokens(past),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        held = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
        with FlopCounterMode(display=False) as counter:
            model(
                **tokens(1, past),
                past_key_values=cache,
                use_cache=True,
            )
    return counter.get_total_flops(), held


def main() -> None:
    configs = json.loads(Path(sys.argv[1]).read_text())
    told = {}
    for wanted in sys.argv[2:]:
        name, prompts, pasts = wanted.split(":")
        model = build(configs[name])
        told[name] = {
            "params_total": sum(p.numel() for p in model.parameters()),
            "prefill": {n: counted(model, int(n)) for n in prompts.split(",")},
            "decode": {n: counted_decode(model, int(n)) for n in pasts.split(",") if n},
        }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
