"""Counting tokens offline: agreement, crash inputs, missing parts, threads, intervals."""

import logging
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiktoken import Encoding
from tiktoken_ext import openai_public

from spanledger._calls import tokens as _tokens
from spanledger._calls.tokens import TokenEstimate, Tokenizer, approximate, count, load_encoding


def nothing() -> Encoding | None:
    return None


NO_VOCABULARY = Tokenizer(nothing)

MODELS = [
    "gpt-4o",
    "gpt-4-0613",
    "o3",
    "claude-opus-4-5-20251101",
    "claude-opus-5",
    "gemini-2.5-pro",
    "meta-llama/Llama-3.1-8B-Instruct",
    "qwen3:8b",
    "mistral-large-latest",
    "deepseek-chat",
    "somebody/anything",
    "",
]


@pytest.fixture(name="no_network")
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("hello world", 2),
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("tiktoken is great!", 6),
        ("お誕生日おめでとう", 8),
        ("1234567890", 4),
    ],
)
def test_counts_are_those_of_o200k_base(text: str, tokens: int) -> None:
    """The private encoding gives the published encoding's counts (its own documented examples)."""
    assert count("gpt-4o", [text]).tokens == tokens


def test_text_is_cut_as_the_library_cuts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pattern and special tokens are tiktoken's own, so equal ranks give equal tokens."""

    def no_download(*_args: Any, **_options: Any) -> dict[bytes, int]:
        return {}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", no_download)
    published = openai_public.o200k_base()
    assert published["pat_str"] == _tokens._PATTERN
    assert published["special_tokens"] == _tokens._SPECIAL_TOKENS


def test_a_first_load_opens_no_socket(no_network: None) -> None:
    """The vocabulary comes from this machine alone."""
    fresh = Tokenizer(load_encoding)
    estimate = count("gpt-4o", ["hello world"], tokenizer=fresh)
    assert estimate == TokenEstimate(2, 1, 3, "tiktoken:o200k_base")


