"""Where torch's FLOP counter does not say what was computed; prints JSON.

Each is why ``count_flops.py`` is built as it is: were one of them mended in torch or transformers,
the test of this would tell, and the program could be simpler.
"""

import json
import logging
import sys
import warnings

import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, GPT2Config, Llama4TextConfig, MixtralConfig

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")
torch.set_num_threads(1)

GPT2 = {"vocab_size": 128, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 4}
SMALL = {
    "vocab_size": 128, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
}  # fmt: skip
TOKENS = 32


def counted(run):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        run()
    return counter.get_total_flops()


def of_model(config, device, *, attention="eager", experts="batched_mm"):
    config._attn_implementation = attention
    config._experts_implementation = experts
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
        ids = torch.zeros(1, TOKENS, dtype=torch.long)
        mask = torch.ones(1, TOKENS, dtype=torch.long)
        return counted(lambda: model(input_ids=ids, attention_mask=mask, use_cache=False))


def of_attention(device, *, causal):
    queries = torch.zeros(1, 4, TOKENS, 8, device=device)
    return counted(
        lambda: scaled_dot_product_attention(queries, queries, queries, is_causal=causal)
    )


def shared():
    """Attention of a model after another was made from the same config."""
    config = GPT2Config(**GPT2)
    config._attn_implementation = "eager"
    first = AutoModelForCausalLM.from_config(config)
    config._attn_implementation = "sdpa"
    AutoModelForCausalLM.from_config(config)
    return first.config._attn_implementation


def main() -> None:
    scout = {"num_local_experts": 4, "num_experts_per_tok": 1, "intermediate_size_mlp": 64}
    told = {
        "cpu eager": of_model(GPT2Config(**GPT2), "cpu"),
        "cpu sdpa": of_model(GPT2Config(**GPT2), "cpu", attention="sdpa"),
        "grouped": of_model(
            MixtralConfig(**SMALL, num_local_experts=4), "cpu", experts="grouped_mm"
        ),
        "batched": of_model(MixtralConfig(**SMALL, num_local_experts=4), "cpu"),
        "on cpu": of_attention("cpu", causal=True),
        "causal": of_attention("meta", causal=True),
        "square": of_attention("meta", causal=False),
        "scout": of_model(Llama4TextConfig(**SMALL, **scout), "cpu"),
        "shared": shared(),
    }
    sys.stdout.write("\n" + json.dumps(told))


if __name__ == "__main__":
    main()
