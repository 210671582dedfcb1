"""Engines in the application's process: models with random weights that generate on the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.support.environments import ENVIRONMENTS
from tests.support.torch_python import torch_python

from spanledger import semconv
from spanledger._local.device_clock import Turn
from spanledger._local.model import LocalModel, Sequenced, accelerators, figures, read_bytes
from spanledger._patches.registry import available, available_engines
from spanledger.compute import ModelArchitecture, estimate_flops, forward_flops, kv_cache_bytes
from spanledger.engines.transformers import _UNKNOWN, Notes, _vision

PROGRAM = Path(__file__).parents[1] / "environments" / "torch_programs" / "generate.py"
#: Prompt and answer of each sequence of each call of the program.
CALLS = ([(40, 12)], [(4, 5), (7, 5)], [(40, 9)])


@pytest.fixture(scope="module")
def told() -> Mapping[str, Any]:
    """What the program printed."""
    done = subprocess.run(
        [torch_python(), PROGRAM],
        check=True, capture_output=True, text=True, env=ENVIRONMENTS.variables(),
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def architectures(told: Mapping[str, Any]) -> Sequence[ModelArchitecture]:
    llama, gpt2 = (ModelArchitecture.from_hf_config(config) for config in told["configs"])
    return llama, llama, gpt2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_tokens_flops_memory_and_time_of_a_local_model(told: Mapping[str, Any]) -> None:
    """As the sequences say, the architecture, the tensors and the clock."""
    spans = told["calls spans"][:3]
    for span, calls, arch in zip(spans, CALLS, architectures(told), strict=True):
        assert span[semconv.PROVIDER_NAME] == "transformers"
        assert span[semconv.USAGE_INPUT_TOKENS] == sum(prompt for prompt, _ in calls)
        assert span[semconv.USAGE_OUTPUT_TOKENS] == sum(made for _, made in calls)
        flops = [estimate_flops(arch, prompt, 0, made) for prompt, made in calls]
        assert span[semconv.FLOPS_TOTAL] == sum(one.total.value for one in flops)
        assert span[semconv.FLOPS_PREFILL] == sum(one.prefill.value for one in flops)
        assert span[semconv.FLOPS_METHOD] == "exact"
        held = sum(kv_cache_bytes(arch, p + m - 1, cache_format="fp32") for p, m in calls)
        assert span[semconv.VRAM_KV_BYTES] == held
        assert span[semconv.VRAM_SOURCE] == "measured:float32"
        assert (span[semconv.GPU_MODEL], span[semconv.GPU_COUNT]) == ("cpu", 1)
        assert span[semconv.GPU_SECONDS] > 0
        assert semconv.GPU_MFU not in span, "nobody knows the peak of a CPU"
    for span, size in zip((spans[0], spans[2]), told["bytes"], strict=True):
        assert size <= span[semconv.VRAM_WEIGHTS_BYTES] < size * 1.01  # and a few buffers
    assert [span[semconv.REQUEST_MODEL] for span in spans] == [
        "LlamaForCausalLM", "LlamaForCausalLM", "GPT2LMHeadModel",
    ]  # fmt: skip
    assert len(told["calls spans"]) == 4, "each call once, and the agent"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_load_is_a_span_of_its_own(told: Mapping[str, Any]) -> None:
    """Once a load, also the one that a pipeline makes; with the time of what it lies on."""
    loads = [span for span in told["loaded spans"] if span["name"].startswith("load_model")]
    assert len(loads) == 2
    for span in loads:
        assert span["name"] == f"load_model {told['folder']}"
        assert span[semconv.OPERATION_NAME] == semconv.OPERATION_LOAD_MODEL
        assert span[semconv.REQUEST_MODEL] == told["folder"]
        assert 0 < span[semconv.GPU_SECONDS] <= span["seconds"]
        assert (span[semconv.GPU_MODEL], span[semconv.GPU_COUNT]) == ("cpu", 1)
        assert (
            span[semconv.VRAM_WEIGHTS_BYTES] == told["calls spans"][0][semconv.VRAM_WEIGHTS_BYTES]
        )
        assert semconv.USAGE_SOURCE not in span, "nothing was asked"
        assert span[semconv.RUN_ID]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ways_to_generate(told: Mapping[str, Any]) -> None:
    """A pipeline, a cache that is handed in, a streamer, beams, a model that drafts."""
    calls = [span for span in told["loaded spans"] if span["name"].startswith("text_completion")]
    first, second, cached, failed, streamed, beams, drafted = calls
    arch = architectures(told)[0]

    def used(span: Mapping[str, Any]) -> tuple[int, int, int]:
        keys = (
            semconv.USAGE_INPUT_TOKENS, semconv.USAGE_CACHE_READ_TOKENS, semconv.USAGE_OUTPUT_TOKENS
        )  # fmt: skip
        return span[keys[0]], span[keys[1]], span[keys[2]]

    assert [used(span) for span in (first, second)] == [(3, 0, 6), (2, 0, 6)]
    assert used(cached) == (40, 30, 6)
    assert cached[semconv.FLOPS_TOTAL] == estimate_flops(arch, 40, 30, 6).total.value
    assert used(streamed) == used(drafted) == (40, 0, 6)
    assert used(beams) == (40, 0, 6)
    assert semconv.FLOPS_TOTAL not in drafted, "how many tokens were checked nobody tells"
    assert beams[semconv.FLOPS_TOTAL] == 3 * estimate_flops(arch, 40, 0, 6).total.value
    assert 0 < streamed[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] < streamed["seconds"]
    assert streamed[semconv.REQUEST_STREAM]
    assert not any(semconv.RESPONSE_TIME_TO_FIRST_CHUNK in span for span in (first, cached, beams))
    assert failed["failed"]
    assert failed[semconv.ERROR_TYPE] == told["loaded"]["failed"].replace("full", "BufferError")
    assert [len(given) for given in told["loaded"]["streamed"]] == [40, 1, 1, 1, 1, 1, 1]
    assert told["loaded"]["left"][1] == ["also", "given"], "the streamer is as it was"
    for span in (first, streamed):
        assert 0 < span[semconv.GPU_SECONDS] <= span["seconds"]
    assert failed[semconv.GPU_SECONDS] > 0, "until then the device was at work"
    inner, outer = sorted(told["side_by_side spans"], key=lambda span: span["seconds"])
    others = inner["seconds"] / 2  # half of the time in which both ran is the other's
    assert 0 < inner[semconv.GPU_SECONDS] <= inner["seconds"] - others / 2
    assert 0 < outer[semconv.GPU_SECONDS] <= outer["seconds"] - others / 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_flops_are_those_of_torchs_counter(told: Mapping[str, Any]) -> None:
    """To the last integer, of the whole squares that eager attention multiplies, padding too."""
    for call, calls, arch in zip(told["calls"], CALLS, architectures(told), strict=True):
        longest = max(prompt for prompt, _ in calls)
        counted = 0
        for _, made in calls:
            counted += forward_flops(arch, longest, pairs="rectangle").total
            for done in range(made - 1):
                counted += forward_flops(arch, 1, longest + done, pairs="rectangle").total
        assert call["counted"] == counted


def test_utilisation_of_a_call_by_hand() -> None:
    """One sequence of Llama 3.1 8B on an H100: what it computed and read, by its second."""
    model = on_h100()
    one = Sequenced(prompt=1000, cached=0, made=101)
    told = figures(model, [one], 1.0)
    flops = estimate_flops(model.arch, 1000, 0, 101).total.value if model.arch else 0
    assert told[semconv.GPU_MFU] == pytest.approx(flops / 989.4e12, rel=1e-6)
    weights = 2 * (8_030_261_248 - 128_256 * 4096)  # an embedding is looked up, not read
    cache = 131_072 * 1000 + 100 * 131_072 * 1050
    assert told[semconv.GPU_MBU] == pytest.approx((101 * weights + cache) / 3.35e12, rel=1e-6)
    assert told[semconv.VRAM_KV_BYTES] == 131_072 * 1100


def test_a_batch_reads_the_weights_once_a_step() -> None:
    """Two sequences of one call cost one of its reads of the weights, and each its cache."""
    model = on_h100()
    one, other = Sequenced(1000, 0, 101), Sequenced(500, 200, 51)
    caches = [read_bytes(model, [each]) - (each.made * 15_009_849_344) for each in (one, other)]
    both = read_bytes(model, [one, other])
    assert both == pytest.approx(101 * 15_009_849_344 + sum(caches), rel=1e-9)
    assert semconv.GPU_MBU not in figures(model, [one, other], 1.0, together=False)
    assert semconv.GPU_MFU in figures(model, [one, other], 1.0, together=False)


def on_h100() -> LocalModel:
    arch = ModelArchitecture.from_catalogue("llama-3.1-8b")
    device = "NVIDIA H100 80GB HBM3"
    return LocalModel("llama", arch, 16_060_522_496, "bfloat16", "bf16", 1, device)


class Torch(ModuleType):
    """In the place of torch: a process whose peak of memory rises as it is told."""

    def __init__(self, peak: int) -> None:
        super().__init__("torch")
        self.peak = peak
        self.cuda = self

    def max_memory_allocated(self, device: str) -> int:
        assert device == "cuda:0"
        return self.peak


def test_the_peak_of_memory_is_told_where_a_call_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where it was set before, or another call ran meanwhile; nothing without a GPU."""
    torch = Torch(100)
    monkeypatch.setitem(sys.modules, "torch", torch)
    call = Notes(["cuda:0"], 0)
    torch.peak = 150
    assert call.ended() == 150
    assert Notes(["cuda:0"], 0).ended() == 0, "it stayed as it was"
    outer, inner = Notes(["cuda:0"], 0), Notes(["cuda:0"], 0)
    torch.peak = 200
    assert (inner.ended(), outer.ended()) == (0, 0), "whose it was nobody knows"
    failed = Notes(["cuda:0"], 0)
    del failed  # a call that failed never ends
    call = Notes(["cuda:0"], 0)
    torch.peak = 250
    assert call.ended() == 250
    assert Notes(["cpu"], 0).ended() == 0


