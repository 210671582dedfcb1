"""Builds the price book (a developer's command): ``python -m spanledger_collector.price.build``.

Sources, later ones win: the pinned ``genai-prices`` package, then our dated overlay
``price/prices/*.yaml`` (each entry with its source). The result is appended to the history of the
shipped book: nothing in it is edited, an unchanged price is not repeated, a change is a new row
known from the day of the build. In the very first book everything was learned at once; its rows are
known from the day they became valid, so that a span received before the book was built is priced.

The second source, ``litellm``'s data, fills what these lack and is held against them: what differs
by more than 1 % is printed for review.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
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
from .litellm import Difference, SecondSource, second_source
from .match import Matcher
from .row import PriceRow, decimal_text
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
    if text != before and not options.check:
        options.out.write_bytes(pack(text))
    print(_summary(after, changed=text != before))  # noqa: T201 a command reports on stdout
    for line in review(sources(read_overlay(OVERLAY)).second.review):
        print(line)  # noqa: T201 a command reports on stdout
    if text != before and options.check:
        parser.exit(1, f"the price book is stale; run: {COMMAND}\n")


def build(before: Contents, today: datetime, *, version: str = "") -> Contents:
    """The next book.

    Args:
        before: the book to append to; empty for the first one.
        today: known-time of what is appended.
        version: the release of ``genai-prices`` that has to be installed; empty = the pinned one.

    Returns:
        ``before`` itself, date included, when no source has changed.

    Raises:
        ConfigurationError: another version of ``genai-prices`` than pinned is installed, or the
            sources contradict.
    """
    version = version or PINNED_VERSION
    if installed_version() != version:
        raise ConfigurationError(
            f"genai-prices {installed_version()} is installed, the book is built from "
            f"{version}: install that, or change PINNED_VERSION in price/genai.py"
        )
    overlay = read_overlay(OVERLAY)
    found = sources(overlay)
    known_at: Callable[[PriceRow], datetime] = (
        (lambda _row: today) if before.rows else (lambda row: min(row.valid_from, today))
    )
    after = Contents(
        built_at=before.built_at,
        upstreams={"genai-prices": installed_version(), "litellm": found.second.version},
        rows=append(before.rows, found.rows, known_at),
        listings=listings(overlay, found.second.named),
        spellings=spellings(overlay),
        left_out=found.left_out,
    )
    if before.rows and encode(after) == encode(before):
        return before
    return replace(after, built_at=today)


def review(differences: Sequence[Difference]) -> Iterator[str]:
    """Where the two sources differ, one line a rate, USD per million tokens."""
    if differences:
        yield f"for review, {len(differences)} rates of the second source differ by more than 1 %:"
    for one in differences:
        ours, theirs = one.ours * 1_000_000, one.theirs * 1_000_000
        rate = one.rate.removesuffix("_usd_per_token")
        yield (
            f"  {one.provider}/{one.model} {rate}: {decimal_text(ours)}, "
            f"litellm's {one.their_id} {decimal_text(theirs)}"
        )


def update(before: Contents, now: datetime) -> Contents:
    """The book after a newer release of ``genai-prices``, whichever is installed.

    What has changed is appended, known from now; our overlay and the second source stay as this
    release has them.

    Raises:
        ConfigurationError: the release is older than the one the book was made from.
    """
    held, given = before.upstreams.get("genai-prices", ""), installed_version()
    if _ordered(given) < _ordered(held):
        raise ConfigurationError(
            f"genai-prices {given} is older than {held}, which the book was made from; "
            "install a newer one, or give its wheel"
        )
    return build(before, now, version=given)


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _summary(book: Contents, *, changed: bool) -> str:
    now = standing(book.rows)
    state = "changed" if changed else "up to date"
    return (
        f"price book {state}: {len(now)} prices stand ({len(book.rows)} rows of history), "
        f"{len({row.key[:2] for row in now})} models, {len(book.left_out)} left out"
    )


@dataclass(frozen=True, slots=True)
class Sources:
    """What the book shall say now.

    Attributes:
        rows: in a fixed order.
        left_out: the models without prices, with reasons.
        second: what the second source added, and where it differs.
    """

    rows: Sequence[PriceRow]
    left_out: Sequence[tuple[str, str, str]]
    second: SecondSource


def sources(overlay: Sequence[Document]) -> Sources:
    """Read all sources and hold them against each other.

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
    second = second_source(rows, Matcher(listings(overlay), spellings(overlay)))
    rows = [*rows, *second.rows]
    check(rows)
    stated = {(s.provider, s.model) for s in statements if s.valid_to is None}
    left_out = [entry for entry in upstream.left_out if entry[:2] not in stated]
    return Sources(sorted(rows, key=lambda row: row.row_key), sorted(left_out), second)


def spellings(overlay: Sequence[Document]) -> dict[str, str]:
    """Provider name -> the book's, as the overlay says."""
    return {k: v for document in overlay for k, v in document.spellings.items()}


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
