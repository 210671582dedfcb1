"""What an agent would save, had its calls been made otherwise: ranked, with what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from spanledger_collector.errors import PermanentError

from . import estimates
from .agent_sums import AgentSums
from .economics import Ask, statistics
from .estimates import Estimate, Shape
from .hosting import NO_CALLS, Hosting, TokenCallsRow, hosted
from .operations import Operations, changed_operations
from .own_gpus import OwnGpuChange, own_gpu_changes
from .parsing import parse_rows
from .repricing import Scenario

#: What is changed.
Kind = Literal[
    "model", "tier", "cache", "rework", "hosting", "quantization", "gpu", "parallel", "batch"
]
#: Other models of the ledger that are tried when none are named.
_MOST_MODELS = 5
_UNKNOWN: Mapping[Kind, Sequence[str]] = {
    "model": (
        "quality: whether it succeeds as often, and so the cost per success",
        "tokens: its tokenizer and the length of its answers; counts are kept as they were",
        "latency and rate limits",
    ),
    "tier": (
        "latency: batches are answered within hours, and an agent waits at every step",
        "rate limits, and whether the tier takes calls of this kind",
    ),
    "cache": (
        "whether so much of the input repeats, in time and from its beginning",
        "writes of the cache beyond those that were made",
    ),
    "rework": (
        "how: what is spent on preventing it is not in it, and nobody prevents all of it",
        "calls whose cost is not known (a timeout may have been billed)",
    ),
}
#: Calls that another model does not answer.
_KEPT = "calls of other kinds than the model answers stay as they are, at what they cost"
#: No operation has this name.
_NONE = "-"
_NO_MODEL = (
    "no other model of this ledger has a price and answers such calls: name one to try, such as "
    "--model PROVIDER/MODEL"
)
#: Of rework that a right answer would not have saved.
_NOT_MADE_AGAIN = (
    "of answers judged wrong and of failures that nobody made again are not in it: a right answer "
    "would have cost the same call"
)


@dataclass(frozen=True, slots=True)
class SavingRow:
    """A scenario, summed run by run (query ``what_if``)."""

    runs: int
    compared_runs: int
    attempts: int
    compared_attempts: int
    billed_usd: Decimal | None
    saved_usd: Decimal | None
    saved_estimated_usd: Decimal
    saving_mean_usd: Decimal | None
    saving_variance: float
    saving_skewness: float
    compared_traces: int
    trace_saving_variance: float
    trace_saving_skewness: float
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReworkEndsRow:
    """Rework that was made again, and how far it rests on estimates (query ``rework_ends``)."""

    cheaper_usd: Decimal
    dearer_usd: Decimal
    made_again_usd: Decimal
    not_made_again_usd: Decimal
    costed_runs: int
    made_again_mean_usd: Decimal | None
    made_again_variance: float
    made_again_skewness: float
    costed_traces: int
    trace_made_again_variance: float
    trace_made_again_skewness: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One change, and what it saves.

    Attributes:
        name: the change in words.
        kind: ``model``, ``tier``, ``cache``, ``rework``, ``hosting`` (GPUs in place of bought
            tokens), and of calls on one's own GPUs ``quantization``, ``gpu``, ``parallel`` or
            ``batch`` (another format, GPU, number of them, more calls at once).
        saved_usd: of the period, what was billed less what it would have cost; negative = it costs
            more; None = nothing of it can be compared.
        saved_low_usd: by the ends of what is estimated: usage, or how fast GPUs are.
        saved_high_usd: likewise.
        saved_ratio: of the agent's variable cost.
        saving_per_run: USD, over the runs that can be compared wholly; its interval is by traces,
            where these runs share them.
        attempts: model calls and retries of the agent; of what is changed on one's own GPUs, those
            on the GPUs in question.
        compared_attempts: of them those whose cost is known wholly on both sides; others save
            nothing here.
        missing: what has no rate in the scenario.
        unknown: what the figures do not know, in words.
    """

    name: str
    kind: Kind
    saved_usd: Decimal | None
    saved_low_usd: Decimal | None
    saved_high_usd: Decimal | None
    saved_ratio: float | None
    saving_per_run: Estimate
    attempts: int
    compared_attempts: int
    missing: Sequence[str]
    unknown: Sequence[str]


