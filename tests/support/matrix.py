"""Prints the contract matrix after a test run: subject by behaviour, from what really ran.

A pytest plug-in. Each row of a contract carries the mark ``contract``, which travels with its
report (also from another worker), and its outcome becomes a cell of the table. Rows that ran in
another environment come from a test that ran them there (:func:`rows_of`).
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import pytest
from tests.support.contracts import MODES

_MARK: Final = "contract"
#: Property of a report: rows that ran elsewhere, each with its outcome.
ROWS: Final = "contract-rows"
_HELD, _HOLE, _FAILED, _LACKING, _NO_MATTER, _NOT_RUN = "+", "o", "F", "-", ".", "?"
_LEGEND: Final = (
    f"Each cell: {', '.join(MODES)}; {_NO_MATTER} where the behaviour is not about the mode.",
    f"{_HELD} holds, {_HOLE} declared hole: tried, and failed as declared, {_FAILED} failed, ",
    f"{_LACKING} the subject has no such mode, {_NOT_RUN} not run this time",
)


@dataclass
class Matrix:
    """What ran of one family: ``cells`` by behaviour, subject and mode."""

    family: str
    cells: dict[str, dict[str, dict[str, str]]] = field(
        default_factory=dict[str, dict[str, dict[str, str]]]
    )
    lacks: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    holes: dict[tuple[str, str, str], set[str]] = field(
        default_factory=dict[tuple[str, str, str], set[str]]
    )

    def add(self, told: Mapping[str, Any], outcome: str) -> None:
        """One row came out so; the worst one of a cell counts."""
        subject, behaviour, mode = told["subject"], told["behaviour"], told["mode"]
        modes = self.cells.setdefault(behaviour, {}).setdefault(subject, {})
        modes[mode] = max(outcome, modes.get(mode, _HELD), key=(_HELD + _HOLE + _FAILED).index)
        self.lacks[subject] = told["lacks"]
        if told["reason"]:
            key = (subject, behaviour, told["reason"])
            self.holes.setdefault(key, set()).add(told["way"])

    def lines(self) -> list[str]:
        """The table and the reasons, as Markdown that can be read as it is."""
        subjects = sorted(self.lacks)
        head = ["", *subjects, f"behaviour of {self.family}", ""]
        body = [
            ["", *(self._cell(name, subject) for subject in subjects), _words(name), ""]
            for name in sorted(self.cells)
        ]
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        rule = ["", *("-" * width for width in widths[1:-1]), ""]
        table = [
            "|".join(f" {one:{width}} " for one, width in zip(row, widths, strict=True)).strip()
            for row in (head, rule, *body)
        ]
        return [*table, "", *self._reasons()]

    def _cell(self, behaviour: str, subject: str) -> str:
        about = {mode for modes in self.cells[behaviour].values() for mode in modes}
        modes = self.cells[behaviour].get(subject, {})
        return "".join(
            _NO_MATTER
            if mode not in about
            else _LACKING
            if mode in self.lacks[subject]
            else modes.get(mode, _NOT_RUN)
            for mode in MODES
        )

    def _reasons(self) -> list[str]:
        lacking = [
            f"- {subject} has no {mode}: {reason}"
            for subject, modes in sorted(self.lacks.items())
            for mode, reason in modes.items()
        ]
        holes = [
            f"- {subject}, {_words(behaviour)}: {reason} ({', '.join(sorted(ways))})"
            for (subject, behaviour, reason), ways in sorted(self.holes.items())
        ]
        return [*lacking, *holes]


def _words(behaviour: str) -> str:
    return behaviour.replace("_", " ")


class Collector:
    """Keeps the outcomes of a run; lives in the process that prints."""

    def __init__(self) -> None:
        self._reports: dict[str, tuple[Mapping[str, Any], str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that failed in any phase failed; else what its call says."""
        properties = dict(report.user_properties)
        told = properties.get(_MARK)
        if report.when == "call" and isinstance(properties.get(ROWS), list):
            rows = enumerate(cast("list[Any]", properties[ROWS]))
            self._reports |= {f"{report.nodeid} {n}": (row, out) for n, (row, out) in rows}
        if not isinstance(told, dict):
            return
        if report.failed:
            outcome = _FAILED
        elif report.when == "call":
            outcome = _HOLE if hasattr(report, "wasxfail") else _HELD
        else:
            return
        before = self._reports.get(report.nodeid)
        if before is None or before[1] != _FAILED:
            self._reports[report.nodeid] = told, outcome

    def rows(self) -> list[tuple[Mapping[str, Any], str]]:
        """Every row with its outcome."""
        return list(self._reports.values())

    def matrices(self) -> list[Matrix]:
        """One a family."""
        found: dict[str, Matrix] = {}
        for told, outcome in self._reports.values():
            found.setdefault(told["family"], Matrix(told["family"])).add(told, outcome)
        return [found[family] for family in sorted(found)]

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> None:
        """Print, and write where it was asked for."""
        matrices = self.matrices()
        if not matrices:
            return
        terminalreporter.section("contract matrix")
        for line in _page(matrices):
            terminalreporter.write_line(line)
        rows: str | None = config.getoption("contract_rows")
        if rows:
            Path(rows).write_text(json.dumps(self.rows()), encoding="utf-8")
        path: str | None = config.getoption("contract_matrix")
        if path:
            Path(path).write_text("\n".join([*_page(matrices), ""]), encoding="utf-8")


def _page(matrices: Iterable[Matrix]) -> list[str]:
    tables = [line for matrix in matrices for line in (*matrix.lines(), "")]
    return [*tables, *_LEGEND]


def rows_of(file: Path) -> list[Any]:
    """What a run with ``--contract-rows`` wrote, as a value of the property :data:`ROWS`."""
    rows: list[Any] = json.loads(file.read_text(encoding="utf-8"))
    return rows


@pytest.fixture(name="holes")
def _holes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The parts of this row's behaviour that are declared not to hold (``check_parts``)."""
    mark = request.node.get_closest_marker(_MARK)
    return mark.kwargs["parts"] if mark is not None else ()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--contract-matrix FILE`` writes the matrix as Markdown too, ``--contract-rows`` as JSON."""
    parser.addoption("--contract-brief", action="store_true", help="one row of each cell")
    parser.addoption("--contract-rows", metavar="FILE", help="write each row's outcome there")
    parser.addoption("--contract-matrix", metavar="FILE", help="write the contract matrix there")


def pytest_configure(config: pytest.Config) -> None:
    """The process that runs no tests itself collects; a worker only sends reports."""
    config.addinivalue_line("markers", "contract(...): a row of a contract; goes into its matrix")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collector(), "contract-matrix")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What a row is travels with its reports."""
    brief, seen, left_out = config.getoption("contract_brief"), set[object](), list[pytest.Item]()
    for item in items:
        mark = item.get_closest_marker(_MARK)
        if mark is not None:
            item.user_properties.append((_MARK, dict(mark.kwargs)))
            cell = tuple(mark.kwargs[name] for name in ("family", "subject", "behaviour", "mode"))
            if brief and cell in seen:
                left_out.append(item)
            seen.add(cell)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A contract's test that skips hides a hole: it fails."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker(_MARK):
        report.outcome = "failed"
        report.longrepr = "a contract is not skipped: declare a hole with its reason"
    return report
