"""The shipped facts: complete, sourced, and equal to what publishers state."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from spanledger.compute import ModelArchitecture
from spanledger.compute.catalogue import closed_entries, open_entries

CONFIGS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "flops_configs.json").read_text()
)
#: Publishers count the router's bias, which is a buffer and no weight: 256 or 384 per sparse layer.
ROUTER_BUFFERS = {"deepseek-v3": 58 * 256, "kimi-k2": 60 * 384, "kimi-k2-thinking": 60 * 384}

DATE = re.compile(r"20\d\d-\d\d-\d\d")


@pytest.mark.parametrize("name", sorted(open_entries()))
def test_our_total_is_the_published_one(name: str) -> None:
    """To the last weight, so no config holds a wrong number that matters."""
    entry, arch = open_entries()[name], ModelArchitecture.from_catalogue(name)
    assert arch.params.total + ROUTER_BUFFERS.get(name, 0) == entry["published_params"]
    assert arch.is_exact
    assert arch.source.startswith("https://")
    assert DATE.fullmatch(arch.as_of)


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_measured_configs_ship_unchanged(name: str) -> None:
    """What the golden table proves is what the catalogue holds."""
    shipped = ModelArchitecture.from_catalogue(name)
    measured = ModelArchitecture.from_hf_config(CONFIGS[name])
    assert (shipped.params, shipped.groups) == (measured.params, measured.groups)


@pytest.mark.parametrize("name", sorted(closed_entries()))
def test_closed_entries_are_marked(name: str) -> None:
    """Assumed, with basis, confidence, sources and date."""
    entry, arch = closed_entries()[name], ModelArchitecture.from_catalogue(name)
    assert arch.exactness.method == "assumed"
    assert entry["basis"] in {"leak", "price", "benchmark", "throughput", "vendor"}
    assert entry["confidence"] in {"speculative", "plausible", "vendor"}
    assert all(source.startswith("https://") for source in entry["sources"])
    assert entry["confidence"] in arch.source
    assert DATE.fullmatch(entry["as_of"])
    assert arch.active.low < arch.active.value < arch.active.high <= arch.params.total


@pytest.mark.parametrize("filename", ["open.json", "closed.json", "vendors.json"])
def test_data_files_are_sorted(filename: str) -> None:
    """A new entry has one right place."""
    content = json.loads(files("spanledger.compute.catalogue").joinpath(filename).read_text())
    assert list(content) == sorted(content)
