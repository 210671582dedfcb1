"""The second source: what it adds, what it is held against, and that its package is never run."""

import json
import sys
import zipfile
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collector.price.oracle import rows_at

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook, PriceRow

if sys.version_info < (3, 11):  # as in test_build
    pytest.skip("the upstream catalogue needs Python 3.11", allow_module_level=True)

from spanledger_collector.price import build, litellm

_NOW = datetime(2100, 1, 1, tzinfo=timezone.utc)
_TODAY = datetime(2026, 11, 26, tzinfo=timezone.utc)
_MTOK = Decimal(1_000_000)


def _rows(book: PriceBook, provider: str, model: str) -> list[PriceRow]:
    match = book.resolve(provider, model)
    return [r for r in book.rows() if (r.provider, r.model) == (match.provider, match.model)]


@pytest.mark.parametrize(
    ("id_seen", "tier", "region", "usd"),
    [
        ("aws/amazon.nova-pro-v1:0", "batch", "", "0.4"),
        ("aws/meta.llama3-70b-instruct-v1:0", "", "eu-west-2", "3.45"),
        ("aws/meta.llama3-70b-instruct-v1:0", "", "us-east-1", "2.65"),
        ("openai/gpt-5.4", "", "eu", "2.75"),
        ("openai/gpt-5.4", "flex", "us", "1.375"),
        ("openai/ft:gpt-4.1-nano-2025-04-14:acme::abc", "", "", "0.2"),
        ("gcp.vertex_ai/gemini-3.8-flash", "", "europe-west4", None),
        ("gcp.vertex_ai/gemini-3.8-flash", "", "global", None),
    ],
)
def test_what_the_first_source_lacks_is_filled(
    book: PriceBook, id_seen: str, tier: str, region: str, usd: str | None
) -> None:
    """Tiers, regional lists, surcharges, fine-tuned models; each row says whose it is."""
    provider, _, model = id_seen.partition("/")
    rows = _rows(book, provider, model)
    (row,) = rows_at(rows, tier, _TODAY, 1, _NOW, region=region)
    if usd is not None:
        assert row.rates.input_usd_per_token == Decimal(usd) / _MTOK
    assert row.source_url.startswith("https://")
    if row.region == "*":
        (base,) = rows_at(rows, tier, _TODAY, 1, _NOW)
        assert base.rates.input_usd_per_token
        wanted = base.rates.input_usd_per_token * Decimal("1.1")
        assert row.rates.input_usd_per_token == wanted
        assert row.upstream.startswith("litellm")


def test_where_the_two_differ_ours_stands_and_is_on_the_list() -> None:
    """Only models that both price alike get anything from it; the others are printed.

    Helicone/helicone#5067: prices that were 1000 times off, and nothing to hold them against.
    """
    found = build.sources(build.read_overlay(build.OVERLAY))
    reviewed = {(one.provider, one.model) for one in found.second.review}
    added = {(r.provider, r.model) for r in found.second.rows if r.service_tier}
    assert ("aws", "regional.anthropic.claude-opus-4-6-v1:0") in reviewed
    assert added
    for one in found.second.review:
        assert abs(one.theirs - one.ours) > one.ours / 100
    lines = list(build.review(found.second.review))
    assert lines[0].startswith(f"for review, {len(found.second.review)} rates")
    assert len(lines) == len(found.second.review) + 1


def test_the_package_is_read_and_never_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel is a zip file: its data come out of it, with the fields we use and no others."""
    monkeypatch.setitem(sys.modules, "litellm", None)  # an import of it fails from here on
    wheel = tmp_path / "litellm-9.9.9-py3-none-any.whl"
    data = {
        "gpt-x": {
            "litellm_provider": "openai", "input_cost_per_token": 1e-06,
            "output_cost_per_token_batches": 2e-06, "max_tokens": 5, "supports_vision": True,
            "provider_specific_entry": {"us": 1.1},
        },
        "other": {"litellm_provider": "nobody", "input_cost_per_token": 1},
    }  # fmt: skip
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("litellm/model_prices_and_context_window_backup.json", json.dumps(data))
    found = litellm.extract(wheel, date(2026, 11, 26))
    assert (found["version"], found["as_of"]) == ("9.9.9", "2026-11-26")
    assert found["models"] == {
        "gpt-x": {
            "litellm_provider": "openai",
            "input_cost_per_token": "1e-06",
            "output_cost_per_token_batches": "2e-06",
            "regional_processing_uplift_multiplier_us": "1.1",
        }
    }


def test_something_else_than_its_wheel_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.whl"
    path.write_bytes(b"not a zip")
    with pytest.raises(ConfigurationError, match="no wheel of litellm"):
        litellm.extract(path, date(2026, 11, 26))


def test_both_licences_are_kept() -> None:
    """MIT asks for the notice to go with the data."""
    for path in (litellm.LICENSE, Path(build.__file__).with_name("LICENSE.genai-prices")):
        assert "Permission is hereby granted, free of charge" in path.read_text()
