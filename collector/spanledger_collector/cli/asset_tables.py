"""How assets, their shares and what is still to come of them look in tables."""

from collections.abc import Sequence
from decimal import Context, Decimal

from rich.console import Group, RenderableType

from spanledger_collector.query import AssetRow, AssetShareRow, RemainingLife

from .grid import Grid
from .output import count, counted, plain_decimal, text, usd, usd_if_any

_ASSETS = (
    "asset", "kind", "runs of", ">capital", ">charged", ">left", ">unabsorbed", ">a unit",
    ">low to high", "unit", ">to come", ">low to high", "state",
)  # fmt: skip
_SHARES = (
    "asset", "kind", "agent", "version", ">runs", ">carried", ">low to high", ">a run",
    ">low to high",
)  # fmt: skip
#: Digits of a rate that people read; JSON has all.
_READ = Context(prec=6)
_WHOLE = Decimal(1)


def assets_table(rows: Sequence[AssetRow]) -> RenderableType:
    """One line an asset, and below what is to be done about those without a rate."""
    lines = Grid(
        "Assets",
        _ASSETS,
        (
            (
                text(row.asset_id), text(row.kind),
                text(" ".join(filter(None, (row.agent_name or "all", row.agent_version)))),
                usd(row.capital_usd), usd(row.charged_usd), usd(row.net_book_value_usd),
                usd_if_any(row.unabsorbed_usd), *_to_come(row), text(row.state),
            )
            for row in rows
        ),
    )  # fmt: skip
    return Group(lines, *(_no_rate(row) for row in rows if row.unconverted_currencies))


def _to_come(row: AssetRow) -> Sequence[str]:
    """What a unit carries, and how many come, with ends; dashes where no run carries any more."""
    if row.state == "ended":
        return "-", "-", text(row.unit), "-", "-"
    return (
        _rate(row.rate_usd), _money_span(row.rate_low_usd, row.rate_high_usd), text(row.unit),
        text(plain_decimal(row.remaining_units)),
        _span(row.remaining_low_units, row.remaining_high_units),
    )  # fmt: skip


def _no_rate(row: AssetRow) -> str:
    return (
        f"{text(row.asset_id)}: {counted(row.unconverted_entries, 'cost')} in "
        f"{text(', '.join(row.unconverted_currencies))} without a rate for their day, in no sum. "
        "Add it to your prices file (fx, gpu_hours) and start the collector again: they are "
        "converted then, and runs that waited are charged"
    )


def shares_table(rows: Sequence[AssetShareRow]) -> Grid:
    """One line an agent and version that carries an asset."""
    return Grid(
        "What agents carry of assets",
        _SHARES,
        (
            (
                text(row.asset_id), text(row.kind), text(row.agent_name), text(row.agent_version),
                count(row.runs), usd(row.charged_usd),
                _money_span(row.charged_low_usd, row.charged_high_usd), _rate(row.per_run_usd),
                _money_span(row.per_run_low_usd, row.per_run_high_usd),
            )
            for row in rows
        ),
    )  # fmt: skip


def remaining_life_table(life: RemainingLife) -> Grid:
    """What the plan says beside what the use so far says."""
    row, told = life.asset, life.units
    counts = (told.value, told.low, told.high)
    value, low, high = (None if end is None else end.quantize(_WHOLE) for end in counts)
    rate = life.rate_usd
    seen = f"{plain_decimal(life.units_per_day)} a day over {life.days_seen} days"
    return Grid(
        f"What is still to come of {text(row.asset_id)} until {life.until:%Y-%m-%d}",
        ("by", ">units to come", ">low to high", ">a unit", ">low to high", "unit", "why not"),
        [
            (
                "the plan in force", plain_decimal(row.remaining_units),
                _span(row.remaining_low_units, row.remaining_high_units), _rate(row.rate_usd),
                _money_span(row.rate_low_usd, row.rate_high_usd), text(row.unit), "-",
            ),
            (
                text(seen), "-" if value is None else plain_decimal(value), _span(low, high),
                _rate(rate.value), _money_span(rate.low, rate.high), text(row.unit),
                text(told.reason or rate.reason),
            ),
        ],
    )  # fmt: skip


def _rate(amount: Decimal | None) -> str:
    return usd_if_any(None if amount is None else _READ.plus(amount))


def _money_span(low: Decimal | None, high: Decimal | None) -> str:
    return _ends(*(None if end is None else _rate(end) for end in (low, high)))


def _span(low: Decimal | None, high: Decimal | None) -> str:
    return _ends(*(None if end is None else plain_decimal(end) for end in (low, high)))


def _ends(low: str | None, high: str | None) -> str:
    """Both ends, or the one that is known."""
    if low is None or high is None:
        return f"at least {low}" if low else f"at most {high}" if high else "-"
    return f"{low} to {high}"
