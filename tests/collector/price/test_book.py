"""The shipped book as a whole, and an operator's prices laid over it."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collector.price.oracle import Usage, price, rows_at

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook, PriceRow
from spanledger_collector.price.bookfile import decode, encode, pack, unpack
from spanledger_collector.price.history import check
from spanledger_collector.price.row import OPEN_END, START_UNKNOWN, UNDATED_START

_NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
_MTOK = Decimal(1_000_000)
_TIERS = ["", "batch", "flex", "priority", "fast"]

#: USD per million tokens today: input, cache read, cache write 5m, 1h, output.
_TODAY = {
    ("openai", "gpt-5-mini"): ("0.25", "0.025", None, None, "2"),
    ("openai", "gpt-4.1-mini"): ("0.4", "0.1", None, None, "1.6"),
    ("openai", "text-embedding-3-small"): ("0.02", None, None, None, None),
    ("anthropic", "claude-sonnet-4-5"): ("3", "0.3", "3.75", "6", "15"),
    ("anthropic", "claude-haiku-4-5"): ("1", "0.1", "1.25", "2", "5"),
}

_Models = dict[tuple[str, str], list[PriceRow]]


def _by_model(book: PriceBook) -> _Models:
    found: _Models = {}
    for row in book.rows():
        found.setdefault((row.provider, row.model), []).append(row)
    return found


@pytest.fixture(scope="session", name="models")
def _models(book: PriceBook) -> _Models:
    return _by_model(book)


@pytest.mark.parametrize(("key", "expected"), _TODAY.items(), ids=lambda value: str(value[1]))
def test_prices_of_today(
    models: _Models, key: tuple[str, str], expected: tuple[str | None, ...]
) -> None:
    """The rates that the providers publish, exact per token."""
    (row,) = rows_at(models[key], "", _NOW, 1, _NOW)
    rates = row.rates.values()[:5]
    assert rates == tuple(None if usd is None else Decimal(usd) / _MTOK for usd in expected)


def test_the_book_is_sound(book: PriceBook) -> None:
    """No overlap, no negative rate, no empty row; every row says where it comes from."""
    check(book.standing())
    assert len({row.price_id for row in book.rows()}) == len(book.rows())
    for row in book.rows():
        assert row.source_url.startswith("https://"), row
        assert row.upstream
        assert row.currency == "USD"
        assert all(
            -amount.as_tuple().exponent <= 24  # type: ignore[operator]
            for amount in row.rates.amounts()
        )


def test_rows_without_a_start_say_so(book: PriceBook) -> None:
    """A price taken to hold from 2020 because its start is unknown is marked."""
    for row in book.standing():
        assert (row.valid_from == UNDATED_START) == row.upstream.endswith(START_UNKNOWN), row


def test_nothing_is_priced_before_its_first_row(models: _Models) -> None:
    """Before the first row there is no price, not the first price."""
    before = UNDATED_START - timedelta(milliseconds=1)
    assert not rows_at(models["openai", "gpt-5-mini"], "", before, 1, _NOW)
    assert not rows_at(models["openai", "gpt-4.1-mini"], "batch", before, 1, _NOW)


def test_what_cannot_be_priced_is_left_out_with_a_reason(book: PriceBook, models: _Models) -> None:
    """Rates by the hour, fees a span does not tell: no row rather than a wrong one."""
    reasons = {(provider, model): why for provider, model, why in book.contents.left_out}
    assert "requests_kcount" in reasons["perplexity", "sonar-pro"]
    for key in reasons:
        assert all(row.valid_to < OPEN_END for row in models.get(key, [])), key
        assert not rows_at(models.get(key, []), "", _NOW, 1, _NOW), key


#: Units beside text tokens today: (USD, for how many).
_UNITS_TODAY = {
    ("openai", "gpt-4.1", "web_searches"): ("10", 1000),
    ("openai", "gpt-4.1", "web_searches.preview"): ("25", 1000),
    ("openai", "gpt-5", "web_searches.preview"): ("10", 1000),
    ("openai", "gpt-5", "file_searches"): ("2.5", 1000),
    ("openai", "gpt-5", "code_containers"): ("0.03", 1),
    ("openai", "gpt-5", "code_containers.4g"): ("0.12", 1),
    ("openai", "gpt-5-search-api", "requests"): ("10", 1000),
    ("openai", "gpt-4o-search-preview", "requests"): ("25", 1000),
    ("openai", "gpt-4o-mini-search-preview", "requests"): ("25", 1000),
    ("openai", "whisper-1", "audio_seconds"): ("0.36", 3600),
    ("openai", "tts-1-hd", "characters"): ("30", 1_000_000),
    ("openai", "gpt-image-1.5", "image_output"): ("32", 1_000_000),
    ("openai", "moderation", "requests"): ("0", 1),
    ("anthropic", "claude-sonnet-4-5", "web_searches"): ("10", 1000),
    ("anthropic", "claude-sonnet-4-5", "web_fetches"): ("0", 1),
    ("cohere", "rerank-v3.5", "search_units"): ("2", 1000),
    ("google", "gemini-2.5-flash-image", "image_output"): ("30", 1_000_000),
    ("google", "gemini-2.5-flash-tts", "audio_output"): ("10", 1_000_000),
    ("groq", "whisper-large-v3", "audio_seconds"): ("0.111", 3600),
    ("mistral", "mistral-ocr-4-1", "pages"): ("4", 1000),
    ("google", "veo-3.1-generate-preview", "video_seconds.4k"): ("0.60", 1),
    ("google", "veo-3.1-fast-generate-preview", "video_seconds.1080p"): ("0.12", 1),
}


@pytest.mark.parametrize(
    ("key", "expected"), _UNITS_TODAY.items(), ids=lambda v: "/".join(map(str, v))
)
def test_units_of_today(
    models: _Models, key: tuple[str, str, str], expected: tuple[str, int]
) -> None:
    """As the providers publish them."""
    provider, model, unit = key
    (row,) = rows_at(models[provider, model], "", _NOW, 1, _NOW)
    assert row.rates.units[unit] == (Decimal(expected[0]), expected[1])


def test_an_image_model_is_priced_by_size_and_quality_until_it_was_shut_down(
    models: _Models,
) -> None:
    """Six prices of one model; none after its end."""
    rows = models["openai", "dall-e-3"]
    (row,) = rows_at(rows, "", datetime(2024, 5, 1, tzinfo=timezone.utc), 0, _NOW)
    assert row.rates.units["images.hd.1024x1792"] == (Decimal("0.12"), 1)
    assert row.rates.units["images.standard.1024x1024"] == (Decimal("0.04"), 1)
    assert not rows_at(rows, "", _NOW, 0, _NOW)


@pytest.mark.parametrize(
    ("provider", "written", "model"),
    [
        ("gcp.gemini", "veo-3.1-generate-preview", "veo-3.1-generate-preview"),
        ("gcp.vertex_ai", "veo-3.1-generate-001", "veo-3.1-generate-preview"),
        ("openai", "sora-2-pro", "sora-2-pro"),
        (
            "together_ai",
            "mistralai/Mixtral-8x7B-Instruct-v0.1",
            "mistralai/Mixtral-8x7B-Instruct-v0.1",
        ),
        ("openai", "ft:gpt-4.1-mini", "ft:gpt-4.1-mini"),
    ],
)
def test_a_model_keeps_its_own_name_beside_its_aliases(
    book: PriceBook, provider: str, written: str, model: str
) -> None:
    """Also one that only the overlay prices."""
    assert book.resolve(provider, written).model == model


@pytest.mark.parametrize(
    ("model", "unit", "day", "usd"),
    [
        ("openai/sora-2", "video_seconds", "2026-09-23", "0.10"),
        ("openai/sora-2", "video_seconds", "2026-09-24", None),
        (
            "google/veo-3.1-fast-generate-preview",
            "video_seconds.1080p",
            "2026-04-06",
            "0.15",
        ),
        (
            "google/veo-3.1-fast-generate-preview",
            "video_seconds.1080p",
            "2026-04-07",
            "0.12",
        ),
    ],
)
def test_video_is_priced_by_the_second_of_its_day(
    models: _Models, model: str, unit: str, day: str, usd: str | None
) -> None:
    """Sora ended on 2026-09-24, the faster Veo became cheaper on 2026-04-07."""
    provider, _, name = model.partition("/")
    at = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    rows = rows_at(models[provider, name], "", at, 0, _NOW)
    assert [row.rates.units[unit].usd for row in rows] == ([] if usd is None else [Decimal(usd)])


@pytest.mark.parametrize(
    ("at", "usd"),
    [
        ("2026-08-16T15:59:59", "0.14"),  # one price all day, until an instant inside a day
        ("2026-08-16T16:00:00", "0.22"),  # a Sunday
        ("2026-11-09T00:59:59", "0.15"),  # Monday, 08:59 in Beijing
        ("2026-11-09T01:00:00", "0.30"),
        ("2026-11-09T03:59:59", "0.30"),
        ("2026-11-09T04:00:00", "0.15"),
        ("2026-11-13T09:59:59", "0.30"),  # Friday
        ("2026-11-14T07:00:00", "0.15"),  # Saturday
    ],
)
def test_a_price_may_depend_on_the_hour_of_the_week(models: _Models, at: str, usd: str) -> None:
    """DeepSeek: dearer in the working hours of Beijing; exactly one row at any time."""
    moment = datetime.fromisoformat(at).replace(tzinfo=timezone.utc)
    (row,) = rows_at(models["deepseek", "deepseek-v4-flash"], "", moment, 1, _NOW)
    assert row.rates.input_usd_per_token == Decimal(usd) / _MTOK


def test_a_price_may_depend_on_where_inference_runs(models: _Models) -> None:
    """Anthropic in the US: 10 % more on tokens of newer models, in every tier; not on searches."""
    rows = models["anthropic", "claude-opus-4-6"]
    (anywhere,) = rows_at(rows, "batch", _NOW, 1, _NOW, region="global")
    (us,) = rows_at(rows, "batch", _NOW, 1, _NOW, region="us")
    assert us.rates.output_usd_per_token == Decimal("12.5") * Decimal("1.1") / _MTOK
    assert anywhere.rates.output_usd_per_token == Decimal("12.5") / _MTOK
    assert us.rates.units["web_searches"] == anywhere.rates.units["web_searches"]
    (old,) = rows_at(models["anthropic", "claude-opus-4-5"], "", _NOW, 1, _NOW, region="us")
    assert old.region == ""


def test_older_tiers_follow_the_standard_price(models: _Models) -> None:
    """Batch before upstream checked it: half of the standard price of that day."""
    day = datetime(2026, 7, 29, tzinfo=timezone.utc)
    for at, usd in ((day, "0.5"), (day + timedelta(days=1), "0.1")):
        (row,) = rows_at(models["openai", "gpt-5.6-luna"], "batch", at, 1, _NOW)
        assert row.rates.input_usd_per_token == Decimal(usd) / _MTOK
        assert "derived" in row.upstream


@given(
    data=st.data(),
    day=st.datetimes(datetime(2019, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001 made aware below
    tier=st.sampled_from(_TIERS),
    total=st.sampled_from([0, 1, 128_000, 200_000, 200_001, 272_000, 272_001, 10_000_000]),
)
@settings(max_examples=300)
def test_a_call_has_one_price_row(
    models: _Models, data: st.DataObject, day: datetime, tier: str, total: int
) -> None:
    """At any instant at most one row a tier and threshold; no step stands without its base."""
    rows = models[data.draw(st.sampled_from(sorted(models)))]
    found = rows_at(rows, tier, day.replace(tzinfo=timezone.utc), total, _NOW)
    steps = [row.context_over_tokens for row in found]
    assert len(steps) == len(set(steps))
    assert not steps or 0 in steps


@given(
    data=st.data(),
    usage=st.builds(
        Usage, *[st.integers(0, 3_000_000)] * 5, *[st.integers(0, 100)] * 2, st.integers(0, 9)
    ),
)
@settings(max_examples=300)
def test_parts_sum_to_the_whole(models: _Models, data: st.DataObject, usage: Usage) -> None:
    """A bill is the exact sum of its parts, none negative, and more usage never costs less."""
    rows = models[data.draw(st.sampled_from(sorted(models)))]
    bill = price(rows, "", _NOW, usage, _NOW)
    assert all(part >= 0 for part in bill.parts.values())
    if bill.cost is not None and bill.row is not None:
        assert bill.cost == sum(bill.parts.values())
        doubled = Usage(*(getattr(usage, name) * 2 for name in Usage.__dataclass_fields__))
        twice = price([bill.row], "", _NOW, doubled, _NOW)
        assert twice.cost == 2 * bill.cost


def test_a_book_survives_its_file(book: PriceBook, tmp_path: Path) -> None:
    """Encoding, packing and reading give the same book, byte for byte."""
    text = encode(book.contents)
    path = tmp_path / "book.json.xz"
    path.write_bytes(pack(text))
    assert unpack(path) == text
    assert encode(decode(text)) == text
    again = PriceBook.load(path)
    assert again.book_id == book.book_id
    assert list(again.rows()) == list(book.rows())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a book", "cannot read the price book"),
        (pack(b"[]"), "not a price book"),
        (pack(b'{"format": 99, "rates": []}'), "has format 99"),
    ],
)
def test_a_damaged_book_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """The error says what is wrong and what to do."""
    path = tmp_path / "book.json.xz"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        PriceBook.load(path)


def test_a_missing_book_is_refused(tmp_path: Path) -> None:
    """A path that does not exist is a clear error."""
    with pytest.raises(ConfigurationError, match=r"cannot read the price book .*nowhere"):
        PriceBook.load(tmp_path / "nowhere")


#: The start of an operator's file with one entry.
_ENTRY = "prices: [{model: m, valid_from: 2026-01-01, why: x, "
_OPERATOR = """
prices:
  - provider: ollama
    model: "llama3.1:8b"
    valid_from: 2026-01-01
    usd_per_million_tokens: {input: "0", output: "0"}
    why: runs on our own machines, paid elsewhere
  - provider: openai
    model: gpt-5-mini
    valid_from: 2026-06-01
    valid_to: 2026-12-01
    known_from: 2026-06-10
    usd_per_million_tokens: {input: "0.20", output: "1.60", cache_read: "0.02"}
    why: our contract
