"""``spanledger self-host``: what serving a model on GPUs of one's own takes. Asks no ledger."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from spanledger.compute import (
    ArchitectureError,
    BreakEven,
    Gpu,
    ModelArchitecture,
    ServingPoint,
    break_even,
    frontier,
    gpu,
    recognise,
    serving_point,
)
from spanledger_collector.errors import ConfigurationError

from .grid import Grid
from .options import Json
from .output import console, print_json

_GPUS = (1, 2, 4, 8)
_BATCHES = (1, 4, 16, 64, 256)
_FORMATS = ("bf16", "fp8", "awq")
_COLUMNS = (
    "weights", ">GPUs", ">batch", ">ms a token", ">from", ">to", ">USD a million tokens", ">from",
    ">to", "bound by",
)  # fmt: skip
_UNKNOWN = (
    "Assumed: the share of its peaks that an engine reaches (docs/compute.md). Whether a smaller "
    "format still answers well is not known here: measure it."
)


def self_host(
    model: Annotated[str, typer.Argument(help="The model, any usual spelling.")],
    gpu_name: Annotated[str, typer.Option("--gpu", help="Accelerator: catalogue or driver name.")],
    usd_per_gpu_hour: Annotated[float, typer.Option(min=0.0, help="Its rate.")],
    context_tokens: Annotated[int, typer.Option(min=1, help="Tokens of a sequence.")] = 4096,
    output_tokens: Annotated[int, typer.Option(min=1, help="Of them, of the answer.")] = 500,
    api_usd_per_call: Annotated[
        float, typer.Option(min=0.0, help="What such a call costs to buy: adds the break-even.")
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """The ways to serve a model that no other beats in both latency and price, if they fit.

    Example: spanledger self-host llama-3.1-70b --gpu h100-sxm5-80gb --usd-per-gpu-hour 2.95
    """
    arch, device = _known(model, gpu_name)
    best = frontier(_points(arch, device, usd_per_gpu_hour, context_tokens))
    evens = [
        break_even(
            arch, device, usd_per_gpu_hour=usd_per_gpu_hour, api_usd_per_call=api_usd_per_call,
            prompt_tokens=max(1, context_tokens - output_tokens), output_tokens=output_tokens,
            gpus=one.gpus, batch=one.batch, weight_format=one.weight_format,
        )
        for one in best
        if api_usd_per_call
    ]  # fmt: skip
    if as_json:
        print_json({"points": best, "break_even": evens})
        return
    if not best:
        console().print(f"{arch.name} fits into no number of {device.name} up to {max(_GPUS)}.")
        return
    columns = (*_COLUMNS, ">pays from calls/h", "can it") if evens else _COLUMNS
    rows = [
        (*_cells(one), *(_even(evens[place]) if evens else ())) for place, one in enumerate(best)
    ]
    console().print(Grid(f"{arch.name} on {device.name}", columns, rows))
    console().print(_UNKNOWN)


def _known(model: str, gpu_name: str) -> tuple[ModelArchitecture, Gpu]:
    known = recognise(model)
    try:
        arch = ModelArchitecture.from_catalogue(known.name if known else model)
        device = gpu(gpu_name)
    except ArchitectureError as error:
        raise ConfigurationError(str(error)) from error
    if not arch.groups:
        raise ConfigurationError(
            f"nobody knows the layers of {arch.name!r}: it cannot be served, nor this be computed"
        )
    return arch, device


def _points(
    arch: ModelArchitecture, device: Gpu, rate: float, context: int
) -> Iterator[ServingPoint]:
    for weight_format in _FORMATS:
        for gpus in _GPUS:
            for batch in _BATCHES:
                yield serving_point(
                    arch, device, usd_per_gpu_hour=rate, gpus=gpus, batch=batch,
                    context_tokens=context, weight_format=weight_format,
                )  # fmt: skip


def _cells(point: ServingPoint) -> Sequence[str]:
    time, price = point.token_seconds, point.usd_per_million
    milliseconds = (f"{seconds * 1000:.3g}" for seconds in (time.value, time.low, time.high))
    dollars = (_rounded(usd) for usd in (price.value, price.low, price.high))
    return (
        point.weight_format, str(point.gpus), str(point.batch), *milliseconds, *dollars,
        "memory" if point.bound == "memory" else "arithmetic",
    )  # fmt: skip


def _rounded(usd: float) -> str:
    return f"{Decimal(f'{usd:.3g}'):f}"


def _even(even: BreakEven) -> tuple[str, str]:
    answers: dict[Any, str] = {True: "yes", False: "no", None: "perhaps"}
    return _rounded(even.calls_per_hour), answers[even.worthwhile]
