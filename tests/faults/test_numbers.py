"""docs/reliability.md names every case by its number, and tests that are there."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
from tests.support.fault_marks import TESTS, Case, cases

_CASES = cases()
#: How many cases there are of each kind.
_NUMBERS = {"S": 65, "C": 18, "F": 46, "K": 14}
#: Faults that no test shows, and why.
_WITHOUT = {"F38": "does not apply"}


@cache
def _tests_of(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


@pytest.mark.parametrize(("kind", "numbers"), _NUMBERS.items())
def test_no_number_is_missing(kind: str, numbers: int) -> None:
    found = [case.number for case in _CASES if case.kind == kind]
    assert found == list(range(1, numbers + 1))


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_what_shows_a_case_is_there(case: Case) -> None:
    if not case.tests:
        assert case.shown in ("**open**", "does not apply", "**by hand**")
        return
    assert case.shown == ", ".join(f"`{path}::{name}`" for path, name in case.tests)
    for path, name in case.tests:
        assert name in _tests_of(path), f"tests/{path} has no {name}"


def test_every_fault_has_a_test() -> None:
    """Prints the table (``pytest -s``): number, how many tests, the fault."""
    faults = [case for case in _CASES if case.kind == "F"]
    for case in faults:
        shown = f"{len(case.tests):2} tests" if case.tests else case.shown.strip("*")
        sys.stdout.write(f"{case.name:4} {shown:15} {case.what}\n")
    assert {case.name: case.shown for case in faults if not case.tests} == _WITHOUT


def test_what_names_a_fault_is_about_a_case_that_it_shows() -> None:
    """A test with a number in its name is named by the row of that number."""
    shown = {
        (f"f{case.number}", test) for case in _CASES if case.kind == "F" for test in case.tests
    }
    paths = [path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")]
    named = {
        (found[1], (path, name))
        for path in paths
        for name in _tests_of(path)
        if (found := re.match(r"test_(f\d+)_", name))
    }
    assert named - shown == set()


def test_a_number_selects_its_tests(pytestconfig: pytest.Config) -> None:
    marks = [str(line) for line in pytestconfig.getini("markers")]
    assert any(mark.startswith("f12: ") for mark in marks)


@pytest.mark.parametrize("path", sorted({path for case in _CASES for path, _ in case.tests}))
def test_paths_are_below_tests(path: str) -> None:
    assert (TESTS / Path(path)).is_file()
