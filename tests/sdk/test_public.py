"""The public list, and documentation that cannot drift from it."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import spanledger
from spanledger import config, errors
from spanledger.config import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "sdk.md"
SDK = ROOT / "sdk" / "spanledger"


def test_the_public_list_is_sorted_and_complete() -> None:
    """``__all__`` is exactly what the module imports for its users."""
    tree = ast.parse((SDK / "__init__.py").read_text())
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert spanledger.__all__ == sorted(spanledger.__all__)
    assert set(spanledger.__all__) == imported


@pytest.mark.parametrize("name", spanledger.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    """Each name has a docstring and stands in docs/sdk.md."""
    assert inspect.getdoc(getattr(spanledger, name))
    assert re.search(rf"\b{name}\b", DOCS.read_text())


def test_every_variable_and_argument_is_documented() -> None:
    """The configuration table names every environment variable and every argument of init."""
    text = DOCS.read_text()
    variables = {
        value
        for name, value in vars(config).items()
        if name.startswith(("OTEL_", "SPANLEDGER_")) and name == value
    }
    assert len(variables) >= 18
    arguments = set(inspect.signature(spanledger.init).parameters)
    missing = {name for name in variables | arguments if f"`{name}`" not in text}
    assert missing == set()
    named = set(re.findall(r"`((?:OTEL|SPANLEDGER)_[A-Z_]+)`", text))
    assert named - variables <= {
        "OTEL_PROPAGATORS",
        "OTEL_TRACES_SAMPLER",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
    }


def test_init_offers_every_setting() -> None:
    """Settings.read and init have the same arguments, besides what is not about delivery."""
    read = set(inspect.signature(Settings.read).parameters)
    assert read | {"instrument", "budgets", "rates"} == set(
        inspect.signature(spanledger.init).parameters
    )


def test_the_error_tree_is_the_drawn_one() -> None:
    """Each error class stands in the drawing at the top of the module."""
    drawing = errors.__doc__ or ""
    for name, value in vars(errors).items():
        if inspect.isclass(value) and value.__module__ == errors.__name__:
            assert name in drawing
            assert issubclass(value, spanledger.SpanledgerError)


def python_examples() -> list[str]:
    """The ``python`` blocks of docs/sdk.md."""
    return re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)


def test_the_documented_examples_run(tmp_path: Path) -> None:
    """The examples of docs/sdk.md, one after the other in one program, run without a warning."""
    program = tmp_path / "examples.py"
    program.write_text("\n".join(python_examples()))
    environment = {"OTEL_TRACES_EXPORTER": "none", "PATH": ""}
    finished = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
