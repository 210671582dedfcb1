"""The oldest supported versions pass the contract, each in an environment that has them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.contracts import ONLY
from tests.support.environments import ENVIRONMENTS

from spanledger._patches import registry

_ROOT = Path(__file__).parents[2]
#: The files with the behaviours of one family.
_CLIENTS, _FRAMEWORKS = (
    sorted(
        str(path.relative_to(_ROOT))
        for path in (_ROOT / "tests" / "sdk" / folder).glob("test_contract*.py")
    )
    for folder in ("instrumentors", "frameworks")
)


@dataclass(frozen=True)
class Oldest:
    """What is tried in an environment: files of clients or frameworks that have their oldest there.

    ``contract`` are the tests that ``subjects`` are put to; ``own`` has the tests of those that are
    under none, which run whole.
    """

    contract: Sequence[str] = ()
    subjects: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict[str, str])


OLDEST = {
    "oldest-clients": Oldest(
        _CLIENTS,
        ("anthropic", "boto3", "cohere", "google_genai", "groq", "huggingface_hub", "mistralai",
         "ollama", "openai", "together"),
    ),
    "oldest-routers": Oldest(_CLIENTS, ("litellm",)),
    "oldest-agents": Oldest(_FRAMEWORKS, ("openai_agents", "pydantic_ai")),
    "oldest-graphs": Oldest(
        _FRAMEWORKS,
        ("langgraph", "smolagents"),
        {"langchain": "tests/sdk/frameworks/test_langchain.py"},
    ),
    "oldest-frameworks": Oldest(_FRAMEWORKS, ("crewai", "google_adk", "llama_index")),
    "oldest-tools": Oldest(own={"mcp": "tests/sdk/frameworks/test_mcp.py"}),
}  # fmt: skip
#: Kinds of warnings that old packages give.
_THEIRS = ("DeprecationWarning", "ImportWarning", "UserWarning")
#: Named one by one: an environment hides packages whose plug-ins would register all the same.
_PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "xdist.plugin")


def _pins(environment: str) -> dict[str, str]:
    """What an environment was asked for, by distribution."""
    asked = (ENVIRONMENTS.pins / f"{environment}.in").read_text("utf-8")
    return dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?==([\w.]+)", asked, re.MULTILINE))


def _declared() -> dict[str, tuple[str, str]]:
    """Distribution and oldest version, by the name of the file."""
    declared = {
        one.client.replace("-", "_"): (one.client.replace("_", "-"), one.minimum)
        for one in registry.available().values()
    }
    return declared | {
        one.name: (one.distribution.replace("_", "-"), one.minimum)
        for one in registry.available_frameworks().values()
    }


def test_every_declared_minimum_is_a_version_that_is_tried() -> None:
    """What a file calls its ``minimum`` is what an environment has in which its tests run."""
    declared = _declared()
    tried = {
        name: _pins(environment).get(declared[name][0], "not pinned")
        for environment, what in OLDEST.items()
        for name in (*what.subjects, *what.own)
    }
    untried = sorted(set(declared) - set(tried))
    assert untried == [], "run its tests where its minimum is pinned (oldest-*.in, make test-pins)"
    assert tried == {name: minimum for name, (_, minimum) in declared.items()}


def test_the_documentation_names_the_declared_minimum() -> None:
    """In the tables of clients and of frameworks."""
    page = (_ROOT / "docs" / "sdk.md").read_text("utf-8")
    told = dict(
        re.findall(r"^\| `([\w-]+)`(?: \(`[\w-]+`\))? \| (\d[\d.]*) \|", page, re.MULTILINE)
    )
    declared = {one.client: one.minimum for one in registry.available().values()}
    declared |= {one.name: one.minimum for one in registry.available_frameworks().values()}
    assert {name: told.get(name) for name in declared} == declared


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [name for name, what in OLDEST.items() if what.subjects])
def test_the_oldest_supported_versions_pass_the_contract(name: str, tmp_path: Path) -> None:
    """One row of each cell of the matrix; ``make oldest`` runs every row and prints it."""
    what = OLDEST[name]
    every = os.environ.get("SPANLEDGER_TESTS_OLDEST") == "every row"
    rows = ("-n", "auto") if every else ("--contract-brief",)
    told = _run(name, tmp_path, "-m", "contract", *what.contract, *rows, subjects=what.subjects)
    print(told)  # noqa: T201 -- the matrix, where pytest shows it
    matrix = told.replace("-", "_")
    assert [subject for subject in what.subjects if subject not in matrix] == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [name for name, what in OLDEST.items() if what.own])
def test_the_oldest_supported_versions_pass_their_own_tests(name: str, tmp_path: Path) -> None:
    """Of those that are no subject of a contract; one that cannot be imported is no pass."""
    for library, tests in OLDEST[name].own.items():
        told = _run(name, tmp_path, tests, subjects=(library,))
        assert re.search(r"\b\d{1,3} passed", told), told[-2000:]


def _run(name: str, home: Path, *tests: str, subjects: tuple[str, ...]) -> str:
    """What pytest says of these in the environment, where all of it passes."""
    done = subprocess.run(
        [
            *(ENVIRONMENTS.python(name), "-m", "pytest", "-q", *tests),
            *(word for plugin in _PLUGINS for word in ("-p", plugin)),
            # Old versions on new ones of what they need.
            *(word for kind in _THEIRS for word in ("-W", f"ignore::{kind}")),
        ],
        cwd=_ROOT,
        env={
            **os.environ,
            ONLY: ",".join(subjects),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "HOME": str(home),  # where frameworks keep files
            "CREWAI_DISABLE_TELEMETRY": "true",  # old ones report home from their import on
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout
