"""What an agent's calls on GPUs of one's own would take, served otherwise: format, GPU, TP, batch.

What they were billed is measured; the change is a ratio of two rooflines of the average call (as it
is, and as it would be), with the batch that the calls were answered in: how long they lasted over
the GPU time that they carry. The interval of a saving has both doubts: that of a mean over runs,
and the efficiency that is assumed of what nobody measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from spanledger.compute import (
    ArchitectureError,
    Gpu,
    ModelArchitecture,
    break_even,
    recognise,
    recognise_gpu,
    serving_point,
    weight_bytes,
)
from spanledger_collector.estimate import Interval

from . import estimates
from .economics import Ask
from .estimates import Estimate, Shape
from .parsing import parse_rows

#: What is changed.
Kind = Literal["quantization", "gpu", "parallel", "batch"]
#: Formats that are tried: of weights as they are published, and of GGUF files.
_SMALLER: Final = ("fp8", "awq")
_SMALLER_GGUF: Final = ("q8_0", "q4_k_m")
#: GPUs that share the model (tensor parallel), and calls answered at once, as often as now.
_PARALLEL: Final = (1, 2, 4, 8)
_BATCHES: Final = (2, 4)
#: What weights may be in, by the bytes that calls tell of them.
_PLAIN_FORMATS: Final = ("fp32", "bf16", "fp8", "awq")
#: Bytes further off than this part are of none of these.
_NEAR: Final = 0.25
_SECONDS_AN_HOUR: Final = 3600
_ROOFLINE: Final = "range of the roofline"


@dataclass(frozen=True, slots=True)
class GpuHostRow:
    """Calls of an agent on GPUs of one's own (query ``gpu_hosts``)."""

    model: str
    gpu_model: str
    gpus: int
    weight_format: str
    weight_bytes: int
    runs: int
    compared_runs: int
    attempts: int
    compared_attempts: int
    calls: int
    input_tokens: int
    cache_read_tokens: int
    output_tokens: int
    gpu_seconds: float
    call_seconds: float
    billed_usd: Decimal
    cost_mean_usd: Decimal | None
    cost_variance: float
    cost_skewness: float
    compared_traces: int
    trace_cost_variance: float
    trace_cost_skewness: float


@dataclass(frozen=True, slots=True)
class GpuOfferRow:
    """What an hour of a GPU costs now (query ``gpu_offers``)."""

    name: str
    gpu_model: str
    usd_per_hour: Decimal


@dataclass(frozen=True, slots=True)
class OwnGpuChange:
    """One change of what serves an agent's calls.

    Attributes:
        name: in words.
        kind: ``quantization``, ``gpu``, ``parallel`` (more or fewer GPUs that share the model) or
            ``batch`` (more calls answered at once).
        saved_usd: of the period; None = it cannot be reckoned.
        saved_low_usd: by the slow end of the efficiency that is assumed.
        saved_high_usd: by the fast end.
        saving_per_run: over the runs with such calls.
        attempts: on these GPUs.
        compared_attempts: of them those whose cost is known.
        missing: why it cannot be reckoned.
        unknown: what the figures do not know.
    """

    name: str
    kind: Kind
    saved_usd: Decimal | None
    saved_low_usd: Decimal | None
    saved_high_usd: Decimal | None
    saving_per_run: Estimate
    attempts: int
    compared_attempts: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Served:
    """How the calls are served now."""

    row: GpuHostRow
    arch: ModelArchitecture
    card: Gpu
    weight_format: str
    is_format_told: bool
    batch: int

    @property
    def usd_per_hour(self) -> float:
        """Of one GPU, as billed."""
        return float(self.row.billed_usd) / self.row.gpu_seconds * _SECONDS_AN_HOUR


@dataclass(frozen=True, slots=True)
class _Plan:
    """How they would be: the rate of the GPU is one of it, an hour."""

    name: str
    kind: Kind
    card: Gpu
    weight_format: str
    gpus: int
    batch: int
    usd_per_hour: float
    unknown: str


