"""What spanledger tells of a real model on a real GPU, beside what torch and the driver say.

A Llama-shaped model of transformers with random weights generates, is watched by the GPU meter, and
is trained for some steps. Needs torch, transformers, accelerate, nvidia-ml-py, a GPU that torch
sees, and the SDK's own dependencies; downloads nothing and takes less than three minutes::

    python benchmarks/gpu_model.py

Without torch or a GPU it says so and ends with 0; ``--tiny`` runs all of it on the CPU with a model
of a few thousand weights, to see that the program itself works.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_SDK: Final = Path(__file__).resolve().parents[1] / "sdk"
if str(_SDK) not in sys.path:
    sys.path.append(str(_SDK))

#: Prompt tokens, sequences, new tokens: long, side by side, hardly any answer.
_CALLS: Final = ((2048, 1, 128), (512, 8, 128), (4096, 1, 4))
_TINY_CALLS: Final = ((64, 1, 8), (16, 4, 8), (100, 1, 2))
_METERED_SECONDS: Final = 12.0
_METER_PAUSE_SECONDS: Final = 0.25
_TRAINED_STEPS: Final = 12


def config_of(transformers: Any, *, tiny: bool) -> Any:
    """As Llama 3.2 1B (1.24 billion weights), or a few thousand."""
    size = (
        {"vocab_size": 256, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
        if tiny
        else {
            "vocab_size": 128_256, "hidden_size": 2048, "intermediate_size": 8192,
            "num_hidden_layers": 16,
        }
    )  # fmt: skip
    heads = (4, 2) if tiny else (32, 8)
    return transformers.LlamaConfig(
        **size, num_attention_heads=heads[0], num_key_value_heads=heads[1],
        max_position_embeddings=8192, tie_word_embeddings=True, attn_implementation="sdpa",
        bos_token_id=None, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip


def built(torch: Any, transformers: Any, config: Any, device: str) -> Any:
    """The model with random weights, in bf16, on the device."""
    with torch.device(device):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    return model.eval()


class Clock:
    """Seconds of a block: by the GPU's own events where there is one."""

    def __init__(self, torch: Any, device: str) -> None:
        self._cuda = torch.cuda if device == "cuda" else None
        self.seconds = 0.0

    def __enter__(self) -> Clock:  # noqa: PYI034 -- never subclassed
        if self._cuda is not None:
            self._events = [self._cuda.Event(enable_timing=True) for _ in range(2)]
            self._cuda.synchronize()
            self._events[0].record()
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_error: object) -> None:
        self.seconds = time.perf_counter() - self._began
        if self._cuda is not None:
            self._events[1].record()
            self._cuda.synchronize()
            self.seconds = self._events[0].elapsed_time(self._events[1]) / 1000


def generations(
    torch: Any, model: Any, device: str, calls: Sequence[tuple[int, int, int]]
) -> Iterator[str]:
    """Each call as its span tells it, beside FLOPs, bytes and seconds of torch."""
    from spanledger import semconv
    from spanledger.testing import capture_spans

    for prompt, sequences, made in calls:
        ids = torch.randint(1, model.config.vocab_size, (sequences, prompt), device=device)
        given = {"max_new_tokens": made, "do_sample": False, "attention_mask": ids * 0 + 1}
        model.generate(ids, **given)  # kernels are chosen and memory is taken
        if device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        with capture_spans() as captured, Clock(torch, device) as clock:
            model.generate(ids, **given)
        peak = torch.cuda.max_memory_allocated() if device == "cuda" else 0
        (span,) = captured.spans
        told: Mapping[str, Any] = span.attributes or {}
        yield f"\ngenerate: {sequences} x {prompt} tokens, {made} new each"
        yield line("  input tokens", sequences * prompt, told[semconv.USAGE_INPUT_TOKENS])
        yield line("  output tokens", sequences * made, told[semconv.USAGE_OUTPUT_TOKENS])
        counted, expected = flops(model, ids, given)
        yield line("  FLOPs of whole squares, as torch counts", counted, expected)
        yield f"  FLOPs of the span (what is looked at): {told[semconv.FLOPS_TOTAL]:.5g}"
        yield line("  bytes of weights", weights(model), told[semconv.VRAM_WEIGHTS_BYTES])
        yield line("  peak bytes of the process", peak, told.get(semconv.VRAM_PEAK_BYTES, 0))
        yield line("  device seconds", clock.seconds, told[semconv.GPU_SECONDS])
        shares = {name: told.get(name) for name in (semconv.GPU_MFU, semconv.GPU_MBU)}
        yield "  " + ", ".join(
            f"{name.rpartition('.')[2].upper()} {'not known' if share is None else f'{share:.2%}'}"
            for name, share in shares.items()
        )


