"""Building the book: equal bytes, appended and never edited, refused when a source is bad."""

import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook, PriceRow, Rates
from spanledger_collector.price.book import SHIPPED
from spanledger_collector.price.bookfile import Contents, encode, pack
from spanledger_collector.price.document import TierHistory, read
from spanledger_collector.price.history import append, check, cut, standing
from spanledger_collector.price.row import OPEN_END, UNDATED_START, decimal_text
from spanledger_collector.price.statements import windows
from spanledger_collector.price.tiers import older_tier_rows

if sys.version_info < (3, 11):  # an older catalogue may be there, for another package's sake
    pytest.skip("the upstream catalogue needs Python 3.11", allow_module_level=True)

from spanledger_collector.price import build, genai, genai_names

_DAY = datetime(2026, 11, 24, tzinfo=timezone.utc)
_LATER = _DAY + timedelta(days=7)
_needs_pinned = pytest.mark.skipif(
    genai.installed_version() != genai.PINNED_VERSION,
    reason=f"genai-prices {genai.PINNED_VERSION} is not installed",
)


def _row(rate: str = "1", **changes: object) -> PriceRow:
    row = PriceRow(
        provider="p",
        model="m",
        service_tier="",
        context_over_tokens=0,
        valid_from=UNDATED_START,
        valid_to=OPEN_END,
        known_from=UNDATED_START,
        rates=Rates(input_usd_per_token=Decimal(rate)),
        source_url="https://example.com",
        upstream="test",
    )
    return replace(row, **changes)


@_needs_pinned
def test_the_shipped_book_is_up_to_date(book: PriceBook) -> None:
    """The book in the wheel is what its sources say."""
    assert build.build(book.contents, _LATER) is book.contents, f"stale: run {build.COMMAND}"


@_needs_pinned
def test_building_twice_gives_the_same_bytes() -> None:
    """The first book from nothing, twice."""
    first, second = (pack(encode(build.build(Contents(), _DAY))) for _ in range(2))
    assert first == second
    assert len(first) < 100_000


@_needs_pinned
def test_the_first_book_knows_everything_from_its_valid_time() -> None:
    """Spans older than the first book are priced by it; scheduled prices are known from its day."""
    for row in build.build(Contents(), _DAY).rows:
        assert row.known_from == min(row.valid_from, _DAY)


@_needs_pinned
def test_a_later_book_appends(book: PriceBook) -> None:
    """A forgotten price comes back as a new row of that day; a made-up one is withdrawn."""
    rows = list(book.rows())
    made_up = _row()
    after = build.build(replace(book.contents, rows=[*rows[1:], made_up]), _LATER)
    assert list(after.rows[: len(rows)]) == [*rows[1:], made_up]
    added = list(after.rows[len(rows) :])
    assert [row.known_from for row in added] == [_LATER, _LATER]
    assert added[0].says_the_same(rows[0])
    assert (added[1].row_key, added[1].valid_to) == (made_up.row_key, made_up.valid_from)
    assert after.built_at == _LATER


@pytest.mark.slow
@_needs_pinned
def test_the_command_checks_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--check`` fails on a stale file, passes on a fresh one; without it the file is written."""
    path = tmp_path / "book.json.xz"
    with pytest.raises(SystemExit) as failed:
        build.main(["--check", "--out", str(path)])
    assert failed.value.code == 1
    assert not path.exists()
    build.main(["--out", str(path)])
    build.main(["--check", "--out", str(path)])
    assert "up to date" in capsys.readouterr().out
    assert len(PriceBook.load(path).standing()) == len(PriceBook.shipped().standing())


@_needs_pinned
def test_another_upstream_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The book says which data it was built from; a surprise upgrade cannot change it."""
    monkeypatch.setattr(build, "PINNED_VERSION", "0.0.1")
    with pytest.raises(ConfigurationError, match=r"built from 0\.0\.1"):
        build.build(Contents(), _DAY)