def own_gpu_changes(
    ask: Ask, agent_name: str, period: Mapping[str, object], formats: Sequence[str] = ()
) -> Iterator[OwnGpuChange]:
    """Smaller formats, other GPUs that the book has a rate of, more or fewer of them, batches.

    Args:
        ask: the ledger.
        agent_name: whose calls.
        period: ``since`` and ``until``.
        formats: of weights; empty = the usual smaller ones.
    """
    rows = parse_rows(GpuHostRow, ask("gpu_hosts", agent_name=agent_name, **period))
    offers = parse_rows(GpuOfferRow, ask("gpu_offers")) if rows else ()
    for row in rows:
        served = _served(row)
        if isinstance(served, str):
            yield _none(f"{row.model} in a smaller format", "quantization", row, served)
            continue
        yield from _formats(served, formats)
        yield from _gpus(served, offers)
        yield from _shared(served)
        yield from _batches(served)


def _served(row: GpuHostRow) -> _Served | str:
    """How they are served, or what of it is not known."""
    known, card = recognise(row.model), recognise_gpu(row.gpu_model)
    if known is None:
        return f"architecture of {row.model} (no model of the catalogue)"
    if card is None:
        return f"GPU ({row.gpu_model or 'not told'} is none of the catalogue)"
    if not (row.calls and row.gpu_seconds and row.billed_usd):
        return "calls of known tokens and cost"
    arch = ModelArchitecture.from_catalogue(known.name)
    if not arch.groups:
        return f"architecture of {known.name} (it is closed)"
    told = row.weight_format or _format_of(arch, row.weight_bytes * row.gpus)
    told = told or _format_of(arch, row.weight_bytes)
    if not told and known.weight_format != "bf16":
        told = known.weight_format
    batch = max(1, round(row.call_seconds * row.gpus / row.gpu_seconds))
    return _Served(row, arch, card, told or "bf16", bool(told), batch)


def _format_of(arch: ModelArchitecture, told_bytes: int) -> str:
    """The format whose weights are about as large as told; empty = none is."""
    sizes = {name: weight_bytes(arch, name) for name in _PLAIN_FORMATS}
    nearest = min(sizes, key=lambda name: abs(sizes[name] - told_bytes))
    return nearest if abs(sizes[nearest] - told_bytes) <= _NEAR * sizes[nearest] else ""


def _formats(served: _Served, formats: Sequence[str]) -> Iterator[OwnGpuChange]:
    usual = _SMALLER_GGUF if served.weight_format.startswith(("q", "iq")) else _SMALLER
    now = weight_bytes(served.arch, served.weight_format)
    for weight_format in formats or usual:
        if weight_bytes(served.arch, weight_format) < now:
            name = f"{served.arch.name} in {weight_format} instead of {served.weight_format}"
            quality = f"whether {served.arch.name} in {weight_format} succeeds as often"
            plan = _Plan(
                name, "quantization", served.card, weight_format, served.row.gpus, served.batch,
                served.usd_per_hour,
                f"quality: {quality}, and so the cost per success",
            )  # fmt: skip
            yield _change(served, plan)


def _gpus(served: _Served, offers: Sequence[GpuOfferRow]) -> Iterator[OwnGpuChange]:
    cheapest: dict[str, tuple[Gpu, Decimal]] = {}
    for offer in offers:
        card = recognise_gpu(offer.gpu_model)
        if card is not None and card.name != served.card.name:
            cheapest.setdefault(card.name, (card, offer.usd_per_hour))
    for card, usd_per_hour in cheapest.values():
        gpus = served.row.gpus
        name = f"{served.arch.name} on {gpus} x {card.name} instead of {served.card.name}"
        plan = _Plan(
            name, "gpu", card, served.weight_format, gpus, served.batch, float(usd_per_hour),
            "latency: answers take longer or shorter with it, and what that is worth",
        )  # fmt: skip
        yield _change(served, plan)


def _shared(served: _Served) -> Iterator[OwnGpuChange]:
    """Other numbers of the same GPU: what they tell each other is in it."""
    for gpus in _PARALLEL:
        if gpus != served.row.gpus:
            name = f"{served.arch.name} on {gpus} instead of {served.row.gpus} x {served.card.name}"
            plan = _Plan(
                name, "parallel", served.card, served.weight_format, gpus, served.batch,
                served.usd_per_hour,
                "latency: answers come faster with more GPUs, and what that is worth",
            )  # fmt: skip
            yield _change(served, plan)


def _batches(served: _Served) -> Iterator[OwnGpuChange]:
    """More calls at once on as many GPUs, such as by fewer replicas: they share the weights."""
    for times in _BATCHES:
        batch = times * served.batch
        name = f"{served.arch.name} with {batch:,} instead of {served.batch:,} answered at once"
        plan = _Plan(
            name, "batch", served.card, served.weight_format, served.row.gpus, batch,
            served.usd_per_hour,
            "traffic: whether so many calls come at once; each is answered slower then",
        )  # fmt: skip
        yield _change(served, plan)


