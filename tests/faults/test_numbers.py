"""docs/reliability.md names every case by its number, and tests that are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[1]
_PAGE = (_TESTS.parent / "docs" / "reliability.md").read_text()
_ROW = re.compile(r"^\| ([SCFK])(\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_ROWS = [match.groups() for match in _ROW.finditer(_PAGE)]
_REFERENCE = re.compile(r"`([\w/]+\.py)::(\w+)`")
#: How many cases there are of each kind.
_CASES = {"S": 65, "C": 18, "F": 46, "K": 14}


@cache
def _tests_of(path: str) -> frozenset[str]:
    tree = ast.parse((_TESTS / path).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


@pytest.mark.parametrize(("kind", "cases"), _CASES.items())
def test_no_number_is_missing(kind: str, cases: int) -> None:
    assert [int(row[1]) for row in _ROWS if row[0] == kind] == list(range(1, cases + 1))


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: f"{row[0]}{row[1]}")
def test_what_shows_a_case_is_there(row: tuple[str, ...]) -> None:
    shown = row[4].strip()
    references = _REFERENCE.findall(shown)
    if not references:
        assert shown in ("**open**", "does not apply", "**by hand**")
        return
    assert shown == ", ".join(f"`{path}::{name}`" for path, name in references)
    for path, name in references:
        assert name in _tests_of(path), f"tests/{path} has no {name}"


def test_what_names_a_fault_is_about_a_case_that_is_shown() -> None:
    shown = {f"f{row[1]}" for row in _ROWS if row[0] == "F" and _REFERENCE.search(row[4])}
    for path in (_TESTS / "faults").glob("test_*.py"):
        for name in _tests_of(str(path.relative_to(_TESTS))):
            found = re.match(r"test_(f\d+)_", name)
            assert found is None or found[1] in shown, name
