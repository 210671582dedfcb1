"""How books of assets look in a terminal."""

from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal

from rich.console import Console

from spanledger_collector.cli.asset_tables import assets_table
from spanledger_collector.query import AssetRow

PLANNED = datetime(2026, 10, 1, tzinfo=timezone.utc)
HOSTING = AssetRow(
    asset_id="gpus", kind="hosting", method="straight_line_per_time", unit="execution",
    agent_name="a", agent_version="", capital_usd=Decimal(62), charged_usd=Decimal(10),
    net_book_value_usd=Decimal(52), written_off_usd=Decimal(0), refused_usd=Decimal(0),
    salvage_usd=Decimal(0), chargeable_usd=Decimal(52), rate_usd=Decimal("1.27"),
    rate_low_usd=Decimal("1.01"), rate_high_usd=Decimal("1.53"), charged_units=Decimal(10),
    remaining_units=Decimal(42), remaining_low_units=Decimal(33), remaining_high_units=Decimal(57),
    accrued_usd=Decimal(34), unabsorbed_usd=Decimal(24), charged_from=PLANNED, ends_at=PLANNED,
    state="active", estimates=1, unconverted_entries=0, unconverted_currencies=(),
)  # fmt: skip


def _line(row: AssetRow) -> str:
    terminal = Console(width=200, record=True)
    terminal.print(assets_table([row]))
    [line] = [line for line in terminal.export_text().splitlines() if row.asset_id in line]
    return line


def test_what_no_run_carried_stands_beside_what_is_left() -> None:
    told = _line(HOSTING)
    for said in ("$52", "$24", "$1.27", "$1.01 to $1.53", "42", "33 to 57", "active"):
        assert said in told, said


def test_days_that_are_over_have_no_rate_and_nothing_to_come() -> None:
    told = _line(replace(HOSTING, state="ended"))
    for said in ("1.27", "1.01", "1.53", "42", "33", "57"):
        assert said not in told, said
    assert "$24" in told
    assert "ended" in told
