"""The examples of the documentation, run against a real ledger."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.filled_ledger import TRACE
from tests.support.served_ledger import Served

ROOT = Path(__file__).parents[3]
PAGES = ["README.md", "docs/collector.md", "docs/prices.md"]
EXAMPLE_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


READING = [(page, b) for page in PAGES for b in blocks(page, "python") if "Ledger" in b]
CURLS = [
    shlex.split(line.removeprefix("$ "))
    for block in blocks("docs/collector.md", "console")
    for line in block.splitlines()
    if line.startswith("$ curl") and "4319" in line
]


@pytest.mark.parametrize(("page", "block"), READING, ids=[page for page, _ in READING])
def test_python_that_reads_runs(
    page: str, block: str, api: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the address, the trace and the tier of this test in place of the documented ones."""
    assert "spanledger://127.0.0.1:4319" in block
    text = block.replace("spanledger://127.0.0.1:4319", api.address).replace(EXAMPLE_TRACE, TRACE)
    text = text.replace('tier="batch"', 'tier="standard"')  # which it has
    variables: dict[str, Any] = {}
    exec(compile(text, page, "exec"), variables)  # noqa: S102 - our own documentation
    assert capsys.readouterr().out or "table" in variables


@pytest.mark.parametrize("words", CURLS, ids=lambda words: words[-1][:50])
def test_curl_examples_are_answered(words: list[str], api: Served) -> None:
    """Each documented request gets rows, or one trace."""
    [where] = [word for word in words if "localhost:4319" in word]
    url = where.replace("localhost:4319", api.url).replace(EXAMPLE_TRACE, TRACE)
    headers = dict([words[words.index("-H") + 1].split(": ")]) if "-H" in words else {}
    if "-d" in words:
        answer = httpx.post(url, content=words[words.index("-d") + 1], headers=headers)
    else:
        answer = httpx.get(url, headers=headers)
    assert answer.status_code == 200, answer.text
    if "Accept" in headers:
        assert answer.headers["content-type"] == headers["Accept"]
    else:
        assert {"rows", "summary"} & set(answer.json())


def test_sql_of_the_readme_is_allowed(api: Served) -> None:
    """What is documented as SQL passes the guard and finds the trace."""
    [statement] = blocks("README.md", "sql")
    answer = httpx.post(f"{api.url}/v1/sql", content=statement.replace(EXAMPLE_TRACE, TRACE))
    assert [row["trace_id"] for row in answer.json()["rows"]] == [TRACE]
