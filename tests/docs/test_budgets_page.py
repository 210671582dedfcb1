"""The examples of docs/budgets.md run, one after the other, in one program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

from spanledger_collector.watch import read_rules
from spanledger_collector.watch.rules import EarnedMetric, SpentMetric

PAGE = Path(__file__).parents[2] / "docs" / "budgets.md"


def test_the_rules_can_be_read(tmp_path: Path) -> None:
    """The file of the page, with every metric that its table names."""
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    path = tmp_path / "alerts.yaml"
    path.write_text(block)
    rules = read_rules(path)
    assert (len(rules.budgets), len(rules.alerts)) == (2, 3)
    table = PAGE.read_text().partition("| `metric` |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    named = set(re.findall(r"`(\w+)`", " ".join(cells)))
    assert named == {*get_args(SpentMetric), *get_args(EarnedMetric)}


def test_the_examples_run(tmp_path: Path) -> None:
    program = tmp_path / "examples.py"
    program.write_text("\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        capture_output=True, text=True, timeout=300, check=False, env={"PATH": ""},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2\n"
