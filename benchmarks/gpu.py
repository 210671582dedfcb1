"""Estimates of `spanledger.compute` against a real GPU: memory, FLOP rate and step time.

Needs torch and a GPU that it sees, nothing else; nothing is downloaded: models are matrices of the
right shapes with random numbers. Takes a few minutes::

    python benchmarks/gpu.py

Steps are replayed from a CUDA graph, as engines do: launched from Python one by one, the kernels of
a small model take less time than launching them (that time is printed beside). So the time is the
GPU's alone, and is held against the estimate without its overhead, which is an engine's own work
between two steps.

Without torch or a GPU it says so and ends with 0.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

# The physics need the standard library alone; the package around them needs OpenTelemetry.
_SDK: Final = Path(__file__).resolve().parents[1] / "sdk" / "spanledger"
if "spanledger" not in sys.modules:
    sys.modules["spanledger"] = ModuleType("spanledger")
    sys.modules["spanledger"].__path__ = [str(_SDK)]

from spanledger.compute import (  # noqa: E402 -- after the package was stood in for
    Efficiency,
    Estimate,
    Gpu,
    ModelArchitecture,
    StepEstimate,
    estimate_step,
    forward_flops,
    kv_cache_bytes,
    recognise_gpu,
    weight_bytes,
)

#: Ends before this, whatever is left to measure.
_BUDGET_SECONDS: Final = 420.0
_MODELS: Final = ("llama-3.2-1b", "llama-3.1-8b")
_PROMPTS: Final = (512, 2048, 8192)
_BATCHES: Final = (1, 8, 32, 128)
_CONTEXT: Final = 2048
#: Passes of a graph that are timed together: one alone is near the clock's resolution.
_REPLAYS: Final = 10
#: Nothing happens between two replays of a graph.
_DEVICE_ALONE: Final = Efficiency(overhead=Estimate(0, 0, 0, "s", "exact", "replayed graph"))


@dataclass(frozen=True, slots=True)
class Shape:
    """What a Llama-shaped decoder is made of."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    dim: int
    mlp: int
    vocabulary: int


def shape_of(arch: ModelArchitecture) -> Shape:
    """From the counts of an architecture with one kind of layer."""
    (group,) = arch.groups
    attention = group.layer.attention
    hidden, dim = arch.hidden, attention.qk_dim
    projections = hidden * dim * (2 * attention.heads + 2 * attention.kv_heads)
    mlp = (group.layer.dense - projections) // (3 * hidden)
    return Shape(
        group.count, hidden, attention.heads, attention.kv_heads, dim, mlp, arch.vocabulary
    )


class Decoder:
    """A decoder of random bf16 matrices: what it computes is nonsense, how long it takes is not."""

    def __init__(self, torch: Any, shape: Shape, device: str = "cuda") -> None:
        self._torch = torch
        self._device = device
        self._shape = shape
        self._embedding = self._matrix(shape.vocabulary, shape.hidden)
        self._head = self._matrix(shape.hidden, shape.vocabulary)
        inner = shape.heads * shape.dim
        keys = shape.kv_heads * shape.dim
        sizes = [
            (shape.hidden, inner + 2 * keys), (inner, shape.hidden),
            (shape.hidden, 2 * shape.mlp), (shape.mlp, shape.hidden),
        ]  # fmt: skip
        self._layers = [[self._matrix(*size) for size in sizes] for _ in range(shape.layers)]
        self._cache: list[tuple[Any, Any]] = []

    def _matrix(self, rows: int, columns: int) -> Any:
        torch = self._torch
        return torch.randn(rows, columns, dtype=torch.bfloat16, device=self._device) * 0.02

    def empty(self) -> None:
        """Let go of the cache."""
        self._cache = []

    def fill(self, batch: int, past: int, room: int) -> int:
        """A cache of ``past`` tokens with room for more, in place of the one before; its bytes."""
        torch, shape = self._torch, self._shape
        self.empty()
        size = (batch, shape.kv_heads, past + room, shape.dim)
        self._cache = [
            tuple(torch.zeros(*size, dtype=torch.bfloat16, device=self._device) for _ in range(2))
            for _ in range(shape.layers)
        ]
        return sum(one.numel() * one.element_size() for both in self._cache for one in both)

    def tokens(self, batch: int, new: int) -> Any:
        """Ids of so many tokens a sequence."""
        torch = self._torch
        return torch.zeros(batch, new, dtype=torch.long, device=self._device)

    def forward(self, ids: Any, past: int) -> Any:
        """One pass over new tokens after ``past``: the logits of the last one of each sequence."""
        shape, functional = self._shape, self._torch.nn.functional
        batch, new = ids.shape
        stream = functional.embedding(ids, self._embedding)
        inner, keys = shape.heads * shape.dim, shape.kv_heads * shape.dim
        for (qkv, out, up, down), (held_k, held_v) in zip(self._layers, self._cache, strict=True):
            q, k, v = (stream @ qkv).split([inner, keys, keys], dim=-1)
            q = q.view(batch, new, shape.heads, shape.dim).transpose(1, 2)
            held_k[:, :, past : past + new] = k.view(batch, new, -1, shape.dim).transpose(1, 2)
            held_v[:, :, past : past + new] = v.view(batch, new, -1, shape.dim).transpose(1, 2)
            seen = functional.scaled_dot_product_attention(
                q, held_k[:, :, : past + new], held_v[:, :, : past + new],
                is_causal=new > 1, enable_gqa=True,
            )  # fmt: skip
            stream = stream + seen.transpose(1, 2).reshape(batch, new, inner) @ out
            gate, value = (stream @ up).chunk(2, dim=-1)
            stream = stream + (functional.silu(gate) * value) @ down
        return stream[:, -1:] @ self._head


