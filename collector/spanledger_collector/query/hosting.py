"""What an agent's calls would cost on GPUs of one's own: the physics of ``spanledger.compute``.

The ledger knows the calls and what they were billed; the rate of the GPUs is told by who asks. The
average call stands for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from spanledger.compute import (
    ArchitectureError,
    BreakEven,
    Gpu,
    ModelArchitecture,
    break_even,
    gpu,
    serving_point,
)
from spanledger_collector.errors import PermanentError
from spanledger_collector.estimate import Interval

from .economics import AgentSums
from .estimates import Estimate, decimal

_METHOD = "range of the roofline"


@dataclass(frozen=True, slots=True)
class Hosting:
    """GPUs of one's own, and what runs on them.

    Attributes:
        model: an open model, by its name in the catalogue of ``spanledger.compute``.
        gpu: the accelerator, by its name there or as its driver calls it.
        usd_per_gpu_hour: its rate, paid busy or not.
        gpus: how many share the model.
        weight_format: of its weights: ``bf16``, ``fp8``, ``awq``, ...
        batch: calls answered at once.
    """

    model: str
    gpu: str
    usd_per_gpu_hour: Decimal | float
    gpus: int = 1
    weight_format: str = "bf16"
    batch: int = 16

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.model} in {self.weight_format} on {self.gpus} x {self.gpu}"


@dataclass(frozen=True, slots=True)
class Hosted:
    """What hosting saves of a period.

    Attributes:
        saved_usd: what model calls were billed less the GPU time of as many average calls.
        saved_low_usd: by the slow end of the efficiency that is assumed.
        saved_high_usd: by the fast end.
        saving_per_run: a run's part of it, without an interval: nothing was sampled.
        missing: why it cannot be.
        unknown: what the figures do not know.
    """

    saved_usd: Decimal | None
    saved_low_usd: Decimal | None
    saved_high_usd: Decimal | None
    saving_per_run: Estimate
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


def hosted(plan: Hosting, sums: AgentSums) -> Hosted:
    """The agent's calls on these GPUs, taken as busy.

    Raises:
        PermanentError: there is no such model or accelerator, or a count or format cannot be.
    """
    if not sums.calls or sums.model_cost_usd is None:
        return _none(f"{sums.calls} calls of known cost", sums.runs)
    if not plan.usd_per_gpu_hour > 0:
        raise PermanentError(f"{plan.name}: a rate of {plan.usd_per_gpu_hour} USD an hour is none")
    try:
        arch, card = _open_model(plan.model), gpu(plan.gpu)
        if not _fits(plan, arch, card, sums):
            return _none(f"does not fit into {plan.gpus} x {plan.gpu}", sums.runs)
        point = _break_even(plan, arch, card, sums)
    except (ArchitectureError, ValueError) as error:
        raise PermanentError(f"{plan.name} cannot be: {error}") from error
    capacity = point.capacity_per_hour
    # The slower they answer, the fewer calls share an hour.
    value, low, high = (
        sums.model_cost_usd - Decimal(repr(sums.calls * point.usd_per_hour / each))
        for each in (capacity.value, capacity.low, capacity.high)
    )
    doubt = "not sampled: the average call stands for all, and the efficiency is assumed"
    a_run = Interval.none(doubt, n=sums.runs, method=_METHOD)
    busy = (
        f"utilisation: the GPUs are taken as busy; it pays from {point.calls_per_hour:,.0f} such "
        f"calls an hour on, and they answer {capacity.low:,.0f} to {capacity.high:,.0f}"
    )
    unknown = (
        f"quality: whether {plan.model} in {plan.weight_format} succeeds as often",
        busy,
        "efficiency: assumed, not measured; the average call stands for all",
        "operation: people and spare machines are not in it",
    )
    return Hosted(
        decimal(float(value)), decimal(float(low)), decimal(float(high)),
        Estimate.of(decimal(float(value) / sums.runs), a_run), (), unknown,
    )  # fmt: skip


def _none(why: str, runs: int) -> Hosted:
    nothing = Estimate.of(None, Interval.none(why, n=runs, method=_METHOD))
    return Hosted(None, None, None, nothing, (why,), ())


def _open_model(name: str) -> ModelArchitecture:
    arch = ModelArchitecture.from_catalogue(name)
    if not arch.groups:
        raise ArchitectureError(f"{name} is closed: nobody else can host it")
    return arch


def _tokens(sums: AgentSums) -> tuple[int, int, int]:
    """Prompt, of it cached, and answer of the average call."""
    told = (sums.input_tokens, sums.cache_read_tokens, sums.output_tokens)
    prompt, cached, output = (tokens // sums.calls for tokens in told)
    return max(prompt, 1), min(cached, max(prompt, 1) - 1), max(output, 1)


def _fits(plan: Hosting, arch: ModelArchitecture, card: Gpu, sums: AgentSums) -> bool:
    prompt, _, output = _tokens(sums)
    return serving_point(
        arch, card, usd_per_gpu_hour=float(plan.usd_per_gpu_hour), gpus=plan.gpus,
        batch=plan.batch, context_tokens=prompt + output // 2, weight_format=plan.weight_format,
    ).fits  # fmt: skip


def _break_even(plan: Hosting, arch: ModelArchitecture, card: Gpu, sums: AgentSums) -> BreakEven:
    prompt, cached, output = _tokens(sums)
    return break_even(
        arch, card, usd_per_gpu_hour=float(plan.usd_per_gpu_hour),
        api_usd_per_call=float(sums.model_cost_usd or 0) / sums.calls, prompt_tokens=prompt,
        cached_tokens=cached, output_tokens=output, gpus=plan.gpus, batch=plan.batch,
        weight_format=plan.weight_format,
    )  # fmt: skip