def test_time_of_a_device_is_told_once() -> None:
    """Calls side by side share it; one on another device has its own; a lost one holds nothing."""
    before = perf_counter()
    first, elsewhere = Turn(["a:0", "a:1"]), Turn(["b:0"])
    second, lost = Turn(["a:0"]), Turn(["a:0", "b:0"])
    del lost
    turns = [second, first, elsewhere]
    held = [turn.end() for turn in turns]
    lasted = perf_counter() - before
    assert 0 < held[0] + 2 * held[1] <= 2 * lasted
    assert 0 < held[2] <= lasted
    assert [turn.end() for turn in turns] == held, "it ended"
    assert held[0] < held[1]


def test_memories_compute_nothing() -> None:
    """What is offloaded to the host or a disk is brought to the accelerator for each step."""
    assert accelerators(["cpu", "cuda:0", "cuda:1", "meta"]) == ("cuda:0", "cuda:1")
    assert accelerators(["cpu", "meta"]) == accelerators([]) == ("cpu",)


def test_pictures_are_counted_where_their_tower_is_known() -> None:
    """By their shape: pictures, or tiles of them; of what nobody can count no FLOPs are told."""
    config = {
        "model_type": "llava",
        "text_config": {
            "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4,
            "num_hidden_layers": 2, "intermediate_size": 128, "vocab_size": 512,
        },
        "vision_config": {
            "model_type": "clip_vision_model", "hidden_size": 64, "intermediate_size": 128,
            "num_hidden_layers": 2, "image_size": 56, "patch_size": 14,
        },
    }  # fmt: skip
    arch = ModelArchitecture.from_hf_config(config)
    model = LocalModel("llava", arch, 0, "bfloat16", "bf16", 1, "cpu")

    def seen(**given: Any) -> float | None:
        shaped = {name: SimpleNamespace(shape=shape) for name, shape in given.items()}
        found = _vision(model, shaped)
        return None if found is None or found is _UNKNOWN else found.value

    tower = arch.vision
    assert tower is not None
    assert seen(pixel_values=(3, 3, 56, 56)) == tower.flops(3).value
    assert seen(pixel_values=(2, 5, 3, 56, 56)) == tower.flops(10).value
    assert seen(pixel_values=(1, 3, 28, 28)) == tower.flops(1, patches=4).value
    assert _vision(model, {}) is None
    for given in ({"pixel_values": (64, 1176)}, {"input_features": (1, 80, 3000)}):
        assert _vision(model, {n: SimpleNamespace(shape=s) for n, s in given.items()}) is _UNKNOWN
    vision = tower.flops(3)
    told = figures(model, [Sequenced(100, 0, 5)], 1.0, vision=vision)
    plain = figures(model, [Sequenced(100, 0, 5)], 1.0)
    assert told[semconv.FLOPS_TOTAL] == int(str(plain[semconv.FLOPS_TOTAL])) + vision.value


