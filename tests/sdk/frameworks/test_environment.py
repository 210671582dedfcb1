"""Frameworks that do not go together with our other packages, held in an environment of theirs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sdk.frameworks.contract import is_held_here
from tests.support.environments import ENVIRONMENTS
from tests.support.matrix import ROWS, rows_of

from spanledger._patches.registry import available_frameworks

_HERE = Path(__file__).parent
_NAME = "frameworks"
_APART = sorted(name for name in available_frameworks() if not is_held_here(name))
#: Other people's packages call what other people's packages have given up, and google-adk's
#: synchronous streams end their loop beside connections that their server has not closed yet.
_THEIR_WARNINGS = (
    *("-W", "ignore::DeprecationWarning"),
    *("-W", "ignore::ImportWarning"),
    *("-W", "ignore:unclosed transport:ResourceWarning"),
    *("-W", "ignore:unclosed <socket.socket:ResourceWarning"),
)


def test_a_framework_that_is_not_here_is_pinned_there() -> None:
    """None goes untested because it is not installed."""
    pins = (ENVIRONMENTS.pins / f"{_NAME}.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^[\w.-]+(?===)", pins, flags=re.MULTILINE))
    wanted = {available_frameworks()[name].distribution for name in _APART}
    assert wanted <= pinned
    assert len(_APART) == 3, "this runs in the environment of our own packages"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_they_hold_the_contract_there(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The whole contract and their own tests; their rows go into the matrix of this run."""
    rows = tmp_path / "rows.json"
    contract = sorted(_HERE.glob("test_contract*.py"))
    files = [*contract, *(_HERE / f"test_{name}.py" for name in _APART)]
    done = subprocess.run(
        [
            ENVIRONMENTS.python(_NAME),
            *("-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", *_THEIR_WARNINGS),
            *("--contract-rows", rows, *files),
        ],
        cwd=_HERE.parents[2],
        env={**_without_workers(), "HOME": str(tmp_path)},  # where they keep files
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-2000:]}"
    told = rows_of(rows)
    assert {row["subject"] for row, _ in told} == set(_APART)
    record_property(ROWS, told)


def _without_workers() -> dict[str, str]:
    """Our own pytest's variables are not meant for that one."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
