"""What ids on spans mean: the many spellings of one model, and ids that must stay unknown."""

import string
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spanledger.rates.clauses import Names, predicate
from spanledger_collector.price import ModelMatch, PriceBook
from spanledger_collector.price.match import CACHE_ENTRIES, MAX_ID_CHARACTERS, NO_MATCH

#: Slower than this for one hostile id would let a sender stall the settler; measured: 0.12 ms.
_SLOWEST_SECONDS = 0.05

_SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
_ARN = "arn:aws:bedrock:us-east-1:123456789012:"
_KNOWN = [
    ("openai", "gpt-5-mini", "openai", "gpt-5-mini"),
    ("openai", "gpt-5-mini-2025-08-07", "openai", "gpt-5-mini"),
    ("openai", " GPT-4.1-Mini ", "openai", "gpt-4.1-mini"),
    ("openai", "gpt-5.2-20251211", "openai", "gpt-5.2"),
    ("openai", "openai/gpt-4o", "openai", "gpt-4o"),
    ("openai", "ft:gpt-4.1-mini-2025-04-14:acme::abc", "openai", "ft:gpt-4.1-mini"),
    ("openai", "text-embedding-3-small", "openai", "text-embedding-3-small"),
    ("anthropic", "claude-sonnet-4-5-20250929", "anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-4-5", "anthropic", "claude-haiku-4-5"),
    ("azure.ai.openai", "gpt-4o-2024-11-20", "openai", "gpt-4o"),
    ("azure.ai.openai", "azure/gpt-4o", "openai", "gpt-4o"),
    ("gcp.gemini", "models/gemini-2.5-flash", "google", "gemini-2.5-flash"),
    ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
    ("gcp.vertex_ai", "claude-sonnet-4-5@20250929", "google", "claude-sonnet-4-5"),
    ("x_ai", "grok-4-0709", "x-ai", "grok-4-0709"),
    ("litellm", "azure/gpt-4o", "openai", "gpt-4o"),
    ("litellm", "openrouter/openai/gpt-4o-mini", "openrouter", "openai/gpt-4o-mini"),
    ("litellm", f"bedrock/us.{_SONNET}", "aws", f"regional.{_SONNET}"),
    ("litellm", f"bedrock/converse/us.{_SONNET}", "aws", f"regional.{_SONNET}"),
    ("litellm", "vertex_ai/gemini-2.5-pro", "google", "gemini-2.5-pro"),
    ("openrouter", "openai/gpt-4o-mini", "openrouter", "openai/gpt-4o-mini"),
    ("openrouter", "someone/new-model:free", "openrouter", ":free"),
    ("", "anthropic/claude-sonnet-4.5", "anthropic", "claude-sonnet-4-5"),
    ("", "gpt-4o", "openai", "gpt-4o"),
    ("aws.bedrock", f"{_ARN}inference-profile/us.{_SONNET}", "aws", f"regional.{_SONNET}"),
    ("aws.bedrock", f"global.{_SONNET}", "aws", f"global.{_SONNET}"),
    ("", f"us.{_SONNET}", "aws", f"regional.{_SONNET}"),
    ("", f"{_ARN}inference-profile/global.{_SONNET}", "aws", f"global.{_SONNET}"),
    ("aws.bedrock", f"{_ARN}:foundation-model/amazon.nova-pro-v1:0", "aws", "amazon.nova-pro-v1:0"),
]  # fmt: skip
_UNKNOWN = [
    ("openai", "gpt-7-omega"),
    ("openai", "gpt-4o-2099-01-01"),
    ("openai", ""),
    ("azure.ai.openai", "my-prod-deployment"),
    ("litellm", "azure/my-prod-deployment"),
    ("openrouter", "openai/gpt-4o:online"),
    ("aws.bedrock", f"{_ARN}application-inference-profile/abcd1234efgh"),
    ("aws.bedrock", f"{_ARN}provisioned-model/abcd1234efgh"),
    ("aws.bedrock", "us-gov.anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ("ollama", "llama3.1:8b"),
    ("ollama", "gpt-4o"),
    ("vllm", "meta-llama/Llama-3.1-70B-Instruct"),
    ("", "llama3.1:8b"),
    ("", f"{_ARN}application-inference-profile/abcd1234efgh"),
    ("", "us-gov.anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ("", ""),
    ("openai", "x" * (MAX_ID_CHARACTERS + 1)),
]


@pytest.mark.parametrize(("provider", "model", "billed_by", "means"), _KNOWN)
def test_spellings_of_a_model(
    book: PriceBook, provider: str, model: str, billed_by: str, means: str
) -> None:
    """Decoration is taken off; the provider of the price row is told."""
    match = book.resolve(provider, model)
    assert (match.provider, match.model) == (billed_by, means)


@pytest.mark.parametrize(("provider", "model"), _UNKNOWN)
def test_unknown_stays_unknown(book: PriceBook, provider: str, model: str) -> None:
    """No guess: what says nothing about the model has no price."""
    assert book.resolve(provider, model) == NO_MATCH


def test_the_method_tells_how_sure_it_is(book: PriceBook) -> None:
    """Exact id, beginning of an id, or a pattern."""
    assert book.resolve("openai", "gpt-5-mini").method == "exact"
    assert book.resolve("anthropic", "claude-haiku-4-5-20251001").method == "prefix"
    assert book.resolve("gcp.vertex_ai", "claude-sonnet-4-5@20250929").method == "pattern"


@given(
    provider=st.sampled_from(["", "openai", "aws.bedrock", "openrouter", "litellm", "azure"])
    | st.text(max_size=20),
    model=st.text(max_size=300)
    | st.text(alphabet=string.ascii_lowercase + string.digits + "-./:@\x00", max_size=300),
)
@example(provider="aws.bedrock", model="arn:")
@example(provider="litellm", model="/" * 256)
@example(provider="litellm", model="litellm/" * 32)
@settings(max_examples=300)
def test_resolve_never_raises(book: PriceBook, provider: str, model: str) -> None:
    """Any two strings have an answer, and it is the same the second time."""
    match = book.resolve(provider, model)
    assert match == book.resolve(provider, model)
    assert bool(match.model) == bool(match.provider) == (match.method != "none")


def test_hostile_ids_take_no_time(book: PriceBook) -> None:
    """The slowest id found to match against every clause of the largest provider stays quick."""
    hostile = [
        part * (MAX_ID_CHARACTERS // len(part))
        for part in ("-tts", "gemini-2.5-pro-", "a", "/", "0", "-20251211", "openai/", "litellm/")
    ]
    for provider in ("google", "openrouter", "aws.bedrock", "litellm", ""):
        for model in hostile:
            best = min(_seconds(book, provider, f"{number}{model}"[:256]) for number in range(3))
            assert best < _SLOWEST_SECONDS, (provider, model)


def _seconds(book: PriceBook, provider: str, model: str) -> float:
    """Of this thread's own work, whoever else uses the machine."""
    start = time.thread_time()
    book.resolve(provider, model)
    return time.thread_time() - start


def test_memory_is_bounded() -> None:
    """Ids from the network do not pile up."""
    book = PriceBook.shipped()
    for number in range(CACHE_ENTRIES + 100):
        book.resolve("openai", f"made-up-{number}")
    assert book._matcher._cached.cache_info().currsize == CACHE_ENTRIES


def test_operator_aliases_win(tmp_path: Path) -> None:
    """Deployments and profiles that only the operator knows; also by prefix."""
    path = tmp_path / "prices.yaml"
    path.write_text(
        "aliases:\n"
        "  - {provider: azure.ai.openai, id: my-prod-*, to_provider: openai, model: gpt-4o}\n"
        "  - {provider: Bedrock, id: '*/abcd', to_provider: anthropic, model: claude-sonnet-4-5}\n"
        "  - {provider: openai, id: gpt-5, to_provider: openai, model: gpt-5-mini}\n"
    )
    book = PriceBook.shipped(path)
    assert book.resolve("azure.ai.openai", "My-Prod-7") == ModelMatch(
        "openai", "gpt-4o", "operator"
    )
    assert book.resolve("openai", "gpt-5") == ModelMatch("openai", "gpt-5-mini", "operator")
    assert book.resolve("openai", "gpt-4o").method == "exact"
    profile = f"{_ARN}application-inference-profile/abcd"
    assert book.resolve("aws.bedrock", profile).model == "claude-sonnet-4-5"
    assert book.book_id != PriceBook.shipped().book_id


def test_the_first_model_in_order_wins() -> None:
    """A plain id listed later does not beat a pattern listed earlier, nor the other way round."""
    names = Names([("a", [["^", "gpt-4"]]), ("b", [["=", "gpt-4o"]]), ("c", [["~", "o"]])])
    assert names.find("gpt-4o") == ("a", "prefix")
    assert Names([("b", [["=", "gpt-4o"]]), ("a", [["^", "gpt"]])]).find("gpt-4o") == ("b", "exact")
    assert names.find("x") is None


def test_clauses() -> None:
    """Each operator of the compact form."""
    both = predicate(["&", [["^", "a"], ["|", [["$", "z"], ["/", r"\d$"]]]]])
    assert [both(text) for text in ("abz", "ab7", "ab", "xz")] == [True, True, False, False]
    assert predicate(["~", "MID"])("amidst")
    assert predicate(["=", "X"])("x")
    with pytest.raises(ValueError, match="unknown match operator"):
        predicate(["?", "x"])