def test_pictures_of_any_size_are_counted_by_their_grids() -> None:
    """Qwen's towers; where a model's is another, grids say nothing."""
    text = {
        "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4,
        "num_hidden_layers": 2, "intermediate_size": 128, "vocab_size": 512,
    }  # fmt: skip
    vision = {
        "depth": 2, "hidden_size": 64, "intermediate_size": 160, "out_hidden_size": 64,
        "patch_size": 16,
    }  # fmt: skip
    sizes = [[1, 16, 24], [1, 12, 6]]
    given = {
        "pixel_values": SimpleNamespace(shape=(456, 1536)),
        "image_grid_thw": SimpleNamespace(tolist=lambda: sizes),
    }

    def model(**config: Any) -> LocalModel:
        arch = ModelArchitecture.from_hf_config({**config, "text_config": text})
        return LocalModel("m", arch, 0, "bfloat16", "bf16", 1, "cpu")

    qwen = model(model_type="qwen3_vl", vision_config=vision)
    assert qwen.arch is not None
    assert qwen.arch.grid_vision is not None
    found = _vision(qwen, given)
    assert found is not None
    assert found.value == qwen.arch.grid_vision.flops([(1, 16, 24), (1, 12, 6)]).value > 0
    assert _vision(model(model_type="llava"), given) is _UNKNOWN
    sizes.append([1, 3, 5])
    assert _vision(qwen, given) is _UNKNOWN


