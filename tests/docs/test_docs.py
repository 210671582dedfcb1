"""README and docs cannot drift from the code: commands, settings, links, names, examples."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer.main
from prometheus_client import CollectorRegistry

import spanledger
from spanledger_collector.access import WrongKeys
from spanledger_collector.cli.app import app
from spanledger_collector.config import CollectorConfig
from spanledger_collector.journal import Journal
from spanledger_collector.load.metrics import LoadMetrics
from spanledger_collector.pipeline.engine import Engine
from spanledger_collector.pipeline.metrics import PipelineMetrics
from spanledger_collector.price import PriceBook
from spanledger_collector.query import named, query_names
from spanledger_collector.receive.metrics import ReceiverMetrics
from spanledger_collector.scrape.metrics import ScrapeMetrics
from spanledger_collector.watch import WatchMetrics

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
COLLECTOR = (ROOT / "docs" / "collector.md").read_text()
CLI = (ROOT / "docs" / "cli.md").read_text()
SOURCES = [*(ROOT / "sdk").rglob("*.py"), *(ROOT / "collector").rglob("*.py")]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page].read_text(), re.DOTALL)


def command_lines(page: str) -> list[str]:
    """Lines a reader types, from the ``console`` blocks, without comments."""
    typed = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in typed if line.startswith("$ ")]


SPANLEDGER_LINES = [
    (page, line) for page in PAGES for line in command_lines(page) if line.startswith("spanledger")
]
PYTHON_BLOCKS = [
    (page, number, block) for page in PAGES for number, block in enumerate(blocks(page, "python"))
]


@pytest.mark.parametrize(("page", "line"), SPANLEDGER_LINES, ids=lambda value: str(value)[:60])
def test_every_documented_command_line_parses(page: str, line: str) -> None:
    """Verbs, options and values are such that the command would run."""
    words = shlex.split(line, comments=True)[1:]
    for cut in (">", "|"):
        words = words[: words.index(cut)] if cut in words else words
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    context = command.make_context(command.name, words)
    assert context.args == [] or command.name == "run"


def _inner(command: Any) -> list[str]:
    """Names below a verb; empty = the verb itself does something."""
    alone = getattr(command, "invoke_without_command", True)
    return [*([""] if alone else []), *getattr(command, "commands", [])]


def test_every_verb_is_documented() -> None:
    """The table of docs/cli.md has each verb, and no other."""
    group: Any = typer.main.get_command(app)
    verbs = {
        f"{name} {inner}".strip()
        for name, command in group.commands.items()
        for inner in _inner(command)
    }
    table = CLI.partition("```console")[0]
    assert set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)) == verbs


def test_the_settings_table_is_the_code() -> None:
    """Each field of CollectorConfig with its default, in order."""
    rows = re.findall(r"^\| `SPANLEDGER_([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", COLLECTOR, re.MULTILINE)
    fields = CollectorConfig.model_fields
    expected = [
        (name.upper(), "" if field.default is None else str(field.default))
        for name, field in fields.items()
    ]
    assert rows == expected


def test_every_variable_is_documented() -> None:
    """Every SPANLEDGER_ variable that the code reads stands in docs."""
    text = "".join(path.read_text() for path in PAGES.values())
    read = {
        name
        for source in SOURCES
        for name in re.findall(r"[\"`](SPANLEDGER_[A-Z]+(?:_[A-Z]+)*)[\"`]", source.read_text())
    }
    assert "SPANLEDGER_URL" in read
    internal = {"SPANLEDGER_AUTO"}
    assert {name for name in read - internal if f"`{name}" not in text} == set()


def test_every_metric_is_documented(tmp_path: Path) -> None:
    """The table names what /metrics shows, and nothing else."""
    registry = CollectorRegistry()
    journal = Journal.open(tmp_path, max_bytes=1 << 20)
    book = PriceBook.shipped()
    engine = Engine(CollectorConfig(), journal, book, [], registry)
    registry.register(PipelineMetrics(journal, engine, book))
    registry.register(WatchMetrics(lambda: None, None))
    LoadMetrics(registry)
    ReceiverMetrics(registry)
    ScrapeMetrics(registry)
    WrongKeys(registry)
    shown = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in registry.collect()
    }
    journal.close()
    assert set(re.findall(r"^\| `(spanledger_[a-z_]+)` \|", COLLECTOR, re.MULTILINE)) == shown


def test_every_query_is_documented_with_its_parameters() -> None:
    """The table of docs/collector.md covers the files of sql/queries."""
    table = COLLECTOR[COLLECTOR.index("| query |") :].partition("\n\n")[0]
    documented: dict[str, set[str]] = {}
    for line in table.splitlines()[2:]:
        names, _, parameters = line.strip("| ").split(" | ")
        for name in re.findall(r"`(\w+)`", names):
            documented[name] = set(re.findall(r"`(\w+)`", parameters))
    assert documented == {
        name: set(named(name).parameters) - {"workspace"} for name in query_names()
    }


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Relative links name files of the repository; anchors name headings."""
    path = PAGES[page]
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if re.match(r"[a-z]+://|mailto:", target):
            continue
        file, _, anchor = target.partition("#")
        found = path.parent / file if file else path
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings]
            assert anchor in slugs, target


@pytest.mark.parametrize(
    ("page", "number", "block"), PYTHON_BLOCKS, ids=[f"{p}-{n}" for p, n, _ in PYTHON_BLOCKS]
)
def test_python_examples_name_what_exists(page: str, number: int, block: str) -> None:
    """Each example compiles, and every name it imports from us is there."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spanledger"):
            module = importlib.import_module(str(node.module))
            names = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert [one for one in names if not find_spec(f"{module.__name__}.{one}")] == []
    for used in re.findall(r"\bspanledger\.(\w+)", block):
        assert hasattr(spanledger, used), used


def test_the_readmes_first_example_runs() -> None:
    """Three lines instrument a program: they do, without a warning, in a process of their own."""
    [block, *_] = blocks("README.md", "python")
    environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{block}\nassert answer('why?') is None"],
        capture_output=True, text=True, timeout=300, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
