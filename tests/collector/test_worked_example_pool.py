"""The third part of the worked example: a pool with idle time, FLOPs and memory of a call."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.gpu.pools import Scene

from spanledger.compute import ModelArchitecture, estimate_flops, kv_cache_bytes, weight_bytes
from spanledger_collector.store import Store

PAGE = (Path(__file__).parents[2] / "docs" / "worked-example.md").read_text()
SECTION = PAGE.partition("## GPUs that are shared and stand idle")[2]
#: Line of the bill -> GPU-seconds, USD; quantity -> its figure.
BILL = {
    line: (int(seconds), Decimal(usd))
    for line, seconds, usd in re.findall(
        r"^\| ([a-z ]+) \| (\d+) \| \$([0-9.]+) \|", SECTION, re.MULTILINE
    )
}
PHYSICS = {
    quantity: int(figure)
    for quantity, figure in re.findall(
        r"^\| ([A-Za-z ]+) \| (\d+) \| [^|]+\|$", SECTION, re.MULTILINE
    )
}
POOL = """
gpu_pools:
  - pool: lab
    serves: { provider: lab }
    gpus: 1
    up_from: 2026-11-02T10:00:00
    up_to: 2026-11-02T10:10:00
"""
CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 128, "vocab_size": 256, "tie_word_embeddings": False,
}  # fmt: skip


def _physics() -> dict[str, int]:
    """What the library says of the call."""
    arch = ModelArchitecture.from_hf_config(CONFIG)
    flops = estimate_flops(arch, 3, 0, 2)
    weights, cache = weight_bytes(arch), kv_cache_bytes(arch, 4)
    (group,) = arch.groups
    return {
        "weights that a token meets": group.count * group.layer.dense,
        "FLOPs of the prompt": int(flops.prefill.value),
        "FLOPs of the answer": int(flops.decode.value),
        "FLOPs in all": int(flops.total.value),
        "bytes of weights": weights,
        "bytes of cache": cache,
        "bytes of VRAM": weights + cache,
    }


def test_the_library_says_what_the_page_says() -> None:
    assert _physics() == PHYSICS


def test_a_pencil_says_the_same() -> None:
    """By the formulas of the page, in whole numbers."""
    met = 2 * (64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 128)
    head, pair = 2 * 64 * 256, 2 * 2 * 4 * (16 + 16)
    prompt, answer = 2 * 3 * met + 6 * pair + head, 2 * met + 4 * pair + head
    weights, cache = 2 * (met + 2 * 256 * 64 + 5 * 64), 4 * 2 * 2 * (16 + 16) * 2
    figures = [met, prompt, answer, prompt + answer, weights, cache, weights + cache]
    assert list(PHYSICS.values()) == figures
    alone, shared, window, usd = 30, 30, 600, Decimal("0.001")
    call = alone + shared // 2
    seconds = [call, call, 0, window - 2 * call, window]
    assert list(BILL.values()) == [(part, part * usd) for part in seconds]


def test_the_ledger_says_what_the_page_says(module_store: Store, tmp_path: Path) -> None:
    """Each call's share and physics, the idle line, and runs that sum their calls."""
    told = _physics()
    physics = {
        "flops_total": told["FLOPs in all"],
        "vram_weights_bytes": told["bytes of weights"],
        "vram_kv_bytes": told["bytes of cache"],
        "vram_peak_bytes": told["bytes of VRAM"],
    }
    with module_store.connect() as connection:
        pool = Scene(module_store, connection, tmp_path, "lab")
        pool.write(POOL)
        pool.rates((0, "3.60"))
        pool.served(1, 0, 60, **physics)
        pool.served(2, 30, 60, **physics)
        pool.close()
        bill = pool.bill()
        calls = [pool.attempt(number) for number in (1, 2)]
        runs = connection.rows("SELECT * FROM runs FINAL WHERE agent_name = 'lab'")
    shares = [(call["units"]["gpu_seconds"], call["cost_usd"]) for call in calls]
    parts = ["load", "idle", "billed"]
    lines = [*shares, *((bill[f"{one}_gpu_seconds"], bill[f"{one}_usd"]) for one in parts)]
    assert dict(zip(BILL, lines, strict=True)) == BILL
    assert bill["utilisation"] == pytest.approx(0.15)
    assert bill["fully_loaded_factor"] == pytest.approx(600 / 90)
    assert [run["flops_total"] for run in runs] == [PHYSICS["FLOPs in all"]] * 2
    assert [run["vram_peak_bytes"] for run in runs] == [PHYSICS["bytes of VRAM"]] * 2
    assert [run["gpu_seconds"] for run in runs] == [45, 45]