@dataclass(frozen=True, slots=True)
class WhatIfReport:
    """Changes to one agent, by the money that they save.

    Attributes:
        agent_name: whose calls.
        runs: of the period.
        cost_usd: their variable cost.
        scenarios: most saved first; the savings of several do not add up.
        notes: what could not be tried, and what to do.
    """

    agent_name: str
    runs: int
    cost_usd: Decimal | None
    scenarios: Sequence[WhatIf]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Change:
    """A scenario with its name."""

    name: str
    kind: Kind
    scenario: Scenario


def changes(
    models: Sequence[tuple[str, str]], tiers: Sequence[str], cache_shares: Sequence[float]
) -> Iterator[Change]:
    """The scenarios of these models (provider, model), tiers and cached shares."""
    for provider, model in models:
        scenario = Scenario(provider=provider, model=model)
        yield Change(f"{provider}/{model} instead", "model", scenario)
    for tier in tiers:
        yield Change(f"tier {tier}", "tier", Scenario(tier=tier))
    for share in cache_shares:
        named = f"{share:.0%} of the input from the cache"
        yield Change(named, "cache", Scenario(cache_read_share=share))


def other_models(ask: Ask, operations: Operations) -> Sequence[tuple[str, str]]:
    """What else the ledger has such calls of, and a price: most used first."""
    priced = (
        pair
        for pair in operations.others()
        if ask("is_priced", provider=pair[0], model=pair[1])[0]["prices"]
    )
    return [pair for _, pair in zip(range(_MOST_MODELS), priced, strict=False)]


def what_if(
    ask: Ask,
    agent_name: str,
    period: Mapping[str, object],
    asked: Sequence[Change],
    operations: Operations,
    *,
    hostings: Sequence[Hosting] = (),
    rework_shares: Sequence[float] = (1.0,),
    weight_formats: Sequence[str] = (),
) -> WhatIfReport:
    """Every change, less rework, and what serves calls on GPUs of one's own, by what it saves.

    Args:
        ask: the ledger.
        agent_name: whose calls.
        period: ``since`` and ``until``.
        asked: scenarios of prices.
        operations: what models are called for: another one answers only calls of its kind.
        hostings: open models on GPUs of one's own.
        rework_shares: parts of the rework that are not made, above 0 to 1.
        weight_formats: for calls on GPUs of one's own; empty = the usual smaller ones.

    Raises:
        NotFoundError: the agent has no run in the period.
        PermanentError: GPUs or a model to host are not known; a share cannot be.
    """
    for share in rework_shares:
        if not 0 < share <= 1:
            raise PermanentError(f"less rework is a share above 0 to 1, not {share:g}")
    (all_runs,) = statistics(ask, agent_name, period, "total")
    sums = all_runs.sums
    (ends,) = parse_rows(ReworkEndsRow, ask("rework_ends", agent_name=agent_name, **period))
    found = [_rework(sums, share, ends) for share in rework_shares]
    found += [
        _otherwise(change, sums)
        for change in own_gpu_changes(ask, agent_name, period, weight_formats)
    ]
    if hostings:
        calls = ask("token_calls", agent_name=agent_name, **period)
        (used,) = parse_rows(TokenCallsRow, calls) or (NO_CALLS,)
        found += [_hosted(plan, used, sums) for plan in hostings]
    for change in asked:
        parameters = {**period, **change.scenario.parameters(), "agent_name": agent_name}
        kept: Sequence[str] = ()
        if change.kind == "model":
            scenario = change.scenario
            told, kept = changed_operations(ask, operations, scenario.provider, scenario.model)
            parameters["of_operations"] = ",".join(told) or _NONE
        found += [
            _saved(change, saving, sums, kept)
            for saving in parse_rows(SavingRow, ask("what_if", **parameters))
        ]
    found.sort(key=lambda one: (one.saved_usd is None, -(one.saved_usd or 0), one.name))
    notes = [] if any(one.kind == "model" for one in found) else [_NO_MODEL]
    return WhatIfReport(agent_name, sums.runs, sums.cost_usd, found, notes)


