"""Models with random weights generate on the CPU, measured; what was told is printed as JSON.

With the address of a collector as the argument the spans go there, else they are captured. Beside
each call stands what torch's own counter says of it.
"""

import json
import logging
import sys
import warnings

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import spanledger
from spanledger._registry import instrument
from spanledger.testing import capture_spans

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")
torch.manual_seed(0)

LLAMA = LlamaConfig(
    vocab_size=512, hidden_size=64, intermediate_size=128, num_hidden_layers=3,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
    eos_token_id=511, pad_token_id=510, attn_implementation="eager",
)  # fmt: skip
GPT2 = GPT2Config(
    vocab_size=300, n_positions=128, n_embd=48, n_layer=2, n_head=4,
    eos_token_id=299, pad_token_id=299, attn_implementation="eager",
)  # fmt: skip


def generate(model, **given):
    """What a call gives, and what the counter says of it."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        result = model.generate(do_sample=False, **given)
    return {"result": result.tolist(), "counted": counter.get_total_flops()}


@spanledger.agent
def local(llama, gpt2):
    ids = torch.arange(40).reshape(1, 40)
    short = torch.tensor([[510] * 3 + [5, 6, 7, 8], list(range(7))])
    mask = (short != 510).long()
    return [
        generate(llama, inputs=ids, max_new_tokens=12),
        generate(llama, input_ids=short, attention_mask=mask, max_new_tokens=5),
        generate(gpt2, input_ids=ids % 299, max_new_tokens=9),
    ]


def main() -> None:
    llama, gpt2 = LlamaForCausalLM(LLAMA).eval(), GPT2LMHeadModel(GPT2).eval()
    if len(sys.argv) > 1:
        spanledger.init(endpoint=sys.argv[1])
        told = local(llama, gpt2)
        spanledger.shutdown()
        spans = []
    else:
        instrument(["transformers"])
        with capture_spans() as captured:
            told = local(llama, gpt2)
        spans = [{"name": span.name, **span.attributes} for span in captured.spans]
    sizes = [sum(p.numel() * p.element_size() for p in m.parameters()) for m in (llama, gpt2)]
    configs = [LLAMA.to_dict(), GPT2.to_dict()]
    everything = {"calls": told, "spans": spans, "configs": configs, "bytes": sizes}
    sys.stdout.write("\n" + json.dumps(everything, default=str))


if __name__ == "__main__":
    main()
