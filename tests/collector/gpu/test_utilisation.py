"""What pools, and calls, made of their GPUs: MFU and MBU, NULL where something is not known.

One ledger for all tests; each has a pool, a provider and traces of its own.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.collector.gpu.pools import BEGIN, Scene

from spanledger.compute import ModelArchitecture, estimate_flops, gpu
from spanledger_collector.cli.app import execute
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

_H100 = gpu("h100-sxm5-80gb")
_LLAMA = ModelArchitecture.from_catalogue("llama-3.1-8b")
_FLOPS = int(estimate_flops(_LLAMA, 1000, 0, 200).total.value)


@pytest.mark.slow
def test_what_a_pool_and_its_calls_made_of_their_time(gpus: Scene) -> None:
    """By the dense peaks of the time in which calls were served whose tokens are known."""
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 60)
    gpus.served(2, 590, 40)  # over the edge of two windows
    gpus.served(3, 700, 20, status="error", error_type="cancelled", usage_source="missing")
    gpus.close()
    bill = gpus.bill()
    assert (bill["flops_total"], bill["peak_format"]) == (2 * _FLOPS, "bf16")
    assert bill["attributed_gpu_seconds"] == 2 * 120
    assert bill["unknown_work_gpu_seconds"] == 2 * 20
    assert bill["mfu_low"] == bill["mfu_high"]
    assert bill["mfu_low"] == pytest.approx(2 * _FLOPS / (2 * 100 * _H100.peak()))
    # Alone, an answer reads the weights each step: 199 steps and its prompt, 15 GB each.
    weights = 2 * (_LLAMA.params.total - _LLAMA.params.embedding)
    assert bill["mbu_low"] == bill["mbu_high"]
    assert bill["mbu_low"] == pytest.approx(
        2 * 200 * weights / (2 * 100 * _H100.bandwidth), rel=0.02
    )
    first, second, cancelled = (gpus.attempt(number) for number in (1, 2, 3))
    assert first["mfu"] == pytest.approx(_FLOPS / (2 * 60 * _H100.peak()))
    assert second["mfu"] == pytest.approx(_FLOPS / (2 * 40 * _H100.peak()))
    assert second["mbu"] == pytest.approx(first["mbu"] * 1.5)
    assert (cancelled["mfu"], cancelled["mbu"]) == (None, None)


@pytest.mark.slow
def test_what_nobody_told_of_a_cache_may_have_been_all_of_the_prompts(gpus: Scene) -> None:
    """MFU has a low end then, and shares of those beside it are less sure as well."""
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 60, attributes={"spanledger.server.cache_untold": "true"})
    gpus.served(2, 20, 60)
    gpus.served(3, 700, 60)
    gpus.close()
    bill = gpus.bill()
    least = int(estimate_flops(_LLAMA, 1000, 999, 200).total.value)
    assert bill["flops_total"] == 3 * _FLOPS
    methods = gpus.connection.rows(
        "SELECT flops_method FROM gpu_windows FINAL WHERE pool = {p:String} ORDER BY window_start",
        {"p": gpus.name},
    )
    assert [row["flops_method"] for row in methods] == ["approx", "exact", ""]
    assert bill["mfu_low"] / bill["mfu_high"] == pytest.approx((least + 2 * _FLOPS) / (3 * _FLOPS))
    for number, factor in ((1, 2.1), (2, 2.1), (3, 1.7)):
        attempt = gpus.attempt(number)
        cost = float(attempt["cost_usd"])
        assert float(attempt["cost_high_usd"]) == pytest.approx(cost * factor)


@pytest.mark.slow
def test_without_its_gpu_flops_are_known_and_no_share_of_a_peak(
    gpus: Scene,
    module_store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And of a pool that tells no model nothing is; eight-bit weights have a peak of their own."""
    gpus.write(gpus.file.replace("    gpu: NVIDIA H100 80GB HBM3\n", ""))
    gpus.served(1, 10, 60)
    gpus.close()
    bill = gpus.bill()
    assert (bill["flops_total"], bill["unknown_work_gpu_seconds"]) == (_FLOPS, 0)
    assert [bill[name] for name in ("mfu_low", "mfu_high", "mbu_low", "mbu_high")] == [None] * 4
    assert gpus.attempt(1)["mfu"] is None
    gpus.write(gpus.file.replace("    model: llama-3.1-8b\n", ""))
    gpus.close()
    bill = gpus.bill()
    assert (bill["flops_total"], bill["unknown_work_gpu_seconds"]) == (0, 2 * 60)
    assert (bill["mfu_low"], bill["mbu_low"], bill["peak_format"]) == (None, None, "")
    gpus.write(gpus.file.replace("    gpus: 2\n", "    gpus: 2\n    weight_format: fp8\n"))
    gpus.close()
    bill = gpus.bill()
    assert bill["peak_format"] == "fp8"
    assert bill["mfu_low"] == pytest.approx(_FLOPS / (2 * 60 * _H100.peak("fp8")))
    ledger = Ledger(DirectReader(module_store))
    [row] = [row for row in ledger.pools() if row.pool == gpus.name]
    assert row.mfu_low == pytest.approx(bill["mfu_low"])
    assert (row.mbu_high, row.peak_format) == (pytest.approx(bill["mbu_high"]), "fp8")
    monkeypatch.setenv("COLUMNS", "250")
    address = module_store.address
    assert execute(["pools", "--url", f"chdb://{address.path}?database={address.database}"]) == 0
    assert f"{bill['mbu_low']:.1%}" in capsys.readouterr().out


def test_a_hybrid_has_wider_bounds(gpus: Scene, tmp_path: Path) -> None:
    """Of its share, and of what its GPUs came to; never narrower than a factor of 2.1."""
    config = {
        "model_type": "qwen3_next", "hidden_size": 2048, "num_hidden_layers": 48,
        "num_attention_heads": 16, "num_key_value_heads": 2, "head_dim": 256,
        "intermediate_size": 5120, "vocab_size": 151936, "full_attention_interval": 4,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    gpus.write(gpus.file.replace("model: llama-3.1-8b", "config: config.json"))
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 60)
    gpus.close()
    bill = gpus.bill()
    assert 0 < bill["mfu_low"] < bill["mfu_high"]
    assert bill["mbu_low"] > 0
    attempt = gpus.attempt(1)
    assert float(attempt["cost_high_usd"]) == pytest.approx(float(attempt["cost_usd"]) * 2.1)


def test_a_model_in_the_application_tells_its_own(gpus: Scene) -> None:
    """On its span; what is no share of anything is not taken over."""
    told = {"spanledger.gpu.mfu": "0.41", "spanledger.gpu.mbu": "nan"}
    gpus.served(1, 10, 60, provider="in-the-app", attributes=told)
    attempt = gpus.attempt(1)
    assert (attempt["mfu"], attempt["mbu"]) == (0.41, None)
    assert attempt["started_at"] == BEGIN + timedelta(seconds=10)