def seconds_of(torch: Any, work: Callable[[], object], *, times: int = 1, rounds: int = 5) -> float:
    """Of one piece of work, by the GPU's own clock: the best of some rounds of ``times`` each."""
    work()
    best = float("inf")
    for _ in range(rounds):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(times):
            work()
        end.record()
        torch.cuda.synchronize()
        best = min(best, begin.elapsed_time(end) / 1000 / times)
    return best


def captured(torch: Any, work: Callable[[], object]) -> Callable[[], object]:
    """The same work as a graph: launched as one. It is done some times before, on its own stream.

    What the work reads and writes must stay where it is.
    """
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay  # a bound method: the graph lives as long as it


def measure(torch: Any, gpu: Gpu, name: str, deadline: float) -> Iterator[str]:
    """Lines of one model."""
    arch = ModelArchitecture.from_catalogue(name)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    decoder = Decoder(torch, shape_of(arch))
    held = torch.cuda.memory_allocated() - before
    # A tied head is a matrix of its own here, and norms are left out.
    expected = weight_bytes(arch) + (2 * arch.head if arch.tied else 0)
    yield line(f"{name}: bytes of weights", held, expected)
    for told in (_prompts(torch, gpu, arch, decoder), _answers(torch, gpu, arch, decoder)):
        for one in told:
            yield f"{name}: {one}"
            if time.monotonic() > deadline:
                yield "out of time: the rest is left out"
                return
    yield f"{name}: peak allocated {torch.cuda.max_memory_allocated() / 1e9:.2f} GB"


def _prompts(torch: Any, gpu: Gpu, arch: ModelArchitecture, decoder: Decoder) -> Iterator[str]:
    """One prompt at a time, of several lengths."""
    for prompt in _PROMPTS:
        decoder.fill(1, 0, prompt)
        took, launched = _seconds(torch, decoder, decoder.tokens(1, prompt), 0)
        rate = forward_flops(arch, prompt).total / took
        estimate = estimate_step(arch, gpu, prefill=[(prompt, 0)], efficiency=_DEVICE_ALONE)
        yield _time(
            f"prompt of {prompt}, seconds", took, estimate,
            f"{rate / 1e12:.1f} TFLOP/s, MFU {rate / gpu.peak():.1%}, from Python {launched:.3g} s",
        )  # fmt: skip


def _answers(torch: Any, gpu: Gpu, arch: ModelArchitecture, decoder: Decoder) -> Iterator[str]:
    """One token of each of several sequences."""
    for batch in _BATCHES:
        expected = batch * kv_cache_bytes(arch, _CONTEXT + 1)
        decoder.empty()
        if torch.cuda.memory_allocated() + 1.2 * expected > gpu.memory_bytes:
            yield f"batch {batch} is left out: its cache does not fit"
            continue
        before = torch.cuda.memory_allocated()
        decoder.fill(batch, _CONTEXT, 1)
        kv = torch.cuda.memory_allocated() - before
        yield line(f"bytes of cache, batch {batch}", kv, expected)
        took, launched = _seconds(torch, decoder, decoder.tokens(batch, 1), _CONTEXT)
        estimate = estimate_step(arch, gpu, decode=[_CONTEXT] * batch, efficiency=_DEVICE_ALONE)
        share = estimate.read_bytes / took / gpu.bandwidth
        yield _time(
            f"token of batch {batch}, seconds", took, estimate,
            f"MBU {share:.1%}, from Python {launched:.3g} s",
        )  # fmt: skip


def _seconds(torch: Any, decoder: Decoder, ids: Any, past: int) -> tuple[float, float]:
    """Of one pass: replayed as a graph, and launched kernel by kernel."""

    def step() -> object:
        return decoder.forward(ids, past)

    launched = seconds_of(torch, step)
    return seconds_of(torch, captured(torch, step), times=_REPLAYS), launched


def _time(what: str, took: float, estimate: StepEstimate, more: str) -> str:
    seconds = estimate.seconds
    place = "in" if seconds.low <= took <= seconds.high else "OUT OF"
    return line(
        what, took, seconds.value,
        f"{place} [{seconds.low:.3g}, {seconds.high:.3g}] {estimate.bound}, {more}",
    )  # fmt: skip


def line(what: str, measured: float, estimated: float, more: str = "") -> str:
    """One figure beside its estimate."""
    error = f"{estimated / measured - 1:+7.1%}" if measured else "nothing"
    return f"{what:40s} measured {measured:11.5g}  estimated {estimated:11.5g}  {error}  {more}"


def main() -> int:
    """Measure what there is; 0 also where there is nothing."""
    deadline = time.monotonic() + _BUDGET_SECONDS
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        print("nothing measured: torch is not installed (pip install torch)")
        return 0
    if not torch.cuda.is_available():
        print("nothing measured: torch sees no GPU")
        return 0
    device = torch.cuda.get_device_name(0)
    gpu = recognise_gpu(device)
    if gpu is None:
        print(f"nothing measured: {device!r} is not in spanledger's catalogue of accelerators")
        return 0
    print(f"{device} as {gpu.name}, torch {torch.__version__}")
    with torch.no_grad():
        for name in _MODELS:
            if weight_bytes(ModelArchitecture.from_catalogue(name)) > 0.7 * gpu.memory_bytes:
                print(f"{name} is left out: it does not fit")
                continue
            for told in measure(torch, gpu, name, deadline):
                print(told, flush=True)
            torch.cuda.empty_cache()
    return 0


if __name__ == "__main__":
    sys.exit(main())
