"""Spans of each dialect, as emitted, become the rows written down beside them."""

import json
from pathlib import Path

import pytest
from tests.golden.dialects.record.script import case_of, pins_of
from tests.support.loaded_rows import load, rows, telling
from tests.support.otlp_requests import Golden, read_golden, record

from spanledger_collector.load.dialects import shipped
from spanledger_collector.store import Store

FOLDER = Path(__file__).parents[2] / "golden" / "dialects"
CASES = sorted(p for p in FOLDER.glob("*/*.json") if not p.name.endswith(".expected.json"))


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


@pytest.mark.parametrize("path", CASES, ids=name)
def test_a_pair_says_how_it_was_made(path: Path) -> None:
    """Recorded by a script that is here, at versions that it names; or by hand, and after what."""
    case = json.loads(path.read_text(encoding="utf-8"))
    assert ("recorded" in case) != ("read" in case)
    if "read" in case:
        assert case["read"].startswith(("Written after ", "Written by hand"))
        return
    script = FOLDER / case["recorded"]["by"]
    assert case_of(script) == name(path)
    assert case["recorded"]["pins"] == pins_of(script) != []


def test_nearly_every_dialect_was_recorded() -> None:
    """The packages of the others do not run here, or are nobody's: their pairs say why."""
    recorded = {p.parent.name for p in CASES if "recorded" in json.loads(p.read_text("utf-8"))}
    assert set(shipped().dialects) - recorded == {
        *("claude_code", "generic", "sentry", "spanledger", "vllm")
    }