def test_importing_loads_neither_tiktoken_nor_the_vocabulary() -> None:
    """An application that never needs a count pays nothing."""
    check = (
        "import sys; import spanledger._calls.tokens as t; "
        "assert not {'tiktoken', 'spanledger._ranks'} & set(sys.modules); "
        "assert not t._shared._loaded"
    )
    done = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text",
    [" " * 1_000_000, "\t" * 1_000_000, " " * 300_000 + "x", "\ud800" * 1000, "<|endoftext|>" * 9],
    ids=["spaces", "tabs", "spaces then text", "lone surrogates", "special tokens"],
)
def test_inputs_that_crash_encoders_are_counted(
    text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No exception, no Rust backtrace on stderr, and the real tokenizer was used."""
    estimate = count("gpt-4o", [text])
    assert 0 < estimate.low <= estimate.tokens <= estimate.high
    assert estimate.method == "tiktoken:o200k_base"
    assert "panicked" not in capfd.readouterr().err


def test_special_token_text_is_plain_text() -> None:
    """A user who writes a control token pays for its letters, not one token."""
    assert count("gpt-4o", ["<|endoftext|>"]).tokens == 7


class PanicException(BaseException):
    """Stands for the Rust core's panic, which cannot be imported."""


@pytest.mark.parametrize("error", [PanicException("rust"), ValueError("stack overflow")])
def test_a_failing_encoder_falls_back_to_length(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the piece that failed is judged by its length."""
    encoding = load_encoding()
    assert encoding is not None
    real = Encoding.encode

    def encode(self: Encoding, text: str, **options: Any) -> list[int]:
        if "bad" in text:
            raise error
        return real(self, text, **options)

    monkeypatch.setattr(Encoding, "encode", encode)
    loaded = Tokenizer(lambda: encoding)
    estimate = count("gpt-4o", ["hello world", "bad text"], tokenizer=loaded)
    assert estimate.tokens == 2 + 2
    assert estimate.method == "tiktoken:o200k_base+characters"


def test_an_interrupt_during_encoding_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C stays Ctrl-C."""

    def interrupted(*_args: Any, **_options: Any) -> list[int]:
        raise KeyboardInterrupt

    encoding = load_encoding()
    monkeypatch.setattr(Encoding, "encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        count("gpt-4o", ["x"], tokenizer=Tokenizer(lambda: encoding))


@pytest.mark.parametrize("broken", [ImportError("no tiktoken"), RuntimeError("changed API")])
def test_a_broken_tiktoken_means_length_and_one_warning(
    broken: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is told once; every count then comes from the length."""

    def fail(*_args: Any, **_options: Any) -> None:
        raise broken

    monkeypatch.setattr("tiktoken.Encoding", fail)
    fresh = Tokenizer(load_encoding)
    with caplog.at_level(logging.WARNING, logger="spanledger.tokens"):
        first = count("gpt-4o", ["x" * 400], tokenizer=fresh)
        second = count("gpt-4o", ["x" * 400], tokenizer=fresh)
    assert first == second
    assert first.method == "characters"
    assert first.tokens == 100
    assert [record.message for record in caplog.records if str(broken) in record.message] == [
        caplog.records[0].message
    ]
    assert len(caplog.records) == 1


def test_missing_ranks_mean_length(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No rank file anywhere: an interval from the length, and a warning that says so."""
    monkeypatch.setattr("spanledger._ranks.find_ranks", nothing)
    estimate = count("claude-sonnet-4-5", ["x" * 400], tokenizer=Tokenizer(load_encoding))
    assert estimate.method == "characters*1.25"
    assert estimate.tokens == 125
    assert "no valid rank file" in caplog.text


def test_many_threads_load_once() -> None:
    """The first counts of many threads share one load and agree."""
    loads: list[int] = []

    def load() -> Encoding | None:
        loads.append(1)
        return load_encoding()

    fresh = Tokenizer(load)
    with ThreadPoolExecutor(8) as pool:
        futures = [
            pool.submit(count, "gpt-4o", ["hello world"], tokenizer=fresh) for _ in range(32)
        ]
        results = [future.result() for future in futures]
    assert len(loads) == 1
    assert set(results) == {TokenEstimate(2, 1, 3, "tiktoken:o200k_base")}


def test_a_lock_that_is_never_released_does_not_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork may copy a held lock: the count gives up on the vocabulary, not the caller's time."""
    monkeypatch.setattr(_tokens, "_LOAD_WAIT_SECONDS", 0.01)
    stuck = Tokenizer(load_encoding)
    with stuck._lock:
        assert count("gpt-4o", ["hello world"], tokenizer=stuck).method == "characters"


def test_chat_format_is_added() -> None:
    """Three tokens per message and three to open the answer."""
    bare = count("gpt-4o", ["hello world"])
    chat = count("gpt-4o", ["hello world"], messages=2)
    assert chat.tokens == bare.tokens + 2 * 3 + 3
    assert chat.low == bare.low + 9


def test_families_have_their_ratio() -> None:
    """The method names the ratio that was applied."""
    text = ["word " * 1000]
    assert count("gpt-4o", text).method == "tiktoken:o200k_base"
    assert count("claude-sonnet-4-5", text).method == "tiktoken:o200k_base*1.25"
    assert count("us.anthropic.claude-opus-4-8-v1:0", text).method == "tiktoken:o200k_base*1.60"
    assert count("claude-opus-4-20250514", text).method == "tiktoken:o200k_base*1.25"
    assert count("gemini-2.5-pro", text).method == "tiktoken:o200k_base*1.08"
    assert count("gpt-4.1", text).method == "tiktoken:o200k_base"
    assert count("gpt-4-turbo", text).method == "tiktoken:o200k_base*1.02"


def test_unknown_models_get_a_wide_interval() -> None:
    """Nobody measured them: 20 % down, 60 % up."""
    estimate = count("somebody/anything", ["word " * 1000])
    assert estimate.low <= estimate.tokens * 0.8
    assert estimate.high >= estimate.tokens * 1.6


def test_an_answer_of_a_reasoning_model_is_a_lower_bound() -> None:
    """Thinking that was never sent makes room upwards; a prompt has none."""
    text = ["word " * 100]
    visible = count("gpt-4o", text)
    reasoned = count("o3-2025-04-16", text)
    assert (reasoned.tokens, reasoned.low) == (visible.tokens, visible.low)
    assert reasoned.high >= 10 * reasoned.tokens
    assert count("o3", text, messages=1).high < 2 * reasoned.tokens


def test_very_long_text_is_counted_in_bounded_time() -> None:
    """Beyond a million characters the length decides, and the method says so."""
    estimate = count("gpt-4o", ["word " * 400_000])
    assert estimate.method == "tiktoken:o200k_base+characters"
    assert estimate.low <= 400_001 <= estimate.high


def test_approximate_knows_no_model() -> None:
    """Four UTF-8 bytes a token, from two to six."""
    assert approximate(["x" * 120, "é" * 60]) == TokenEstimate(60, 40, 120, "characters")
    assert approximate([]) == TokenEstimate(0, 0, 0, "characters")


any_text = st.text(st.characters(exclude_categories=()), max_size=300)


@given(model=st.sampled_from(MODELS) | any_text, texts=st.lists(any_text, max_size=4))
def test_any_text_any_model(model: str, texts: list[str]) -> None:
    """Never raises; the interval holds the value; the length's interval needs no vocabulary."""
    for tokenizer in (_tokens._shared, NO_VOCABULARY):
        for messages in (0, len(texts)):
            estimate = count(model, texts, messages=messages, tokenizer=tokenizer)
            assert 0 <= estimate.low <= estimate.tokens <= estimate.high
    assert approximate(texts).low <= approximate(texts).high


@given(text=any_text, more=any_text)
def test_more_text_is_never_less(text: str, more: str) -> None:
    """Adding a text never lowers a count."""
    assert count("gpt-4o", [text]).tokens <= count("gpt-4o", [text, more]).tokens
