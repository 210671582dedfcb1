"""The golden table, made anew with torch's FLOP counter on the real model classes.

It runs in an environment of its own (``tests/environments/torch.in``); torch is none of our
dependencies.
"""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.support.environments import ENVIRONMENTS
from tests.support.torch_python import torch_python

from spanledger.compute import ModelArchitecture, forward_flops

HERE = Path(__file__).parent
PROGRAM = HERE.parents[1] / "environments" / "torch_programs" / "count_flops.py"
CONFIGS = HERE / "data" / "flops_configs.json"
TRAPS = PROGRAM.with_name("counter_traps.py")
#: The small Llama 4 of that program.
LLAMA_4 = {
    "model_type": "llama4_text", "vocab_size": 128, "hidden_size": 32, "intermediate_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
    "num_local_experts": 4, "num_experts_per_tok": 1, "intermediate_size_mlp": 64,
}  # fmt: skip
ROWS = {
    row["model"]: row
    for row in csv.DictReader((HERE / "data" / "flops_truth.csv").read_text().splitlines())
}
#: One of each kind: learned positions, grouped queries, a window, experts, latents, sinks, encoder.
QUICK = ("gpt2", "llama-3.2-1b", "phi-3-mini-4k", "qwen3-30b-a3b", "gpt-oss-20b", "bert-base")


def counted(*names: str) -> dict[str, Any]:
    wanted: list[str] = []
    for name in names:
        row = ROWS[name]
        pasts = f"128,{row['T_long']}" if row["T_long"] else ""
        wanted.append(f"{name}:128,{row['S_long']}:{pasts}")
    python = torch_python()
    told = subprocess.run(
        [python, PROGRAM, CONFIGS, *wanted],
        check=True, capture_output=True, text=True, env=ENVIRONMENTS.variables(),
    )  # fmt: skip
    return json.loads(told.stdout)


def idle_experts_flops(name: str) -> int:
    """FLOPs a token of the experts it was not sent to: transformers' Llama 4 computes them all."""
    if "llama-4" not in name:
        return 0
    arch = ModelArchitecture.from_catalogue(name)
    layers = ((group.count, group.layer) for group in arch.groups)
    return sum(2 * n * (layer.experts - layer.top_k) * layer.expert for n, layer in layers)


def in_table(name: str, told: dict[str, Any]) -> None:
    """Compare what was counted with the row of the table."""
    row = ROWS[name]
    idle = idle_experts_flops(name)
    assert told["params_total"] == int(row["params_total"])
    for column, tokens in (("128", "128"), ("long", row["S_long"])):
        expected = int(row[f"fcm_prefill_{column}"])
        assert told["prefill"][tokens] - idle * int(tokens) == expected, (name, tokens)
    for column, tokens in (("T128", "128"), ("Tlong", row["T_long"])):
        if row[f"fcm_decode_{column}"]:
            flops, held = told["decode"][tokens]
            assert flops - idle == int(row[f"fcm_decode_{column}"]), (name, tokens)
            assert held == int(row[f"hf_cache_elems_{column}"]), (name, tokens)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_the_counter_does_not_see() -> None:
    """Traps that the program steps around; where one is mended, this says so."""
    done = subprocess.run(
        [torch_python(), TRAPS],
        check=True, capture_output=True, text=True, env=ENVIRONMENTS.variables(),
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    square = 2 * 4 * (8 + 8) * 32 * 32
    assert (told["on cpu"], told["causal"], told["square"]) == (0, square, square)
    assert told["cpu eager"] - told["cpu sdpa"] == 2 * square
    assert told["grouped"] < told["batched"]
    assert told["shared"] == "sdpa", "a config is its models' own"
    arch = ModelArchitecture.from_hf_config(LLAMA_4)
    idle = 2 * 3 * arch.groups[0].layer.expert * sum(group.count for group in arch.groups) * 32
    useful = forward_flops(arch, 32, logits=32, pairs="rectangle").total
    assert told["scout"] == useful + idle, "all experts, whatever the router says"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "names", [QUICK, tuple(sorted(set(ROWS) - set(QUICK)))], ids=["kinds", "rest"]
)
def test_the_counter_still_says_what_the_table_holds(names: tuple[str, ...]) -> None:
    """To the last integer: FLOPs of prefills and decoding steps, weights, what a cache holds."""
    told = counted(*names)
    assert set(told) == set(names)
    for name in names:
        in_table(name, told[name])
