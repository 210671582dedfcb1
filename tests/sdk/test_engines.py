"""Engines in the application's process: models with random weights that generate on the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.environments import ENVIRONMENTS
from tests.support.torch_python import torch_python

from spanledger import semconv
from spanledger._registry import available, available_engines
from spanledger.compute import ModelArchitecture, estimate_flops, forward_flops, kv_cache_bytes

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
    spans = told["spans"][:3]
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
    assert len(told["spans"]) == 4, "each call once, and the agent"


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


def test_engines_are_named_and_import_nothing() -> None:
    """They are no clients; finding them imports neither them nor torch."""
    assert set(available_engines()) == {"transformers"}
    assert not set(available_engines()) & set(available())
    check = (
        "import sys, spanledger._registry as r; r.available_engines(); "
        "sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