def flops(model: Any, ids: Any, given: Mapping[str, Any]) -> tuple[int, int]:
    """Torch's count of a call, and ours of the same whole squares of attention.

    Attention is eager meanwhile: of fused kernels the counter knows only some.
    """
    from spanledger.compute import ModelArchitecture, forward_flops

    counting: Any = importlib.import_module("torch.utils.flop_counter")
    model.set_attn_implementation("eager")
    with counting.FlopCounterMode(display=False) as counter:
        model.generate(ids, **given)
    model.set_attn_implementation("sdpa")
    arch = ModelArchitecture.from_hf_config(model.config.to_dict())
    sequences, prompt = ids.shape
    steps = given["max_new_tokens"] - 1
    one = forward_flops(arch, prompt, pairs="rectangle").total + sum(
        forward_flops(arch, 1, prompt + done, pairs="rectangle").total for done in range(steps)
    )
    return counter.get_total_flops(), sequences * one


def weights(model: Any) -> int:
    """Bytes of its tensors, a shared one once."""
    tensors = {id(one): one for one in (*model.parameters(), *model.buffers())}.values()
    return sum(one.numel() * one.element_size() for one in tensors)


def metered(torch: Any, model: Any, device: str, seconds: float) -> Iterator[str]:
    """The GPU meter while the model generates, and the energy against its bounds."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from spanledger import gpu_meter

    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    yield f"\ngpu_meter.observe() tells {gpu_meter.observe(provider)} GPUs"
    seen: dict[str, list[tuple[float, float]]] = {}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(_METER_PAUSE_SECONDS):
            for name, value in points(reader):
                seen.setdefault(name, []).append((time.perf_counter(), value))

    thread = threading.Thread(target=watch)
    thread.start()
    ids = torch.randint(1, model.config.vocab_size, (16, 256), device=device)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        model.generate(ids, max_new_tokens=64, do_sample=False, attention_mask=ids * 0 + 1)
    stop.set()
    thread.join()
    provider.shutdown()
    for name, values in sorted(seen.items()):
        numbers = [value for _, value in values]
        mean = sum(numbers) / len(numbers)
        yield f"  {name:24s} {min(numbers):12.5g} to {max(numbers):12.5g}, mean {mean:12.5g}"
    yield from energy(torch, seen)


def points(reader: Any) -> Iterator[tuple[str, float]]:
    """Name and value of each metric of the first GPU."""
    data = reader.get_metrics_data()
    for resource in data.resource_metrics if data is not None else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points[:1]:
                    yield metric.name, float(point.value)


def energy(torch: Any, seen: Mapping[str, Sequence[tuple[float, float]]]) -> Iterator[str]:
    """Joules of the counter, and of the readings of power, against the assumed interval."""
    from spanledger.compute import Estimate, recognise_gpu
    from spanledger.compute.energy import energy_kwh

    gpu = recognise_gpu(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else None
    counts = seen.get("hw.energy", ())
    if gpu is None or len(counts) < 2:
        yield "  no energy: no known GPU, or its driver counts none"
        return
    (begin, first), (end, last) = counts[0], counts[-1]
    power = [value for _, value in seen["hw.power"]]
    board = Estimate(1, 1, 1, "ratio", "exact", "the board alone")
    bounds = energy_kwh(gpu, end - begin, pue=board)
    kwh = (last - first) / 3.6e6
    yield f"  energy by power x time: {sum(power) / len(power) * (end - begin) / 3.6e6:.5g} kWh"
    place = "in" if bounds.low <= kwh <= bounds.high else "OUT OF"
    yield line("  energy, kWh", kwh, bounds.value, f"{place} [{bounds.low:.3g}, {bounds.high:.3g}]")
    yield f"  load: {kwh / (gpu.watts * (end - begin) / 3.6e6):.1%} of {gpu.watts} W"


def trained(torch: Any, transformers: Any, model: Any, device: str, tokens: int) -> Iterator[str]:
    """Some steps of transformers' Trainer, as the run of training tells them."""
    import spanledger
    from spanledger.testing import capture_spans

    class Sentences(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 1024

        def __getitem__(self, index: int) -> dict[str, Any]:
            ids = (torch.arange(tokens) + index) % model.config.vocab_size
            return {"input_ids": ids, "labels": ids}

    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder, capture_spans() as captured:
        arguments = transformers.TrainingArguments(
            output_dir=folder, per_device_train_batch_size=4, max_steps=_TRAINED_STEPS,
            save_strategy="no", include_num_input_tokens_seen="all", report_to=[],
            disable_tqdm=True, use_cpu=device == "cpu", logging_strategy="no",
        )  # fmt: skip
        with (
            spanledger.training_run(
                "bench", usd_per_gpu_hour="3.50", sequence_tokens=tokens
            ) as run,
            Clock(torch, device) as clock,
        ):
            transformers.Trainer(
                model=model.train(), args=arguments, train_dataset=Sentences(),
                callbacks=[run.transformers_callback()],
            ).train()  # fmt: skip
    told = next(span for span in captured.spans if span.name == "train bench").attributes or {}
    yield f"\ntraining: {_TRAINED_STEPS} steps of 4 x {tokens} tokens"
    for name, value in sorted(told.items()):
        if name.startswith(("spanledger.training.", "spanledger.gpu.", "spanledger.flops.")):
            yield f"  {name:40s} {value}"
    yield f"  seconds by the GPU's events: {clock.seconds:.3f}"
    if device == "cuda":
        yield f"  peak bytes: {torch.cuda.max_memory_allocated():.5g}"


def line(what: str, measured: float, told: float, more: str = "") -> str:
    """One figure of torch or the driver beside ours."""
    error = f"{told / measured - 1:+8.2%}" if measured else "nothing "
    return f"{what:42s} measured {measured:12.6g}  told {told:12.6g}  {error}  {more}"


def steps(torch: Any, transformers: Any, *, tiny: bool) -> Iterator[str]:
    """Everything, line by line."""
    from spanledger._patches.registry import instrument

    device = "cpu" if tiny else "cuda"
    instrument(["transformers"])
    model = built(torch, transformers, config_of(transformers, tiny=tiny), device)
    yield f"{sum(one.numel() for one in model.parameters()):,} weights"
    with torch.no_grad():
        yield from generations(torch, model, device, _TINY_CALLS if tiny else _CALLS)
        yield from metered(torch, model, device, 1.0 if tiny else _METERED_SECONDS)
    yield from trained(torch, transformers, model, device, 32 if tiny else 1024)


def nothing(torch: Any, *, tiny: bool) -> str:
    """Why nothing can be measured; empty where it can."""
    if torch is None:
        return "torch is not installed"
    if not tiny and not torch.cuda.is_available():
        return "torch sees no GPU"
    return ""


def main(printed: Callable[[str], object] = print) -> int:
    """Measure what there is; 0 also where there is nothing."""
    parser = argparse.ArgumentParser(description="What spanledger tells of a model on a GPU.")
    parser.add_argument("--tiny", action="store_true", help="on the CPU, to try the program")
    tiny: bool = parser.parse_args().tiny
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        torch = None
    if why := nothing(torch, tiny=tiny):
        printed(f"nothing measured: {why}")
        return 0
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    transformers: Any = importlib.import_module("transformers")
    where = "the CPU" if tiny else torch.cuda.get_device_name(0)
    printed(f"{where}, torch {torch.__version__}, transformers {transformers.__version__}")
    began = time.monotonic()
    for told in steps(torch, transformers, tiny=tiny):
        printed(told)
    printed(f"\n{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