#: Days around upstream's own changes, and tiers with the context that upstream calls them by.
_DAYS = [
    datetime(*day, tzinfo=timezone.utc)
    for day in ((2025, 1, 1), (2026, 8, 1), (2026, 11, 24), (2027, 2, 1))
]
_CONTEXTS = {
    "": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}


@_needs_pinned
@pytest.mark.parametrize("tier", _CONTEXTS)
@pytest.mark.parametrize("day", _DAYS, ids=lambda day: f"{day:%Y-%m-%d}")
def test_the_builder_reads_upstream_as_upstream_means_it(tier: str, day: datetime) -> None:
    """Every base rate of every model, against upstream's own answer for that day and tier."""
    rows = {
        (row.provider, row.model): row.rates
        for row in standing(genai.catalogue().rows)
        if row.service_tier == tier
        and not row.context_over_tokens
        and row.valid_from <= day < row.valid_to
    }
    assert rows
    models = {(p.id, model.id): model for p in genai.providers for model in p.models}
    for key, rates in rows.items():
        theirs = models[key].get_prices(day, _CONTEXTS[tier])
        mine = [
            rates.input_usd_per_token,
            rates.cache_read_usd_per_token,
            rates.output_usd_per_token,
        ]
        wanted = [theirs.input_mtok, theirs.cache_read_mtok, theirs.output_mtok]
        if not key[1].endswith(genai.FREE_SUFFIX):
            assert mine == [_per_token(rate) for rate in wanted], key


def _per_token(rate: object) -> Decimal | None:
    base = getattr(rate, "base", rate)
    return base / 1_000_000 if isinstance(base, Decimal) else None


def test_an_overlay_entry_needs_its_source(tmp_path: Path) -> None:
    """Nobody can check a price without the page it stands on."""
    (tmp_path / "p.yaml").write_text(
        "provider: p\n"
        "prices:\n"
        '  - {model: m, valid_from: 2026-01-01, usd_per_million_tokens: {input: "1"}, why: w}\n'
    )
    with pytest.raises(ConfigurationError, match="needs source_url, checked_at and evidence"):
        build.read_overlay(tmp_path)


def test_overlapping_entries_are_refused(tmp_path: Path) -> None:
    """Two prices for one day are a mistake; an open one simply ends where the next starts."""
    entry = '  - {{model: m, valid_from: {}, usd_per_million_tokens: {{input: "1"}}, why: w{}}}\n'
    path = tmp_path / "p.yaml"
    path.write_text(
        "provider: p\nprices:\n"
        + entry.format("2026-01-01", ", valid_to: 2026-03-01")
        + entry.format("2026-02-01", "")
    )
    with pytest.raises(ConfigurationError, match="overlap"):
        windows(read(path).prices)
    path.write_text(
        "provider: p\nprices:\n" + entry.format("2026-01-01", "") + entry.format("2026-02-01", "")
    )
    first, second = windows(read(path).prices)
    assert (first.end, second.end) == (second.start, OPEN_END)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([_row("-1")], "negative"),
        ([_row(rates=Rates())], "no rate at all"),
        ([_row(valid_to=UNDATED_START)], "before it starts"),
        ([_row(), _row(valid_from=_DAY)], "overlap"),
    ],
)
def test_impossible_rows_are_refused(rows: list[PriceRow], message: str) -> None:
    """What the builder would never ship, with the reason."""
    with pytest.raises(ConfigurationError, match=message):
        check(rows)


def test_cutting_a_window() -> None:
    """Rows are shortened, split, dropped or left alone; nothing outside the window changes."""
    key = ("p", "m", "", "")
    start, end = _DAY, _LATER
    left, right = cut([_row()], key, start, end)
    assert (left.valid_to, right.valid_from) == (start, end)
    assert cut([_row(valid_from=start, valid_to=end)], key, start, end) == []
    assert cut([_row()], ("p", "other", "", ""), start, end) == [_row()]
    assert cut([_row(valid_to=start)], key, start, end) == [_row(valid_to=start)]


