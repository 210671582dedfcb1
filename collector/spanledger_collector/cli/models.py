"""``spanledger models``: cost and tokens by model."""

from collections.abc import Sequence

from spanledger_collector.query import ModelRow

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Since, Until, Url, Workspace, connect, utc
from .output import answer, cost, count, coverage, share, text
from .unplaced import tell_unplaced

_COLUMNS = (
    "provider", "model", ">calls", ">failed", ">input", ">cache read", ">cache write", ">output",
    ">cost", ">known", ">estimated",
)  # fmt: skip


def models(
    url: Url = DEFAULT_ADDRESS,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = "",
    as_json: Json = False,
) -> None:
    """What each model cost: calls, tokens, and how much of the cost is known. Whole days (UTC).

    A last line tells which recorded amounts found no run, of whatever day.

    Example: spanledger models --since 2026-11-01
    """
    with connect(url, workspace) as ledger:
        answer(ledger.models(utc(since), utc(until)), _table, as_json=as_json)
        if not as_json:
            tell_unplaced(ledger)


def _table(rows: Sequence[ModelRow]) -> Grid:
    """The rows as people read them."""
    return Grid(
        "Models",
        _COLUMNS,
        (
            (
                text(row.provider), text(row.model), count(row.calls), count(row.failed_attempts),
                count(row.input_uncached_tokens), count(row.cache_read_tokens),
                count(row.cache_write_5m_tokens + row.cache_write_1h_tokens),
                count(row.output_tokens),
                cost(
                    row.cost_usd, attempts=row.attempts, unpriced=row.unpriced_attempts,
                    stand_in=row.stand_in_attempts,
                ),
                coverage(row.attempts - row.unpriced_attempts, row.attempts),
                share(row.estimated_cost_usd, row.cost_usd),
            )
            for row in rows
        ),
    )  # fmt: skip
