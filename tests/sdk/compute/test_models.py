"""Recognising model ids: every usual spelling, and nothing by accident."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger.compute import estimate_call, recognise
from spanledger.compute.catalogue import closed_entries, names, open_entries, vendors
from spanledger.compute.models import MAX_ID_CHARS
from spanledger.compute.vram import WEIGHT_FORMATS


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("GPT-4o-Mini", "gpt-4o-mini"),
        ("gpt-4-0613", "gpt-4"),
        ("gpt-4-turbo-preview", "gpt-4-turbo"),
        ("openai/gpt-5-2025-08-07", "gpt-5"),
        ("azure/gpt-35-turbo", "gpt-3.5-turbo"),
        ("ft:gpt-4o-mini-2024-07-18:acme::b1", "gpt-4o-mini"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("bedrock/us.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5"),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("vertex_ai/gemini-2.5-flash-preview-05-20", "gemini-2.5-flash"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", "llama-3.1-8b"),
        ("us.meta.llama3-1-70b-instruct-v1:0", "llama-3.1-70b"),
        ("accounts/fireworks/models/llama-v3p1-8b-instruct", "llama-3.1-8b"),
        ("openrouter/meta-llama/llama-3.1-8b-instruct:free", "llama-3.1-8b"),
        ("llama3.1", "llama-3.1-8b"),
        ("llama3.1:8b", "llama-3.1-8b"),
        ("llama3.1:latest", "llama-3.1-8b"),
        ("ollama/gpt-oss:20b", "gpt-oss-20b"),
        ("Qwen/Qwen3-30B-A3B-Instruct-2507", "qwen3-30b-a3b"),
        ("deepseek-ai/DeepSeek-V3-0324", "deepseek-v3"),
        ("google/gemma-3-27b-it", "gemma-3-27b-text"),
    ],
)
def test_usual_spellings(model: str, name: str) -> None:
    """Vendors, gateways, dates, sizes as tags and instruction variants come off."""
    known = recognise(model)
    assert known is not None
    assert known.name == name


@pytest.mark.parametrize(
    "model",
    [
        "",
        "gpt",
        "gpt-4o-audio-preview",
        "gpt-9",
        "somebody/Llama-3.1-8B-Instruct",
        "llama-3.1-8b-abliterated",
        "my-gpt-4o",
        "deepseek-r1:latest",
        "deepseek-r1:8b",
        "llama",
        "o3",
        "claude",
        "ft:",
        "/" * 50,
        ":" * 50,
        "gpt-4o" + "-latest" * 10,
        "x" * (MAX_ID_CHARS + 1),
    ],
)
def test_what_is_not_in_the_table_is_unknown(model: str) -> None:
    """Neighbours of known names, strangers' fine-tunes, sizes nobody listed: no guess."""
    assert recognise(model) is None


@pytest.mark.parametrize(
    ("model", "weight_format"),
    [
        ("llama3.1:8b-instruct-q4_K_M", "q4_k_m"),
        ("qwen2.5-7b-instruct-awq", "awq"),
        ("meta-llama/Llama-3.1-8B-Instruct-FP8", "fp8"),
        ("llama-3.1-8b", "bf16"),
        ("us.meta.llama3-1-70b-instruct-v1:0", "bf16"),
        ("openrouter/meta-llama/llama-3.1-8b-instruct:free", "bf16"),
        ("deepseek-ai/DeepSeek-V3", "fp8"),
        ("openai/gpt-oss-120b", "mxfp4"),
        ("moonshotai/Kimi-K2-Instruct-0905", "fp8"),
        ("moonshotai/Kimi-K2-Thinking", "int4_experts"),
        ("ollama/gpt-oss:20b", "mxfp4"),
        ("openai-community/gpt2", "fp32"),
    ],
)
def test_a_stated_weight_format_is_kept(model: str, weight_format: str) -> None:
    """The same FLOPs, other bytes."""
    known = recognise(model)
    assert known is not None
    assert known.weight_format == weight_format
    assert weight_format in WEIGHT_FORMATS


@pytest.mark.parametrize("model", ["llama3.1:8b", "ollama/llama3.1", "llama3.1:8b-instruct"])
def test_what_ollama_fetches_is_assumed(model: str) -> None:
    """A tag that states no format is four bits in most of its library: 4.9 GB, not 16."""
    known = recognise(model)
    assert known is not None
    assert (known.weight_format, known.is_assumed) == ("q4_k_m", True)
    told = estimate_call(model, 10, 0, 10)
    assert told is not None
    assert told.vram_source == "assumed:q4_k_m"
    assert told.weights_bytes == pytest.approx(4.9e9, rel=0.02)


@pytest.mark.parametrize(
    ("model", "gigabytes"), [("gpt-oss-20b", 13.76), ("gpt-oss-120b", 65.25), ("deepseek-v3", 688)]
)
def test_weights_as_they_were_published(model: str, gigabytes: float) -> None:
    """Sizes of the repositories; DeepSeek's holds a layer more, which drafts."""
    told = estimate_call(model, 10, 0, 10)
    assert told is not None
    assert told.weights_bytes / 1e9 == pytest.approx(gigabytes, rel=0.03)


@given(st.text(max_size=300))
def test_any_text_is_known_or_not(model: str) -> None:
    """Never raises."""
    known = recognise(model)
    assert known is None or known.name in names()


@given(st.sampled_from(sorted(names())), st.sampled_from(["", "-latest", "-2025-01-01"]))
def test_every_name_and_alias_is_found(name: str, suffix: str) -> None:
    """A table entry that the rules cannot reach would be dead; a dated one means the same."""
    known = recognise(name + suffix)
    assert known is not None
    assert known.name == names()[name]


def test_no_name_means_two_models() -> None:
    """Names and aliases are unique across both files."""
    spelled = [
        spelling
        for table in (open_entries(), closed_entries())
        for name, entry in table.items()
        for spelling in (name, *entry["aliases"])
    ]
    assert len(spelled) == len(set(spelled)) == len(names())
    assert all(spelling == spelling.lower() for spelling in spelled)


def test_vendors_are_sorted() -> None:
    """The list stays easy to change."""
    assert len(vendors()) > 20
    assert all(vendor == vendor.lower() for vendor in vendors())