def _change(served: _Served, plan: _Plan) -> OwnGpuChange:
    row = served.row
    try:
        if not _fits(served, plan):
            why = f"memory: does not fit into {plan.gpus} x {plan.card.name}"
            return _none(plan.name, plan.kind, row, why)
        as_it_is = replace(
            plan, card=served.card, weight_format=served.weight_format, gpus=row.gpus,
            batch=served.batch,
        )  # fmt: skip
        now = _gpu_seconds(served, as_it_is)[0]
        then = _gpu_seconds(served, plan)
    except (ArchitectureError, ValueError) as error:
        return _none(plan.name, plan.kind, row, str(error))
    dearer = plan.usd_per_hour / served.usd_per_hour
    value, fast, slow = (1 - seconds / now * dearer for seconds in then)
    saved, low, high = (
        estimates.decimal(float(row.billed_usd) * share) for share in (value, slow, fast)
    )
    return OwnGpuChange(
        plan.name, plan.kind, saved, low, high, _a_run(row, value, slow, fast), row.attempts,
        row.compared_attempts, (), tuple(_unknown(served, plan.unknown)),
    )  # fmt: skip


def _a_run(row: GpuHostRow, value: float, low: float, high: float) -> Estimate:
    """The mean cost of a run with its doubt, times the share that is saved with its own."""
    cost = estimates.mean_of_runs(
        row.cost_mean_usd,
        Shape(row.compared_runs, row.cost_variance, row.cost_skewness),
        Shape(row.compared_traces, row.trace_cost_variance, row.trace_cost_skewness),
        floor=0,
    ).estimate
    if cost.value is None:
        return cost
    mean = estimates.decimal(float(cost.value) * value)
    method = estimates.form(cost.method, f" x {_ROOFLINE}")
    if cost.low is None or cost.high is None:
        return Estimate.of(mean, Interval.none(cost.reason, n=cost.n, method=method))
    ends = [float(end) * share for end in (cost.low, cost.high) for share in (low, high)]
    return Estimate.of(mean, Interval(min(ends), max(ends), cost.level, cost.n, method))


def _tokens(row: GpuHostRow) -> tuple[int, int, int]:
    """Prompt, of it cached, and answer of the average call."""
    told = (row.input_tokens, row.cache_read_tokens, row.output_tokens)
    prompt, cached, output = (tokens // row.calls for tokens in told)
    return max(prompt, 1), min(cached, max(prompt, 1) - 1), max(output, 1)


def _gpu_seconds(served: _Served, plan: _Plan) -> tuple[float, float, float]:
    """Of the average call: as assumed, at its fastest, at its slowest."""
    prompt, cached, output = _tokens(served.row)
    # The rate only scales what is bought, and no API is asked: both are 1.
    capacity = break_even(
        served.arch, plan.card, usd_per_gpu_hour=1.0, api_usd_per_call=1.0, prompt_tokens=prompt,
        cached_tokens=cached, output_tokens=output, gpus=plan.gpus, batch=plan.batch,
        weight_format=plan.weight_format,
    ).capacity_per_hour  # fmt: skip
    hour = plan.gpus * _SECONDS_AN_HOUR
    return hour / capacity.value, hour / capacity.high, hour / capacity.low


def _fits(served: _Served, plan: _Plan) -> bool:
    prompt, _, output = _tokens(served.row)
    return serving_point(
        served.arch, plan.card, usd_per_gpu_hour=1.0, gpus=plan.gpus, batch=plan.batch,
        context_tokens=prompt + output // 2, weight_format=plan.weight_format,
    ).fits  # fmt: skip


def _unknown(served: _Served, first: str) -> Iterator[str]:
    yield first
    yield (
        "speed: the efficiency of what is not in use is assumed, not measured; the average call "
        f"stands for all, {served.batch:,} answered at once"
    )
    yield "money: GPUs are paid busy or not; their time is saved, and money where fewer are rented"
    if not served.is_format_told:
        yield f"weights: nobody tells the format of {served.arch.name}; taken as bf16"


def _none(name: str, kind: Kind, row: GpuHostRow, why: str) -> OwnGpuChange:
    nothing = Estimate.of(None, Interval.none(why, n=row.runs, method=_ROOFLINE))
    return OwnGpuChange(name, kind, None, None, None, nothing, row.attempts, 0, (why,), ())
