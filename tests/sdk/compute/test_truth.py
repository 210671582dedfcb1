"""The golden table: every figure of it, to the last integer.

``data/flops_truth.csv`` was measured with a FLOP counter on models built from
``data/flops_configs.json``. ``fcm_*`` columns are the counter's own view (full rectangles, all
logits, latent attention expanded even when decoding); ``served_*`` are useful work. ``S_long`` and
``T_long`` are the longest lengths measured per model.
"""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from spanledger.compute.architecture import ModelArchitecture
from spanledger.compute.flops import estimate_flops, forward_flops
from spanledger.compute.vram import kv_cache_bytes, kv_cache_elements

DATA = Path(__file__).parent / "data"
CONFIGS: dict[str, dict[str, Any]] = json.loads((DATA / "flops_configs.json").read_text())
with (DATA / "flops_truth.csv").open(newline="") as lines:
    ROWS = list(csv.DictReader(lines))

every_row = pytest.mark.parametrize("row", ROWS, ids=[row["model"] for row in ROWS])


def built(row: dict[str, str]) -> ModelArchitecture:
    return ModelArchitecture.from_hf_config(CONFIGS[row["model"]], name=row["model"])


def test_the_table_is_whole() -> None:
    """Nobody shortened the golden table or lost a config."""
    assert len(ROWS) == 21
    assert {row["model"] for row in ROWS} == set(CONFIGS)


@every_row
def test_parameters(row: dict[str, str]) -> None:
    """Total, active, matmul and embedding weights are exact."""
    arch = built(row)
    assert arch.is_exact
    assert arch.params.total == int(row["params_total"])
    assert arch.params.active == int(row["params_active"])
    assert arch.params.matmul == int(row["params_matmul_per_token"])
    assert arch.params.embedding == int(row["params_embedding"])
    assert arch.tied == (row["tied"] == "1")


@every_row
def test_served_prefill(row: dict[str, str]) -> None:
    """Prefill of 128, the longest measured, and 32,768 tokens."""
    arch = built(row)
    lengths = {"128": 128, "long": int(row["S_long"]), "32768": 32768}
    for column, tokens in lengths.items():
        if expected := row[f"served_prefill_{column}"]:
            assert estimate_flops(arch, tokens).total.value == int(expected), column


@every_row
def test_served_decode(row: dict[str, str]) -> None:
    """One decoding step: the second output token of a call with T tokens before it."""
    arch = built(row)
    lengths = {"T128": 128, "Tlong": int(row["T_long"] or 0), "T32767": 32767}
    for column, tokens in lengths.items():
        if expected := row[f"served_decode_{column}"]:
            estimate = estimate_flops(arch, tokens, 0, 2)
            assert estimate.decode.value == int(expected), column


@every_row
def test_counter_view(row: dict[str, str]) -> None:
    """The FLOP counter's numbers: rectangles, every position's logits, latents re-expanded."""
    arch = built(row)
    for column, tokens in {"128": 128, "long": int(row["S_long"])}.items():
        counted = forward_flops(arch, tokens, logits=tokens, pairs="rectangle")
        assert counted.total == int(row[f"fcm_prefill_{column}"]), column
    for column, tokens in {"T128": 128, "Tlong": int(row["T_long"] or 0)}.items():
        if expected := row[f"fcm_decode_{column}"]:
            counted = forward_flops(arch, 1, tokens, pairs="rectangle")
            assert counted.total == int(expected), column


@every_row
def test_kv_cache(row: dict[str, str]) -> None:
    """Cache per token, and what a real cache holds with its windows full.

    The reference cache was read before the next token was written, so it holds one token less
    than the cache during that token's step.
    """
    arch = built(row)
    per_token = int(row["kv_elems_per_token"])
    assert kv_cache_elements(arch, 1) == per_token
    assert kv_cache_bytes(arch, 1) == int(row["kv_bytes_per_token_bf16"])
    for column, tokens in {"T128": 128, "Tlong": int(row["T_long"] or 0)}.items():
        if expected := row[f"hf_cache_elems_{column}"]:
            assert kv_cache_elements(arch, tokens + 1) - per_token == int(expected), column
