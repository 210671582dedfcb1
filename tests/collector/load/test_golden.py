"""Spans of each dialect, as emitted, become the rows written down beside them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.loaded_rows import load, rows
from tests.support.otlp_requests import Golden, read_golden, record

from spanledger_collector.load.dialects import shipped
from spanledger_collector.store import Store

FOLDER = Path(__file__).parents[2] / "golden" / "dialects"
CASES = sorted(p for p in FOLDER.glob("*/*.json") if not p.name.endswith(".expected.json"))
#: Columns that the case does not choose.
GIVEN = {"workspace", "received_at_ns", "journal_id", "sequence", "started_at_ns", "ended_at_ns"}
TOKENS = (
    *("input_uncached_tokens", "cache_read_tokens", "cache_write_5m_tokens"),
    *("cache_write_1h_tokens", "output_tokens"),
)


def telling(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an expectation spells out: all columns that are not empty, in plain JSON."""
    kept = {k: v for k, v in row.items() if k not in GIVEN and v not in ("", 0, None, [], {})}
    if "emitted_cost_usd" in kept:
        kept["emitted_cost_usd"] = format(kept["emitted_cost_usd"], "f")
    if "units" in kept:
        kept["units"] = {name: float(amount) for name, amount in kept["units"].items()}
    return kept


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.fixture(scope="module")
def loaded(module_store: Store) -> Store:
    """A ledger with every case, each in the workspace of its name."""
    load(
        module_store,
        [
            record(read_golden(path).spans, sequence, workspace=name(path))
            for sequence, path in enumerate(CASES, 1)
        ],
    )
    return module_store


@pytest.mark.parametrize("path", CASES, ids=name)
def test_spans_become_the_expected_rows(loaded: Store, path: Path) -> None:
    """Every column, also those that must stay empty."""
    golden: Golden = read_golden(path)
    found = {row["span_id"]: telling(row) for row in rows(loaded, name(path))}
    assert [found[span["span_id"]] for span in golden.expected] == golden.expected
    assert len(found) == len(golden.spans)


@pytest.mark.parametrize("path", CASES, ids=name)
def test_the_folder_names_the_dialect(path: Path) -> None:
    """A pair shows the dialect it stands under."""
    dialects = {row.get("dialect", "") for row in read_golden(path).expected}
    assert path.parent.name in dialects


def test_every_dialect_has_a_pair() -> None:
    """A dialect without an example is a guess."""
    assert {path.parent.name for path in CASES} == set(shipped().dialects)


@pytest.mark.parametrize(
    ("case", "input_tokens", "output_tokens"),
    [
        ("openinference/clients", 5012, 1000),
        ("openinference/langchain", 3000, 600),
        ("openllmetry/clients", 5012, 1001),
        ("anthropic_sdk/messages", 2000, 400),
    ],
)
def test_recorded_clients_add_up_to_what_the_server_counted(
    case: str, input_tokens: int, output_tokens: int
) -> None:
    """Totals are those of the server that was called, cached input included.

    openllmetry really emits one output token too many for an Anthropic stream: 1001.
    """
    expected = read_golden(FOLDER / f"{case}.json").expected
    calls = [row for row in expected if row["role"] == "call"]
    sums = {column: sum(row.get(column, 0) for row in calls) for column in TOKENS}
    assert sum(sums[column] for column in TOKENS[:-1]) == input_tokens
    assert sums["output_tokens"] == output_tokens
