"""The oldest supported versions pass the contract, each in an environment that has them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.support.contracts import ONLY
from tests.support.environments import ENVIRONMENTS

from spanledger import _registry

_ROOT = Path(__file__).parents[2]
#: The files with the behaviours of one family.
_CLIENTS, _FRAMEWORKS = (
    sorted(
        str(path.relative_to(_ROOT))
        for path in (_ROOT / "tests" / "sdk" / folder).glob("test_contract*.py")
    )
    for folder in ("instrumentors", "frameworks")
)
#: environment: its tests, and the files of those whose oldest versions it has.
OLDEST = {
    "oldest-clients": (
        _CLIENTS,
        "anthropic,boto3,cohere,google_genai,groq,huggingface_hub,mistralai,ollama,openai,together",
    ),
    "oldest-routers": (_CLIENTS, "litellm"),
    "oldest-agents": (_FRAMEWORKS, "openai_agents,pydantic_ai"),
    "oldest-graphs": (_FRAMEWORKS, "langgraph,smolagents"),
    "oldest-frameworks": (_FRAMEWORKS, "crewai,google_adk,llama_index"),
}
#: Kinds of warnings that old packages give.
_THEIRS = ("DeprecationWarning", "ImportWarning", "UserWarning")
#: Named one by one: an environment hides packages whose plug-ins would register all the same.
_PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "xdist.plugin")


def _pins() -> dict[str, str]:
    """What these environments were asked for, by distribution; the last line of one counts."""
    asked = "\n".join((ENVIRONMENTS.pins / f"{name}.in").read_text("utf-8") for name in OLDEST)
    return dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?==([\w.]+)", asked, re.MULTILINE))


def test_every_declared_minimum_is_a_version_that_is_tried() -> None:
    """What a file calls its ``minimum`` is what an environment has."""
    declared = {one.client: one.minimum for one in _registry.available().values()}
    declared |= {one.distribution: one.minimum for one in _registry.available_frameworks().values()}
    pins = _pins()
    tried = {name: pins.get(name.replace("_", "-")) for name in declared}
    untried = sorted(name for name in declared if not tried[name])
    assert untried == [], "pin its minimum in an oldest-*.in, and run make test-pins"
    assert {name: tried[name] or declared[name] for name in declared} == declared


def test_the_documentation_names_the_declared_minimum() -> None:
    """In the tables of clients and of frameworks."""
    page = (_ROOT / "docs" / "sdk.md").read_text("utf-8")
    told = dict(
        re.findall(r"^\| `([\w-]+)`(?: \(`[\w-]+`\))? \| (\d[\d.]*) \|", page, re.MULTILINE)
    )
    declared = {one.client: one.minimum for one in _registry.available().values()}
    declared |= {one.name: one.minimum for one in _registry.available_frameworks().values()}
    assert {name: told.get(name) for name in declared} == declared


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", OLDEST)
def test_the_oldest_supported_versions_pass_the_contract(name: str, tmp_path: Path) -> None:
    """One row of each cell of the matrix; ``make oldest`` runs every row and prints it."""
    tests, subjects = OLDEST[name]
    every = os.environ.get("SPANLEDGER_TESTS_OLDEST") == "every row"
    done = subprocess.run(
        [
            *(ENVIRONMENTS.python(name), "-m", "pytest", "-q", "-m", "contract", *tests),
            *(word for plugin in _PLUGINS for word in ("-p", plugin)),
            # Old versions on new ones of what they need.
            *(word for kind in _THEIRS for word in ("-W", f"ignore::{kind}")),
            *(["-n", "auto"] if every else ["--contract-brief"]),
        ],
        cwd=_ROOT,
        env={
            **os.environ,
            ONLY: subjects,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "HOME": str(tmp_path),  # where frameworks keep files
            "CREWAI_DISABLE_TELEMETRY": "true",  # old ones report home from their import on
        },
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)  # noqa: T201 -- the matrix, where pytest shows it
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
