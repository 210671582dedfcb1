"""The SDK's rate card is the price book: the same ids, the same rates, for the same calls."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger import rates
from spanledger.rates.clauses import Clause
from spanledger_collector.price import PriceBook, rate_card
from spanledger_collector.price.bookfile import unpack
from spanledger_collector.price.row import PriceRow

BOOK = PriceBook.shipped()
CARD = rates.shipped()
CURRENT = {
    (row.provider, row.model, row.service_tier, row.context_over_tokens): row
    for row in rate_card.current(BOOK)
}


def test_the_shipped_card_is_up_to_date() -> None:
    assert unpack(rate_card.OUT) == rate_card.render(BOOK), f"stale: run {rate_card.COMMAND}"


def test_the_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    rate_card.main(["--check"])
    assert "up to date" in capsys.readouterr().out


def written() -> list[tuple[str, str]]:
    """Ids as people write them: the book's own, those in its clauses, decorated ones."""
    ids: list[tuple[str, str]] = []
    for provider, listing in BOOK.contents.listings.items():
        for model, clauses in listing.models:
            ids += [(provider, name) for name in (model, *_operands(clauses))]
    makers = ("openai", "anthropic", "google", "mistral", "azure", "aws", "deepseek")
    ids += [("", name) for provider, name in ids if provider in makers]
    ids += [
        ("openai", "gpt-4o-2024-08-06"), ("azure.ai.openai", "gpt-4o"), ("", "made-up"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0"), ("nobody", "gpt-4o"),
        ("gcp.vertex_ai", "claude-sonnet-4-5@20250929"), ("gcp.gemini", "models/gemini-2.5-pro"),
    ]  # fmt: skip
    return ids


def _operands(clauses: Iterable[Clause]) -> Iterable[str]:
    return (str(operand) for operator, operand in clauses if operator in {"=", "^"})


def test_every_id_means_the_same_model_as_in_the_book() -> None:
    """Where the book has a price that stands, the card has it, and nowhere else."""
    priced = {key[:2] for key in CURRENT}
    wrong: list[tuple[str, str]] = []
    for provider, model in written():
        match = BOOK.resolve(provider, model)
        card = CARD.of(provider, model)
        if ((match.provider, match.model) in priced) != (card is not None):
            wrong.append((provider, model))
        elif card is not None:
            row = _row(match.provider, match.model, "", 1)
            if row is not None and _atto(row) != _rates_at(card, 1, ""):
                wrong.append((provider, model))
    assert wrong == []
    assert len(written()) > 5000


@given(st.sampled_from(sorted(CURRENT)), st.integers(1, 2_000_000))
def test_tier_and_length_choose_the_row_that_the_book_has(
    key: tuple[str, str, str, int], input_tokens: int
) -> None:
    provider, model, tier, _ = key
    row = _row(provider, model, tier, input_tokens)
    found = CARD._models[provider, model]
    if row is not None:
        assert _rates_at(found, input_tokens, tier) == _atto(row)


def _row(provider: str, model: str, tier: str, input_tokens: int) -> PriceRow | None:
    rows = [
        row
        for (*names, over), row in CURRENT.items()
        if names == [provider, model, tier] and over < input_tokens
    ]
    return max(rows, key=lambda row: row.context_over_tokens, default=None)


def _atto(row: PriceRow) -> tuple[int | None, ...]:
    return tuple(None if rate is None else rate_card.atto(rate) for rate in row.rates.values())


def _rates_at(card: rates.ModelRates, input_tokens: int, tier: str) -> tuple[int | None, ...]:
    found = card.at(input_tokens, tier)
    assert found is not None
    return (
        found.input,
        found.cache_read,
        found.cache_write_5m,
        found.cache_write_1h,
        found.output,
    )


def test_a_rate_that_is_finer_than_the_card_is_rounded_up() -> None:
    """By less than 1e-18 USD a token: a budget never thinks a call cheaper than the book does."""
    for row in CURRENT.values():
        for rate in row.rates.values():
            if rate is not None:
                assert 0 <= rate_card.atto(rate) - rate * 10**18 < 1
    assert rate_card.atto(Decimal("0.0000000000000000015")) == 2
