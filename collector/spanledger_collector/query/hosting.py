"""What an agent's calls would cost on GPUs of one's own: the physics of ``spanledger.compute``.

The ledger knows the calls and what they were billed; the rate of the GPUs is told by who asks. Both
sides are of the same calls: those that used tokens and whose cost is known wholly; the average call
stands for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
from spanledger_collector.errors import ConfigurationError, PermanentError
from spanledger_collector.estimate import Interval

from . import estimates
from .estimates import Estimate, Shape, decimal

_METHOD = "range of the roofline"


@dataclass(frozen=True, slots=True)
class Hosting:
    """GPUs of one's own, and what runs on them.

    Attributes:
        model: an open model, by its name in the catalogue of ``spanledger.compute``.
        gpu: the accelerator, by its name there or as its driver calls it.
        usd_per_gpu_hour: its rate, above zero, paid busy or not.
        gpus: how many share the model.
        weight_format: of its weights: ``bf16``, ``fp8``, ``awq``, ...
        batch: calls answered at once.

    Raises:
        ConfigurationError: a name that is no text, or a rate or count that cannot be.
    """

    model: str
    gpu: str
    usd_per_gpu_hour: Decimal | float
    gpus: int = 1
    weight_format: str = "bf16"
    batch: int = 16

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        texts = {"model": self.model, "gpu": self.gpu, "weight_format": self.weight_format}
        for name, text in texts.items():
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] -- told by users
                raise ConfigurationError(f"{name} {text!r} cannot be used; give a text")
        check_rate(self.usd_per_gpu_hour, "usd_per_gpu_hour")
        for name, count in (("gpus", self.gpus), ("batch", self.batch)):
            if not isinstance(count, int) or count < 1:  # pyright: ignore[reportUnnecessaryIsInstance] -- told by users
                raise ConfigurationError(
                    f"{name} {count!r} cannot be used; give a whole number from 1 on"
                )

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.model} in {self.weight_format} on {self.gpus} x {self.gpu}"


def check_rate(rate: object, name: str) -> None:
    """GPUs that cost nothing would save whatever is held against them.

    Args:
        rate: USD an hour for each GPU.
        name: how it is called where it was given.

    Raises:
        ConfigurationError: it is not above zero, or no number.
    """
    if isinstance(rate, bool) or not isinstance(rate, (int, float, Decimal)):
        is_above = False
    else:
        is_above = math.isfinite(rate) and rate > 0
    if is_above:
        return
    shown = f"{rate:g}" if isinstance(rate, float) else repr(rate)
    raise ConfigurationError(
        f"{name} {shown} cannot be used: a rate is above zero, USD an hour for each GPU; give what "
        "each of them costs, busy or not"
    )


def hostings_of(
    host: str,
    gpu_name: str,
    rate: float | None,
    *,
    gpus: int,
    weight_formats: Sequence[str],
    names: tuple[str, str, str] = ("host", "gpu", "gpu_rate"),
) -> Sequence[Hosting]:
    """What was asked for by name: one plan a format (bf16 where none is told), or none at all.

    Args:
        host: an open model; empty = none.
        gpu_name: the accelerator.
        rate: USD an hour for each of them; None = not given.
        gpus: how many share the model.
        weight_formats: of its weights.
        names: what the first three are called where they were given.

    Raises:
        ConfigurationError: only some of the three were given, or a rate or count cannot be.
    """
    if not (host or gpu_name or rate is not None):
        return ()
    if not host or not gpu_name or rate is None:
        raise ConfigurationError(
            f"hosting takes all three of {names[0]}, {names[1]} and {names[2]}"
        )
    check_rate(rate, names[2])
    formats = weight_formats or ("bf16",)
    return [Hosting(host, gpu_name, rate, gpus, one) for one in formats]


@dataclass(frozen=True, slots=True)
class TokenCallsRow:
    """The calls of an agent that can be held against GPUs (query ``token_calls``)."""

    runs: int
    attempts: int
    compared_attempts: int
    calls: int
    input_tokens: int
    cache_read_tokens: int
    output_tokens: int
    billed_usd: Decimal
    whole_runs: int
    whole_calls: int
    whole_billed_usd: Decimal
    whole_calls_variance: float
    whole_billed_variance: float
    whole_billed_calls_covariance: float
    whole_traces: int
    trace_calls_variance: float
    trace_billed_variance: float
    trace_billed_calls_covariance: float

    def spread(self, a_call_usd: float) -> float:
        """Variance of what a run, each for itself, was billed less so much a call."""
        shared = self.whole_billed_calls_covariance
        calls, billed = self.whole_calls_variance, self.whole_billed_variance
        return max(billed - 2 * a_call_usd * shared + a_call_usd**2 * calls, 0.0)

    def trace_spread(self, a_call_usd: float) -> float:
        """The same of traces apart."""
        shared = self.trace_billed_calls_covariance
        calls, billed = self.trace_calls_variance, self.trace_billed_variance
        return max(billed - 2 * a_call_usd * shared + a_call_usd**2 * calls, 0.0)


#: An agent without model calls.
NO_CALLS = TokenCallsRow(
    0, 0, 0, 0, 0, 0, 0, Decimal(0), 0, 0, Decimal(0), 0.0, 0.0, 0.0, 0, 0.0, 0.0, 0.0
)


@dataclass(frozen=True, slots=True)
class Hosted:
    """What hosting saves of a period.

    Attributes:
        saved_usd: what the calls were billed less the GPU time of as many average calls.
        saved_low_usd: by the slow end of the efficiency that is assumed.
        saved_high_usd: by the fast end.
        saving_per_run: of a run all of whose calls are compared: the mean's own interval, by the
            slow end of the efficiency below it and by the fast end above.
        compared_attempts: of the agent's model calls and retries those on both sides.
        missing: why it cannot be.
        unknown: what the figures do not know.
    """

    saved_usd: Decimal | None
    saved_low_usd: Decimal | None
    saved_high_usd: Decimal | None
    saving_per_run: Estimate
    compared_attempts: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


def hosted(plan: Hosting, used: TokenCallsRow) -> Hosted:
    """The agent's calls on these GPUs, taken as busy.

    Raises:
        PermanentError: there is no such model or accelerator, or a count or format cannot be.
    """
    if not used.calls:
        return _none("no calls of known tokens and cost", used)
    try:
        arch, card = _open_model(plan.model), gpu(plan.gpu)
        if not _fits(plan, arch, card, used):
            return _none(f"does not fit into {plan.gpus} x {plan.gpu}", used)
        point = _break_even(plan, arch, card, used)
    except (ArchitectureError, ValueError) as error:
        raise PermanentError(f"{plan.name} cannot be: {error}") from error
    capacity = point.capacity_per_hour
    # The slower they answer, the fewer calls share an hour.
    value, low, high = (
        used.billed_usd - _gpu_time_usd(point, used.calls, each)
        for each in (capacity.value, capacity.low, capacity.high)
    )
    return Hosted(
        decimal(float(value)), decimal(float(low)), decimal(float(high)), _a_run(point, used),
        used.compared_attempts, (), tuple(_unknown(plan, point, used)),
    )  # fmt: skip


def _gpu_time_usd(point: BreakEven, calls: int, capacity_per_hour: float) -> Decimal:
    return Decimal(repr(calls * point.usd_per_hour / capacity_per_hour))


def _a_run(point: BreakEven, used: TokenCallsRow) -> Estimate:
    """The mean over the runs that can be compared wholly: what each was billed less its calls.

    Both differ from run to run; how fast the GPUs are is assumed, and does not.
    """
    if not used.whole_runs:
        none = Interval.none("no run is compared wholly", n=0, method=_METHOD)
        return Estimate.of(None, none)
    capacity = point.capacity_per_hour
    told, slow, fast = (
        _mean_saving(point, used, each) for each in (capacity.value, capacity.low, capacity.high)
    )
    method = estimates.form(told.method, f" x {_METHOD}")
    if told.value is None or slow.low is None or fast.high is None:
        none = Interval.none(told.reason, n=told.n, method=method)
        return Estimate.of(told.value, none)
    return replace(told, low=slow.low, high=fast.high, method=method)


def _mean_saving(point: BreakEven, used: TokenCallsRow, capacity_per_hour: float) -> Estimate:
    a_call = point.usd_per_hour / capacity_per_hour
    on_gpus = _gpu_time_usd(point, used.whole_calls, capacity_per_hour)
    mean = decimal(float(used.whole_billed_usd - on_gpus) / used.whole_runs)
    return estimates.mean_of_runs(
        mean,
        Shape(used.whole_runs, used.spread(a_call)),
        Shape(used.whole_traces, used.trace_spread(a_call)),
    ).estimate


def _unknown(plan: Hosting, point: BreakEven, used: TokenCallsRow) -> Iterator[str]:
    capacity = point.capacity_per_hour
    yield f"quality: whether {plan.model} in {plan.weight_format} succeeds as often"
    left_out = used.attempts - used.compared_attempts
    if left_out:
        yield (
            f"{left_out:,} of {used.attempts:,} model calls and retries, whose cost or tokens are "
            "not known or that are not billed by the token: they are on neither side"
        )
    yield (
        f"utilisation: the GPUs are taken as busy; it pays from {point.calls_per_hour:,.0f} such "
        f"calls an hour on, and they answer {capacity.low:,.0f} to {capacity.high:,.0f}"
    )
    yield "efficiency: assumed, not measured; the average call stands for all"
    yield "operation: people and spare machines are not in it"


def _none(why: str, used: TokenCallsRow) -> Hosted:
    nothing = Estimate.of(None, Interval.none(why, n=used.runs, method=_METHOD))
    return Hosted(None, None, None, nothing, 0, (why,), ())


def _open_model(name: str) -> ModelArchitecture:
    arch = ModelArchitecture.from_catalogue(name)
    if not arch.groups:
        raise ArchitectureError(f"{name} is closed: nobody else can host it")
    return arch


def _tokens(used: TokenCallsRow) -> tuple[int, int, int]:
    """Prompt, of it cached, and answer of the average call."""
    told = (used.input_tokens, used.cache_read_tokens, used.output_tokens)
    prompt, cached, output = (tokens // used.calls for tokens in told)
    return max(prompt, 1), min(cached, max(prompt, 1) - 1), max(output, 1)


def _fits(plan: Hosting, arch: ModelArchitecture, card: Gpu, used: TokenCallsRow) -> bool:
    prompt, _, output = _tokens(used)
    return serving_point(
        arch, card, usd_per_gpu_hour=float(plan.usd_per_gpu_hour), gpus=plan.gpus,
        batch=plan.batch, context_tokens=prompt + output // 2, weight_format=plan.weight_format,
    ).fits  # fmt: skip


def _break_even(
    plan: Hosting, arch: ModelArchitecture, card: Gpu, used: TokenCallsRow
) -> BreakEven:
    prompt, cached, output = _tokens(used)
    return break_even(
        arch, card, usd_per_gpu_hour=float(plan.usd_per_gpu_hour),
        api_usd_per_call=float(used.billed_usd) / used.calls, prompt_tokens=prompt,
        cached_tokens=cached, output_tokens=output, gpus=plan.gpus, batch=plan.batch,
        weight_format=plan.weight_format,
    )  # fmt: skip