def test_history_answers_for_every_known_time() -> None:
    """Two changes and a withdrawal: each known time has its own answer."""
    first = append([], [_row("1")], lambda _row: UNDATED_START)
    second = append(first, [_row("2")], lambda _row: _DAY)
    third = append(second, [], lambda _row: _LATER)
    assert third[:2] == second
    assert [row.rates for row in standing(third, UNDATED_START)] == [_row("1").rates]
    assert [row.rates for row in standing(third, _DAY)] == [_row("2").rates]
    assert standing(third, _LATER) == standing(third) == []
    assert append(third, [], lambda _row: _LATER) == third
    same_instant = append(second, [_row("3")], lambda _row: _DAY)
    assert [row.rates for row in standing(same_instant)] == [_row("3").rates]


def test_a_tier_is_derived_exactly_or_not_at_all() -> None:
    """A ratio that gives no finite decimal gives no row."""
    history = TierHistory.model_validate(
        {"tier": "batch", "since": "2026-01-01", "source_url": "u", "checked_at": "2026-01-01",
         "evidence": "B", "why": "w"}
    )  # fmt: skip
    batch = _row("0.5", service_tier="batch", valid_from=_DAY)
    (older,) = older_tier_rows([_row("1"), batch], "p", history)
    assert older.rates.input_usd_per_token == Decimal("0.5")
    assert (older.valid_from, older.valid_to) == (history.since, _DAY)
    thirds = [_row("1", valid_to=_DAY), _row("3", valid_from=_DAY), batch]
    assert older_tier_rows(thirds, "p", history) == []
    assert older_tier_rows([_row("1")], "p", history) == []


def test_a_risky_expression_is_refused() -> None:
    """No regular expression enters the book that a long id could make explode."""
    risky = genai_names.ClauseRegex(regex="^(a+)+$")
    with pytest.raises(ConfigurationError, match="very long"):
        genai_names.clause(risky)


def test_decimals_are_written_plainly() -> None:
    """No exponents and no trailing zeros in the book."""
    texts = [decimal_text(Decimal(value)) for value in ("7.5E-8", "0E-6", "10", "1.50")]
    assert texts == ["0.000000075", "0", "10", "1.5"]


def test_the_book_ships_beside_its_reader() -> None:
    """The file is in the package, where the wheel takes it from."""
    assert 10_000 < SHIPPED.stat().st_size < 100_000


@_needs_pinned
def test_a_newer_release_is_appended_known_from_now(
    book: PriceBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline, nothing edited; an older release than the book's is refused."""
    now = datetime(2026, 12, 24, 18, 30, tzinfo=timezone.utc)
    upstream = genai.catalogue()
    (first,) = [r for r in upstream.rows if r.key == ("groq", "llama-3.3-70b-versatile", "", "")]
    dearer = replace(first, rates=Rates(input_usd_per_token=Decimal(1)))
    rows = [dearer if row is first else row for row in upstream.rows]
    monkeypatch.setattr(build, "installed_version", lambda: "0.3.0")
    monkeypatch.setattr(build, "catalogue", lambda: replace(upstream, rows=rows))
    after = build.update(book.contents, now)
    assert list(after.rows[: len(book.rows())]) == list(book.rows())
    added = after.rows[len(book.rows()) :]
    assert {(row.model, row.known_from) for row in added} == {(first.model, now)}
    assert after.upstreams["genai-prices"] == "0.3.0"
    monkeypatch.setattr(build, "installed_version", lambda: "0.2.2")
    with pytest.raises(ConfigurationError, match=r"0\.2\.2 is older than 0\.2\.3"):
        build.update(book.contents, now)


def test_the_age_of_a_book_is_what_has_not_been_learned_since(book: PriceBook) -> None:
    """Whether it is told: ``test_old_book.py``."""
    assert book.age(book.built_at + timedelta(days=50)) == timedelta(days=50)
    assert book.age(book.built_at - timedelta(days=1)) == timedelta(0)
