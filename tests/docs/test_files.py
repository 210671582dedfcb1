"""The files that the docs print are files that the collector takes, as they are printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from spanledger import semconv
from spanledger_collector.cli.app import execute
from spanledger_collector.cli.record_file import read_lines
from spanledger_collector.engine_metrics import engine_metric
from spanledger_collector.gpu import read_pools
from spanledger_collector.price import PriceBook
from spanledger_collector.receive.asset_fields import asset_attributes
from spanledger_collector.receive.redaction import read_redaction
from spanledger_collector.receive.thresholds import read_thresholds
from spanledger_collector.scrape import read_targets
from spanledger_collector.value import read_rules

DOCS = Path(__file__).parents[2] / "docs"


def _printed(page: str, folder: Path) -> list[Path]:
    """The YAML blocks of a page, as files."""
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    files = [folder / f"{number}.yaml" for number in range(len(blocks))]
    for file, block in zip(files, blocks, strict=True):
        file.write_text(block)
    return files


def test_the_value_rules_of_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [file] = _printed("value.md", tmp_path)
    success, minutes = read_rules(file)
    assert (success.per, success.amount, success.currency) == ("success", Decimal("4.50"), "EUR")
    assert (minutes.per, minutes.amount, minutes.agent) == (
        "minutes_saved",
        Decimal("0.80"),
        "support",
    )
    assert minutes.decay is not None
    assert (minutes.decay.grace_seconds, minutes.decay.half_life_seconds) == (30, 120)
    assert execute(["value", "check", str(file)]) == 0
    assert "support" in capsys.readouterr().out


def test_the_pools_and_hours_of_the_page(tmp_path: Path) -> None:
    """The pools and what their hours cost, through the book that the collector starts with."""
    pools, hours, measured, *_ = _printed("gpu.md", tmp_path)
    [pool] = read_pools(pools)
    assert pool.name == "chat"
    assert pool.serves.matches("vllm", "meta-llama/Llama-3.1-70B", "10.0.0.5")
    book = PriceBook.shipped(hours)
    told = [row for row in book.rows() if row.provider == "gpu"]
    assert sorted({row.model for row in told}) == ["chat", "lab"]
    assert {row.rates.units["gpu_seconds"].usd for row in told if row.model == "chat"} == {
        Decimal("2.95"),
        Decimal("1.25"),
        Decimal("2.10"),  # 8,760 dollars ahead over as many hours, and 1.10 an hour
    }
    [metered] = read_pools(measured)
    assert metered.meter is not None
    assert metered.meter.host == "gpu-1"
    assert metered.grid is not None
    assert metered.grid.high_g_per_kwh == 420


def test_the_engines_of_the_page(tmp_path: Path) -> None:
    """Its pipeline is of components that are there; the metrics that the page lists are kept."""
    *_, file, engines = _printed("gpu.md", tmp_path)
    [target] = read_targets(engines)
    assert (target.name, target.instance) == ("chat", "10.0.0.5:8000")
    config = yaml.safe_load(file.read_text())
    pipeline = config["service"]["pipelines"]["metrics"]
    assert set(pipeline["receivers"]) <= set(config["receivers"])
    assert set(pipeline["exporters"]) <= set(config["exporters"])
    [job] = config["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert job["job_name"] == "chat"
    named = re.findall(r"`((?:vllm:|sglang:|tgi_|llamacpp:)\w+)`", (DOCS / "gpu.md").read_text())
    assert len(named) > 20
    assert [name for name in named if engine_metric(name) is None] == []


def test_the_prices_of_the_page(tmp_path: Path) -> None:
    [file] = _printed("prices.md", tmp_path)
    book = PriceBook.shipped(file)
    [llama] = [row for row in book.rows() if (row.provider, row.model) == ("ollama", "llama3.1:8b")]
    assert llama.valid_from == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert book.book_id != PriceBook.shipped().book_id


def test_the_redaction_of_the_page(tmp_path: Path) -> None:
    [file] = _printed("collector.md", tmp_path)
    redaction = read_redaction(file, "a key of the operator's own")
    assert redaction is not None


def test_the_evaluations_of_the_page(tmp_path: Path) -> None:
    [file] = _printed("records.md", tmp_path)
    assert read_thresholds(file) is not None


def test_no_other_page_prints_a_file() -> None:
    """A new one belongs here, or with the test of its page (budgets.md has one of its own)."""
    printing = {page.name for page in DOCS.glob("*.md") if "```yaml" in page.read_text()}
    files = {"value.md", "gpu.md", "prices.md", "collector.md", "records.md"}
    assert printing == {*files, "budgets.md"}


def test_the_asset_file_of_the_page_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of its lines is one that the collector stores, and says what the page says."""
    [table] = re.findall(r"```csv\n(.*?)```", (DOCS / "assets.md").read_text(), re.DOTALL)
    file = tmp_path / "assets.csv"
    file.write_text(table)
    assert execute(["records", "import", str(file), "--dry-run"]) == 0
    assert "4 records good" in capsys.readouterr().out
    cost, plan, transfer, _ = (attributes_told(line.record) for line in read_lines(file))
    assert (cost[semconv.ASSET_AMOUNT], cost[semconv.ASSET_KIND]) == ("120", "training")
    assert (plan[semconv.ASSET_EXPECTED_UNITS], plan[semconv.ASSET_AGENT_NAME]) == ("12", "support")
    assert transfer[semconv.ASSET_TO] == "support-ft-8"


def attributes_told(record: Mapping[str, object]) -> Mapping[str, object]:
    told = {name: value for name, value in record.items() if name not in ("kind", "at")}
    return asset_attributes(str(record["kind"]), told)
