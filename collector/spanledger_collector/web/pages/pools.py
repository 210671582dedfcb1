"""GPUs of one's own: what was paid for them, who used it, how well, and what nobody used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from spanledger_collector.query import Ledger
from spanledger_collector.web.asked import Asked
from spanledger_collector.web.parts import Note, Page, Tabled
from spanledger_collector.web.table import Column, Table

_NONE = "No window of a pool is closed here. SPANLEDGER_GPU_FILE says which GPUs you pay for."


def _is_part(row: Any) -> bool:
    """Of some of its time no rate is known."""
    return bool(row.unpriced_gpu_seconds)


_COLUMNS: Final[Sequence[Column]] = [
    Column("GPU", "gpu_model", name="(not told)"),
    Column("GPUs", "gpus", "count", "At once, at most."),
    Column("Billed", "billed_usd", "usd", at_least=_is_part),
    Column("Calls", "attributed_usd", "usd", "What calls carry."),
    Column("of which twice", "waste_usd", "usd", "Computing preempted work again."),
    Column("Loading", "load_usd", "usd", "Loading models: cold starts."),
    Column("Idle", "idle_usd", "usd", "Nobody was served."),
    Column("GPU time", "billed_gpu_seconds", "seconds", "Paid for, summed over the GPUs."),
    Column("Rate not known", "unpriced_gpu_seconds", "seconds", "Of that time."),
    Column("Used", "utilisation", "ratio", "Part of the time in which calls were served."),
    Column("Fully loaded", "fully_loaded_factor", "factor",
           "By which a call's cost is multiplied to carry loading and idle time too."),
    Column("MFU", "mfu_low", "ratio", "Useful FLOPs by the dense peak; the low end."),
    Column("MFU, at most", "mfu_high", "ratio", "More where a model is not known exactly."),
    Column("Peak of", "peak_format", name="(not known)"),
    Column("MBU", "mbu_low", "ratio", "Bytes to be read by the bandwidth; the low end."),
    Column("MBU, at most", "mbu_high", "ratio", "Where GPUs keep copies of caches."),
    Column("Work not known", "unknown_work_gpu_seconds", "seconds",
           "Time of calls whose tokens or model nobody knows: in neither."),
    Column("kWh", "energy_kwh_low", "factor", "Of the data centre for them; the low end."),
    Column("kWh, at most", "energy_kwh_high", "factor"),
    Column("kg CO2e", "co2e_kg_low", "factor", "The low end."),
    Column("kg CO2e, at most", "co2e_kg_high", "factor"),
]  # fmt: skip


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    part = asked.part()
    pools = Table(
        "pools", "Pools by what they were billed, dearest first, whole days",
        [Column("Pool", "pool"), *_COLUMNS],
        ledger.pools(part.since, part.until), empty=_NONE, query="pools",
        link=lambda row: _calls(asked, row),
    )  # fmt: skip
    days = Table(
        "days", "The same day by day (UTC), newest first",
        [Column("Day", "day"), Column("Pool", "pool"), *_COLUMNS],
        ledger.pools(part.since, part.until, by="day"), empty=_NONE, query="pools",
        link=lambda row: _calls(asked, row, of_day=True),
    )  # fmt: skip
    return Page(
        "GPUs of your own",
        [
            Note("", [
                "Calls + loading + idle = billed, exactly. Idle time is in no run.",
                "MFU and MBU are of the time of calls whose work is known, at dense peaks.",
            ]),
            Tabled("Pools", pools),
            Tabled("By day", days),
        ],
        "What was paid for GPUs, who used it, and how well.",
        filters=frozenset({"period"}),
    )  # fmt: skip


def _calls(asked: Asked, row: Any, *, of_day: bool = False) -> str:
    """The calls that a pool answered: of the days of the period, or of one."""
    days = {"range": "", "since": row.day, "until": row.day} if of_day else asked.whole_days()
    return asked.link("attempts", by="model", key=row.pool, agent="", version="", tenant="", **days)