def test_a_cache_of_unknown_size_is_not_none() -> None:
    """T5 has FLOPs, approximate ones; what its decoder keeps is not told as 0."""
    config = {
        "model_type": "t5", "is_encoder_decoder": True, "d_model": 64, "d_ff": 128, "d_kv": 16,
        "num_layers": 2, "num_heads": 4, "vocab_size": 512,
    }  # fmt: skip
    arch = ModelArchitecture.from_hf_config(config)
    device = "NVIDIA H100 80GB HBM3"
    model = LocalModel("t5", arch, 10**6, "bfloat16", "bf16", 1, device)
    told = figures(model, [Sequenced(100, 0, 5)], 1.0)
    assert told[semconv.FLOPS_METHOD] == "approx"
    assert semconv.GPU_MFU in told
    assert not {semconv.VRAM_KV_BYTES, semconv.GPU_MBU} & set(told)


def test_engines_are_named_and_import_nothing() -> None:
    """They are no clients; finding them imports neither them nor torch."""
    assert set(available_engines()) == {"transformers", "llama-cpp-python", "vllm"}
    assert not set(available_engines()) & set(available())
    check = (
        "import sys, spanledger._patches.registry as r; r.available_engines(); "
        "sys.exit(bool({'torch', 'transformers', 'llama_cpp', 'vllm'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
