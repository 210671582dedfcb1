"""``spanledger what-if``: what an agent would save, had its calls been made otherwise."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from spanledger_collector.query import WhatIf, WhatIfReport
from spanledger_collector.query.hosting import hostings_of

from .figures import interval, money, rounded, value
from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import console, counted, coverage, print_json, printable, text, usd
from .reprice import book_names

_COLUMNS = (
    "if", ">saved", ">low to high", ">of cost", ">saving a run", ">95% interval", ">compared",
    "without a rate",
)  # fmt: skip
#: Of what is estimated.
_DIGITS = 6
_ESTIMATED = ("hosting", "quantization", "gpu", "parallel", "batch")


def what_if(
    name: Annotated[str, typer.Argument(help="The agent.")],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="PROVIDER/MODEL instead; several. Default: the ledger's."),
    ] = None,
    tier: Annotated[
        list[str] | None,
        typer.Option("--tier", help="In this tier; several. Default batch."),
    ] = None,
    cache_share: Annotated[
        list[float] | None,
        typer.Option(
            "--cache-share",
            min=0,
            max=1,
            help="This part of the input read from the cache; several. Default 0.9.",
        ),
    ] = None,
    rework_share: Annotated[
        list[float] | None,
        typer.Option(
            "--rework-share",
            min=0,
            max=1,
            help="This part of the rework not made; several. Default 1: none is made.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Host this open model; with --gpu and --gpu-rate.")
    ] = "",
    gpu: Annotated[
        str, typer.Option("--gpu", help="On this accelerator, such as h100-sxm5-80gb.")
    ] = "",
    gpu_rate: Annotated[
        float | None,
        typer.Option("--gpu-rate", help="USD an hour for each of them, busy or not; above 0."),
    ] = None,
    gpus: Annotated[int, typer.Option("--gpus", min=1, help="So many share the model.")] = 1,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            "--weights",
            help="Format of weights: bf16, fp8, awq; several. Of --host, else of "
            "models on your own GPUs.",
        ),
    ] = None,
    prices_file: Annotated[
        Path | None,
        typer.Option("--prices-file", help="Your prices and aliases, to find --model."),
    ] = None,
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """What an agent would save with another model, in batches, from the cache, with less rework.

    Calls on GPUs of your own: in smaller weights too, on other GPUs that prices are known of, on
    more or fewer of them (tensor parallel), and with more calls answered at once.

    Example: spanledger what-if researcher --model anthropic/claude-haiku-4-5 --cache-share 0.5
    """  # fmt: skip
    hostings = hostings_of(
        host, gpu, gpu_rate, gpus=gpus, weight_formats=weights or (),
        names=("--host", "--gpu", "--gpu-rate"),
    )  # fmt: skip
    models = None if not model else [_pair(told, prices_file) for told in model]
    with connect(url, workspace) as ledger:
        report = ledger.what_if(
            name, utc(since), utc(until), models=models, tiers=tier or ("batch",),
            cache_shares=cache_share or (0.9,), rework_shares=rework_share or (1.0,),
            hostings=hostings, weight_formats=() if hostings else weights or (),
        )  # fmt: skip
    if as_json:
        print_json(report)
        return
    show(report, console())


def _pair(told: str, prices_file: Path | None) -> tuple[str, str]:
    provider, _, model = told.partition("/")
    return book_names(provider, model, prices_file)


def show(report: WhatIfReport, out: Console) -> None:
    """The report as people read it: savings first, then what they do not know."""
    out.print(
        f"[bold]{text(report.agent_name)}[/]  {counted(report.runs, 'run')}, variable cost "
        f"{usd(report.cost_usd)}; savings of several changes do not add up"
    )
    out.print(Grid("", _COLUMNS, map(_cells, report.scenarios)))
    for note in report.notes:
        out.print(f"\n{text(note)}")
    out.print("\n[bold]Not known[/]")
    told: set[str] = set()
    for scenario in report.scenarios:
        words = f"{scenario.kind}: {printable('; '.join(scenario.unknown))}"
        if scenario.unknown and words not in told:
            told.add(words)
            out.print(words)


def _cells(scenario: WhatIf) -> Sequence[str]:
    ratio = scenario.saved_ratio
    return (
        text(scenario.name), _saved(scenario), _range(scenario),
        "-" if ratio is None else f"{ratio:.1%}",
        value(scenario.saving_per_run, money), interval(scenario.saving_per_run, money),
        coverage(scenario.compared_attempts, scenario.attempts), text(", ".join(scenario.missing)),
    )  # fmt: skip


def _range(scenario: WhatIf) -> str:
    """What estimated usage leaves open; a dash where none was estimated."""
    low, high = scenario.saved_low_usd, scenario.saved_high_usd
    if low is None or high is None or low == high:
        return "-"
    return f"{money(rounded(low, _DIGITS))} to {money(rounded(high, _DIGITS))}"


def _saved(scenario: WhatIf) -> str:
    """Money of the ledger with every digit, of an estimate with six."""
    saved = scenario.saved_usd
    if saved is None:
        return usd(None)
    return money(rounded(saved, _DIGITS) if scenario.kind in _ESTIMATED else saved)
