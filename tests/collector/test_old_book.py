"""An old price book is told, by the collector in its log and by ``doctor``, until it is renewed.

Arize-ai/phoenix#12673 (the sync of prices was broken for 7 weeks), Helicone/helicone#2983,
Helicone/helicone#4080, Helicone/helicone#4893: nobody was told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from spanledger_collector.cli import doctor
from spanledger_collector.config import CollectorConfig
from spanledger_collector.pipeline import Collector, book_age
from spanledger_collector.price import PriceBook
from spanledger_collector.price.bookfile import encode, pack

_WARNED = "the price book is {} days old"
_ADVICE = "run `spanledger prices update`"


@pytest.fixture(name="aged")
def _aged(tmp_path: Path) -> Callable[[int], Path]:
    """Writes a book without prices, as if it had been built some days ago."""
    empty = replace(PriceBook.shipped().contents, rows=[])

    def write(days: int) -> Path:
        midnight = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        contents = replace(empty, built_at=midnight - timedelta(days=days))
        path = tmp_path / f"book-of-{days}-days.json.xz"
        path.write_bytes(pack(encode(contents)))
        return path

    return write


def _config(folder: Path, book: Path) -> CollectorConfig:
    return CollectorConfig(
        data_dir=folder / "data", price_book=book, grpc_port=0, http_port=0, api_port=0
    )


@pytest.mark.parametrize(("days", "told"), [(45, False), (46, True)])
def test_the_log_says_at_the_start_that_the_book_is_old(
    aged: Callable[[int], Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    days: int,
    *,
    told: bool,
) -> None:
    """By the setting, 45 days unless it is given, and with what to do."""
    Collector(_config(tmp_path, aged(days)))
    assert (_WARNED.format(days) in caplog.text) == told
    assert (_ADVICE in caplog.text) == told


async def test_a_collector_that_goes_on_says_it_every_day(
    aged: Callable[[int], Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until it is stopped; the days of this test are short."""
    warned = asyncio.Semaphore(0)

    def seen(record: logging.LogRecord) -> bool:
        if _WARNED.format(50) in record.getMessage():
            warned.release()
        return True

    monkeypatch.setattr(book_age, "DAY_SECONDS", 0.01)
    collector = Collector(_config(tmp_path, aged(50)), stop_grace_seconds=1.0)
    caplog.handler.addFilter(seen)
    await collector.start()
    try:
        for _ in range(2):
            await asyncio.wait_for(warned.acquire(), 240)
    finally:
        await collector.stop()
    told = caplog.text.count(_WARNED.format(50))
    await asyncio.sleep(0.05)
    assert caplog.text.count(_WARNED.format(50)) == told


def test_doctor_tells_the_age_of_the_book_that_is_used(
    aged: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``SPANLEDGER_PRICE_BOOK``, so that an update ends the advice; a lost file is named."""

    def prices(path: Path) -> str:
        monkeypatch.setenv("SPANLEDGER_PRICE_BOOK", str(path))
        return doctor.book_age()

    old = prices(aged(60))
    assert "60 days old; upgrade, or" in old
    assert _ADVICE in old
    assert "1 day old" in (new := prices(aged(1)))
    assert _ADVICE not in new
    monkeypatch.setenv("SPANLEDGER_PRICE_BOOK_MAX_AGE_DAYS", "61")
    assert _ADVICE not in prices(aged(60))
    assert "gone.json.xz" in prices(Path("gone.json.xz"))
