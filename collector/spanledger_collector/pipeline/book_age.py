"""The alarm for an old price book: in the log at the start and once a day while it goes on.

Prices change every week; a collector that runs for months with the book it was started with has
to say so more than once. The same age is in ``/metrics`` (``spanledger_price_book_age_seconds``).
"""

import asyncio
import logging
from datetime import datetime, timezone

from spanledger_collector.price import PriceBook

_LOG = logging.getLogger(__name__)
DAY_SECONDS = 86_400.0


def tell(book: PriceBook, max_days: int) -> None:
    """Warn in the log when the book is older than so many days."""
    days = book.age(datetime.now(timezone.utc)).days
    if days > max_days:
        _LOG.warning(
            "the price book is %d days old: prices that changed since are not known. Upgrade "
            "spanledger, or run `spanledger prices update`",
            days,
        )


async def tell_daily(book: PriceBook, max_days: int) -> None:
    """The same every day, also when the book becomes old later; until it is cancelled."""
    while True:
        await asyncio.sleep(DAY_SECONDS)
        tell(book, max_days)
