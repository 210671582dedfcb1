"""Holes are declared, a declared hole that works fails, and the matrix tells what ran."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.support.contracts import Contract, Hole, Mode, Row

_PROGRAM = """
from tests.sdk.test_contracts import Made
from tests.support.contracts import Contract, Hole, Row

FULL = Made("full", {{}}, ({holes}))
HALF = Made("half", {{"async": "has one client"}}, ())
CONTRACT = Contract("things", ("subject", "mode"), [
    Row(subject, "call", mode, (subject, mode))
    for subject, modes in ((FULL, ("sync", "async")), (HALF, ("sync",)))
    for mode in modes
])

@CONTRACT.behaviour()
def test_the_result_is_right(subject, mode, holes):
    {body}
"""


@dataclass(frozen=True)
class Made:
    """A made-up subject."""

    name: str
    lacks: dict[Mode, str]
    holes: tuple[Hole, ...]


def _run(pytester: pytest.Pytester, body: str, holes: str = "") -> pytest.RunResult:
    pytester.makepyfile(_PROGRAM.format(body=body, holes=holes))
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    return pytester.runpytest_inprocess(
        "-p", "tests.support.matrix", "-p", "no:randomly", "--contract-matrix", "matrix.md"
    )


def _cells(pytester: pytest.Pytester) -> list[str]:
    lines = (pytester.path / "matrix.md").read_text(encoding="utf-8").splitlines()
    [row] = [line for line in lines if line.startswith("|") and "the result is right" in line]
    assert lines[0].split() == ["|", "full", "|", "half", "|", "behaviour", "of", "things", "|"]
    return [cell.strip() for cell in row.split("|")[1:3]]


def test_what_holds_and_what_is_lacking(pytester: pytest.Pytester) -> None:
    """A mode that a subject does not have stands there as such, with its reason."""
    result = _run(pytester, "pass")
    result.assert_outcomes(passed=3)
    assert _cells(pytester) == ["++..", "+-.."]
    result.stdout.fnmatch_lines(["*contract matrix*", "*half has no async: has one client*"])


def test_a_declared_hole_is_tried(pytester: pytest.Pytester) -> None:
    """It fails as declared; its reason is told."""
    hole = 'Hole("the_result_is_right", "a bug of theirs", modes=("async",)),'
    result = _run(pytester, 'assert (subject.name, mode) != ("full", "async")', hole)
    result.assert_outcomes(passed=2, xfailed=1)
    assert _cells(pytester) == ["+o..", "+-.."]
    result.stdout.fnmatch_lines(["*full, the result is right: a bug of theirs (call)*"])


def test_a_declared_hole_that_works_fails(pytester: pytest.Pytester) -> None:
    """Whoever closed it has to strike it out."""
    result = _run(pytester, "pass", 'Hole("the_result_is_right", "a bug of theirs"),')
    result.assert_outcomes(passed=1, failed=2)
    assert _cells(pytester) == ["FF..", "+-.."]


_PARTS = """
    def fails(part):
        assert part not in {failing}
    parts = {{part: __import__("functools").partial(fails, part) for part in ("type", "usage")}}
    __import__("tests.support.contracts").support.contracts.check_parts(holes, parts)
"""


@pytest.mark.parametrize(
    ("failing", "outcome"),
    [(["type"], "xfailed"), (["type", "usage"], "failed"), (["usage"], "failed"), ([], "failed")],
)
def test_a_hole_in_a_part_hides_nothing_else(
    pytester: pytest.Pytester, failing: list[str], outcome: str
) -> None:
    """Exactly what is declared fails; another part, or a hole that was closed, is a failure."""
    hole = 'Hole("the_result_is_right", "a bug", modes=("async",), parts=("type",)),'
    body = f'if mode != "async":\n        return{_PARTS.format(failing=failing)}'
    _run(pytester, body, hole).assert_outcomes(passed=2, **{outcome: 1})


@pytest.mark.parametrize("body", ["assert False", "__import__('pytest').skip('not today')"])
def test_an_undeclared_hole_fails(pytester: pytest.Pytester, body: str) -> None:
    """Also one that hides behind a skip."""
    result = _run(pytester, body)
    result.assert_outcomes(failed=3)
    assert _cells(pytester) == ["FF..", "F-.."]


def test_what_nobody_decided_about_is_a_gap() -> None:
    """A behaviour not tried in a mode, a hole in nothing, a declaration without its reason."""
    unclear = Made("unclear", {"async": ""}, (Hole("no_such_test", "why"), Hole("it_works", "")))
    clear = Made("clear", {}, ())
    rows = [Row(unclear, "call", "sync", ()), *(Row(clear, "call", mode, ()) for mode in _TWO)]
    contract = Contract("things", (), rows)

    def test_it_works() -> None: ...

    contract.behaviour(lambda row: row.mode == "async" or row.subject is clear)(test_it_works)
    assert contract.gaps() == [
        "unclear: it_works is not tried, sync",
        "unclear: a hole in nothing, no_such_test",
        "unclear: a hole in nothing, it_works",
        "unclear: a hole without a reason, it_works",
        "unclear: lacks async, no reason",
    ]


_TWO: tuple[Mode, ...] = ("sync", "async")