"""


@pytest.fixture(scope="session", name="negotiated")
def _negotiated(tmp_path_factory: pytest.TempPathFactory) -> PriceBook:
    path = tmp_path_factory.mktemp("operator") / "prices.yaml"
    path.write_text(_OPERATOR)
    return PriceBook.shipped(path)


def test_an_operator_prices_a_model_of_his_own(negotiated: PriceBook) -> None:
    """A self-hosted model becomes free, not unpriced, from the day the operator says."""
    match = negotiated.resolve("ollama", "llama3.1:8b")
    assert (match.provider, match.model, match.method) == ("ollama", "llama3.1:8b", "operator")
    rows = _by_model(negotiated)["ollama", "llama3.1:8b"]
    assert price(rows, "", _NOW, Usage(input_uncached=5, output=5), _NOW).cost == 0
    assert price(rows, "", UNDATED_START, Usage(output=5), _NOW).cost is None


@pytest.mark.parametrize(
    ("at", "known_at", "usd"),
    [
        ("2026-05-31", "2026-11-24", "0.25"),
        ("2026-06-01", "2026-11-24", "0.20"),
        ("2026-11-30", "2026-11-24", "0.20"),
        ("2026-12-01", "2026-11-24", "0.25"),
        ("2026-06-05", "2026-06-05", "0.25"),
        ("2026-06-05", "2026-06-10", "0.20"),
    ],
)
def test_a_negotiated_price_holds_in_its_window(
    negotiated: PriceBook, at: str, known_at: str, usd: str
) -> None:
    """The list price holds before and after, and for whoever did not know of the contract yet."""
    rows = _by_model(negotiated)["openai", "gpt-5-mini"]
    valid, known = (
        datetime.fromisoformat(day).replace(tzinfo=timezone.utc) for day in (at, known_at)
    )
    (row,) = rows_at(rows, "", valid, 1, known)
    assert row.rates.input_usd_per_token == Decimal(usd) / _MTOK


def test_an_operator_changes_no_other_price(book: PriceBook, negotiated: PriceBook) -> None:
    """Other tiers and models keep their rows, ids included: nothing is edited."""
    ids = {row.price_id for row in negotiated.rows()}
    shipped = {row.price_id for row in book.rows()}
    assert shipped <= ids
    added = [row for row in negotiated.rows() if row.price_id not in shipped]
    sold = [row for row in added if row.provider == "azure"]
    assert len(added) - len(sold) == 4
    assert {row.model for row in sold} == {"gpt-5-mini"}, "at the list price, see sellers"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_ENTRY + "provider: p, usd_per_million_tokens: {input: 0.5}}]", "quoted string"),
        (_ENTRY + 'provider: p, usd_per_million_tokens: {input: "-1"}}]', "greater than or equal"),
        (_ENTRY + 'provider: p, usd_per_million_tokens: {inptu: "1"}}]', "inptu"),
        (_ENTRY + 'usd_per_million_tokens: {input: "1"}}]', "names no provider"),
        (_ENTRY + "provider: p}]", "no rate at all"),
        (_ENTRY + "provider: p, valid_to: 2025-01-01}]", "end before they start"),
        ("prices: [", "prices of .* cannot be read"),
        ("- a list", "prices of .*: the file: .*a list"),
    ],
)
def test_an_operator_is_told_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    """A mistake in the file stops the start with the reason; it is never half applied."""
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        PriceBook.shipped(path)
