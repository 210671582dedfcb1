"""Models with random weights generate on the CPU, measured; what was told is printed as JSON.

With the address of a collector as the argument the spans go there, else they are captured. Beside
each call stands what torch's own counter says of it.
"""

import json
import logging
import sys
import tempfile
import threading
import warnings

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    AutoModelForCausalLM,
    DynamicCache,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    pipeline,
)
from transformers.generation import BaseStreamer

import spanledger
from spanledger._patches.registry import instrument
from spanledger.testing import capture_spans

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")
torch.manual_seed(0)
torch.set_num_threads(1)  # several on a busy machine wait for each other at every matrix

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


class Streamer(BaseStreamer):
    """Keeps what it is given; with ``also`` it does something else at the second."""

    def __init__(self, also=None):
        self.given = []
        self.also = also

    def put(self, value):
        self.given.append(value.flatten().tolist())
        if self.also is not None and len(self.given) == 2:
            self.also()

    def end(self):
        pass


class FullStreamer(Streamer):
    """Refuses what it is given."""

    def put(self, _value):
        raise BufferError("full")


def tokenizer():
    words = {f"w{at}": at for at in range(512)}
    inner = Tokenizer(models.WordLevel(words, unk_token="w0"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="w0", eos_token="w511", pad_token="w510"
    )


@spanledger.agent
def loaded(folder):
    """A model from a folder: loaded twice, in a pipeline, with a cache, streamed, by beams."""
    llama = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    pipe = pipeline("text-generation", model=folder, device="cpu")
    ids = torch.arange(40).reshape(1, 40)
    cache = DynamicCache(config=llama.config)
    with torch.no_grad():
        llama(ids[:, :30], past_key_values=cache, use_cache=True)
    given = {"max_new_tokens": 6, "do_sample": False}
    told = {
        "pipeline": pipe(["w1 w2 w3", "w4 w5"], **given, batch_size=1),
        "cached": llama.generate(ids, past_key_values=cache, **given).tolist(),
    }
    full, streamer = FullStreamer(), Streamer()
    try:
        llama.generate(ids, streamer=full, **given)
    except BufferError as error:
        told["failed"] = str(error)
    llama.generate(ids, streamer=streamer, **given)
    told["streamed"] = streamer.given
    told["left"] = [sorted(vars(full)), sorted(vars(streamer))]
    told["beams"] = llama.generate(ids, num_beams=3, **given).tolist()
    told["drafted"] = llama.generate(ids, assistant_model=pipe.model, **given).tolist()
    return told


def side_by_side(llama):
    """Two calls at once, each in its thread: the second begins and ends while the first runs."""
    ids = torch.arange(10).reshape(1, 10)

    def second():
        thread = threading.Thread(target=llama.generate, args=(ids,), kwargs={"max_new_tokens": 3})
        thread.start()
        thread.join()

    llama.generate(ids, max_new_tokens=4, streamer=Streamer(second))


def main() -> None:
    llama, gpt2 = LlamaForCausalLM(LLAMA).eval(), GPT2LMHeadModel(GPT2).eval()
    with tempfile.TemporaryDirectory() as folder:
        llama.save_pretrained(folder)
        tokenizer().save_pretrained(folder)
        if len(sys.argv) > 1:
            spanledger.init(endpoint=sys.argv[1])
            told = {"calls": local(llama, gpt2), "loaded": loaded(folder)}
            AutoModelForCausalLM.from_pretrained(folder)  # outside of any run
            spanledger.shutdown()
        else:
            instrument(["transformers"])
            told = {"folder": folder}
            for name, work in (
                ("calls", lambda: local(llama, gpt2)),
                ("loaded", lambda: loaded(folder)),
                ("side_by_side", lambda: side_by_side(llama)),
            ):
                with capture_spans() as captured:
                    told[name] = work()
                told[f"{name} spans"] = [
                    {
                        "name": span.name,
                        "seconds": (span.end_time - span.start_time) / 1e9,
                        "failed": not span.status.is_ok,
                        **span.attributes,
                    }
                    for span in captured.spans
                ]
    sizes = [sum(p.numel() * p.element_size() for p in m.parameters()) for m in (llama, gpt2)]
    configs = [LLAMA.to_dict(), GPT2.to_dict()]
    sys.stdout.write("\n" + json.dumps({**told, "configs": configs, "bytes": sizes}, default=str))


if __name__ == "__main__":
    main()