def _saved(change: Change, row: SavingRow, sums: AgentSums, kept: Sequence[str]) -> WhatIf:
    figure = estimates.mean_of_runs(
        row.saving_mean_usd,
        Shape(row.compared_runs, row.saving_variance, row.saving_skewness),
        Shape(row.compared_traces, row.trace_saving_variance, row.trace_saving_skewness),
    )
    low, high = _ends(row.saved_usd, row.saved_estimated_usd, sums)
    return WhatIf(
        change.name, change.kind, row.saved_usd, low, high, _ratio(row.saved_usd, sums),
        figure.estimate, row.attempts, row.compared_attempts, row.missing,
        [*([f"{', '.join(kept)}: {_KEPT}"] if kept else []), *_UNKNOWN[change.kind]],
    )  # fmt: skip


def _rework(sums: AgentSums, share: float, row: ReworkEndsRow) -> WhatIf:
    """This part of what was made again, not made; all of it is the most that fewer retries save."""
    figure = estimates.mean_of_runs(
        row.made_again_mean_usd,
        Shape(row.costed_runs, row.made_again_variance, row.made_again_skewness),
        Shape(row.costed_traces, row.trace_made_again_variance, row.trace_made_again_skewness),
        floor=0,
    )
    wasted = None if sums.rework_cost_usd is None else row.made_again_usd
    saved, low, high = (
        estimates.times(None if wasted is None else wasted + off, share)
        for off in (Decimal(0), -row.cheaper_usd, row.dearer_usd)
    )
    name = "no rework" if share == 1 else f"{share:.0%} less rework"
    unknown = list(_UNKNOWN["rework"])
    if row.not_made_again_usd:
        unknown.insert(0, f"${row.not_made_again_usd.normalize():,f} {_NOT_MADE_AGAIN}")
    return WhatIf(
        name, "rework", saved, low, high, _ratio(saved, sums),
        estimates.portion(figure.estimate, share), sums.attempts,
        sums.attempts - sums.unpriced_attempts, (), unknown,
    )  # fmt: skip


def _hosted(plan: Hosting, used: TokenCallsRow, sums: AgentSums) -> WhatIf:
    found = hosted(plan, used)
    return WhatIf(
        plan.name, "hosting", found.saved_usd, found.saved_low_usd, found.saved_high_usd,
        _ratio(found.saved_usd, sums), found.saving_per_run, used.attempts,
        found.compared_attempts, found.missing, found.unknown,
    )  # fmt: skip


def _otherwise(change: OwnGpuChange, sums: AgentSums) -> WhatIf:
    return WhatIf(
        change.name, change.kind, change.saved_usd, change.saved_low_usd, change.saved_high_usd,
        _ratio(change.saved_usd, sums), change.saving_per_run, change.attempts,
        change.compared_attempts, change.missing, change.unknown,
    )  # fmt: skip


def _ends(
    saved: Decimal | None, estimated: Decimal, sums: AgentSums
) -> tuple[Decimal | None, Decimal | None]:
    """The saving by the ends of what was estimated: that part of it grows with the usage."""
    whole, part = sums.cost_usd, sums.estimated_cost_usd
    low, high = sums.cost_low_usd, sums.cost_high_usd
    if saved is None or not estimated or not part or whole is None or low is None or high is None:
        return saved, saved
    ends = sorted(estimated * (end - whole) / part for end in (low, high))
    places = Decimal("1e-12")
    return (saved + ends[0]).quantize(places), (saved + ends[1]).quantize(places)


def _ratio(saved: Decimal | None, sums: AgentSums) -> float | None:
    return None if saved is None or not sums.cost_usd else float(saved / sums.cost_usd)
