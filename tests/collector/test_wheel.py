"""The wheel that users install: built as the package index gets it, with all that is no module."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Where the two packages of the distribution are, and what of them is made by running them.
PACKAGES = (ROOT / "sdk", ROOT / "collector")
_MADE = ("__pycache__", ".pyc")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Built by the backend that pyproject.toml names."""
    backend = pytest.importorskip("hatchling.build", reason="it is of the development tools")
    where, folder = Path.cwd(), tmp_path_factory.mktemp("wheel")
    os.chdir(ROOT)  # a build backend works in the folder of the project
    try:
        name = str(backend.build_wheel(str(folder)))
    finally:
        os.chdir(where)
    with zipfile.ZipFile(folder / name) as opened:
        yield opened


def _files() -> dict[str, Path]:
    """Name in the wheel -> file, of everything that the packages have."""
    return {
        str(path.relative_to(package)): path
        for package in PACKAGES
        for path in package.rglob("*")
        if path.is_file() and not any(made in str(path) for made in _MADE)
    }


def test_everything_is_in_the_wheel_as_it_is(wheel: zipfile.ZipFile) -> None:
    """Modules, SQL, templates, assets, YAML, the price book: byte for byte, and nothing else."""
    there = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = _files()
    assert there == set(files)
    for name, path in files.items():
        assert wheel.read(name) == path.read_bytes(), name


@pytest.mark.parametrize(
    "pattern",
    [
        "spanledger_collector/web/static/ui.css",
        "spanledger_collector/web/static/ui.js",
        "spanledger_collector/web/static/vendor/uplot/uPlot.iife.min.js",
        "spanledger_collector/web/static/vendor/uplot/LICENSE",
        "spanledger_collector/web/templates/page.html",
        "spanledger_collector/sql/schema/0001_spans.sql",
        "spanledger_collector/sql/queries/agents.sql",
        "spanledger_collector/load/dialects.yaml",
        "spanledger_collector/py.typed",
        "spanledger/py.typed",
    ],
)
def test_what_runs_need_is_there(wheel: zipfile.ZipFile, pattern: str) -> None:
    """One file of each kind, by name: what was moved or renamed shows here."""
    assert pattern in wheel.namelist()


def test_the_wheel_tells_what_it_needs(wheel: zipfile.ZipFile) -> None:
    """Its metadata have the dependencies and extras of pyproject.toml, and the licence."""
    (name,) = [one for one in wheel.namelist() if one.endswith(".dist-info/METADATA")]
    told = wheel.read(name).decode()
    project = (ROOT / "pyproject.toml").read_text().partition("\n[project.scripts]")[0]
    project = project.partition("\ndependencies = [")[2]
    extras = project.partition("[project.optional-dependencies]")[2]
    for extra in re.findall(r"^(\w+) = \[", extras, re.MULTILINE):
        assert f"Provides-Extra: {extra}\n" in told
    needed = re.findall(r"^  \"([\w.-]+)|= \[\"([\w.-]+)", project, re.MULTILINE)
    for name in {"".join(pair) for pair in needed} - {"spanledger"}:
        assert re.search(rf"^Requires-Dist: {name}\b", told, re.MULTILINE | re.IGNORECASE), name
    assert any(one.endswith("/licenses/LICENSE") for one in wheel.namelist())
