"""Marks each test with the numbers of the cases that docs/reliability.md says it shows.

``pytest -m f12`` runs what shows fault F12, ``-m s4`` what shows the requirement S4; the page is
the one place where numbers and tests meet (tests/faults/test_numbers.py checks it).
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

import pytest

TESTS: Final = Path(__file__).parents[1]
_PAGE: Final = TESTS.parent / "docs" / "reliability.md"
_ROW = re.compile(r"^\| ([SCFK])(\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_REFERENCE = re.compile(r"`([\w/]+\.py)::(\w+)`")


class Case(NamedTuple):
    """A row of the page.

    Attributes:
        kind: S, C, F or K.
        number: of its kind.
        what: the fault or requirement.
        outcome: what happens.
        shown: the last cell.
        tests: (path below tests/, name) of what shows it.
    """

    kind: str
    number: int
    what: str
    outcome: str
    shown: str
    tests: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """Such as F12."""
        return f"{self.kind}{self.number}"


def cases() -> list[Case]:
    """Every row, in order."""
    return [
        Case(
            kind, int(number), what, outcome, shown.strip(),
            tuple((path, test) for path, test in _REFERENCE.findall(shown)),
        )
        for kind, number, what, outcome, shown in _ROW.findall(_PAGE.read_text())
    ]  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """One mark a case."""
    for case in cases():
        mark = f"{case.name.lower()}: shows case {case.name} of docs/reliability.md"
        config.addinivalue_line("markers", mark)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the marks on."""
    shows: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for case in cases():
        for test in case.tests:
            shows[test].append(case.name.lower())
    for item in items:
        if isinstance(item, pytest.Function) and item.path.is_relative_to(TESTS):
            where = item.path.relative_to(TESTS).as_posix()
            for mark in shows.get((where, item.originalname), ()):
                item.add_marker(mark)
