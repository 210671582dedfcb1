"""Builds the price book (a developer's command): ``python -m spanledger_collector.price.build``.

Sources, later ones win: the pinned ``genai-prices`` package, then our dated overlay
``price/prices/*.yaml`` (each entry with its source). The result is appended to the history of the
shipped book: nothing in it is edited, an unchanged price is not repeated, a change is a new row
known from the day of the build. In the very first book everything was learned at once; its rows are
known from the day they became valid, so that a span received before the book was built is priced.

A second catalogue to compare with would be read where :func:`sources` reads the first.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, time, timezone
from pathlib import Path

from spanledger_collector.errors import ConfigurationError

from .adjust import adjust
from .book import SHIPPED
from .bookfile import Contents, decode, encode, pack, unpack
from .document import Adjustment, Document, Statement, UnitStatement, read
from .genai import PINNED_VERSION, catalogue, installed_version
from .genai_names import listings
from .history import append, check, standing
from .row import PriceRow
from .statements import lay_over, windows
from .tiers import older_tier_rows
from .units import add_units

OVERLAY = Path(__file__).with_name("prices")
OVERLAY_UPSTREAM = "overlay"
#: The command that refreshes the book, for messages.
COMMAND = "python -m spanledger_collector.price.build"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the book, or with ``--check`` only say whether it is up to date."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="book file to append to")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when stale")
    options = parser.parse_args(arguments)
    before = unpack(options.out) if options.out.exists() else b""
    today = datetime.combine(datetime.now(timezone.utc).date(), time(), tzinfo=timezone.utc)
    after = build(decode(before) if before else Contents(), today)
    text = encode(after)
    print(_summary(after, changed=text != before))  # noqa: T201 a command reports on stdout
    if text != before and options.check:
        parser.exit(1, f"the price book is stale; run: {COMMAND}\n")
    if text != before:
        options.out.write_bytes(pack(text))


def build(before: Contents, today: datetime) -> Contents:
    """The next book.

    Args:
        before: the book to append to; empty for the first one.
        today: known-time of what is appended.

    Returns:
        ``before`` itself, date included, when no source has changed.

    Raises:
        ConfigurationError: another version of ``genai-prices`` than pinned is installed, or the
            sources contradict.
    """
    if installed_version() != PINNED_VERSION:
        raise ConfigurationError(
            f"genai-prices {installed_version()} is installed, the book is built from "
            f"{PINNED_VERSION}: install that, or change PINNED_VERSION in price/genai.py"
        )
    overlay = read_overlay(OVERLAY)
    rows, left_out = sources(overlay)
    known_at: Callable[[PriceRow], datetime] = (
        (lambda _row: today) if before.rows else (lambda row: min(row.valid_from, today))
    )
    after = Contents(
        built_at=before.built_at,
        upstreams={"genai-prices": PINNED_VERSION},
        rows=append(before.rows, rows, known_at),
        listings=listings(overlay),
        spellings={k: v for document in overlay for k, v in document.spellings.items()},
        left_out=left_out,
    )
    if before.rows and encode(after) == encode(before):
        return before
    return replace(after, built_at=today)


def _summary(book: Contents, *, changed: bool) -> str:
    now = standing(book.rows)
    state = "changed" if changed else "up to date"
    return (
        f"price book {state}: {len(now)} prices stand ({len(book.rows)} rows of history), "
        f"{len({row.key[:2] for row in now})} models, {len(book.left_out)} left out"
    )


def sources(
    overlay: Sequence[Document],
) -> tuple[list[PriceRow], list[tuple[str, str, str]]]:
    """What the book shall say now: rows in a fixed order, and the models left out with reasons.

    Raises:
        ConfigurationError: the sources contradict.
    """
    upstream = catalogue()
    statements = [s for document in overlay for s in document.prices]
    rows = upstream.rows
    for document in overlay:
        for history in document.tier_history:
            rows = [*rows, *older_tier_rows(rows, document.provider, history)]
    rows = lay_over(rows, windows(statements), OVERLAY_UPSTREAM)
    rows = add_units(rows, [u for document in overlay for u in document.unit_prices])
    for document in overlay:
        for adjustment in document.adjustments:
            rows = adjust(rows, adjustment)
    check(rows)
    stated = {(s.provider, s.model) for s in statements if s.valid_to is None}
    left_out = [entry for entry in upstream.left_out if entry[:2] not in stated]
    return sorted(rows, key=lambda row: row.row_key), sorted(left_out)


def read_overlay(folder: Path) -> list[Document]:
    """Our overlay: every file of statements, in the order of their names.

    Raises:
        ConfigurationError: an entry without a source, or a file that says something else.
    """
    documents = [read(path) for path in sorted(folder.glob("*.yaml"))]
    for document in documents:
        for statement in (*document.prices, *document.unit_prices, *document.adjustments):
            if not (statement.source_url and statement.checked_at and statement.evidence):
                raise ConfigurationError(
                    f"the overlay's price of {statement.provider}/{_models(statement)} from "
                    f"{statement.valid_from:%Y-%m-%d} needs source_url, checked_at and evidence"
                )
    return documents


def _models(statement: Statement | UnitStatement | Adjustment) -> str:
    if isinstance(statement, Statement):
        return statement.model
    if statement.models or isinstance(statement, Adjustment):
        return ", ".join(statement.models)
    return f"models with {statement.models_with}"


if __name__ == "__main__":
    main()
