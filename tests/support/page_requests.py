"""Pages asked for over HTTP, over all time; their tables as CSV."""

from __future__ import annotations

import csv
import io

import httpx


def everything(path: str) -> str:
    """The page over all time."""
    return path if "since=" in path else f"{path}{'&' if '?' in path else '?'}range=all"


def asked_csv(client: httpx.Client, path: str, table: str) -> list[list[str]]:
    answer = client.get(f"{everything(path)}&csv={table}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="spanledger-{table}.csv"'
    )
    return list(csv.reader(io.StringIO(answer.text)))
