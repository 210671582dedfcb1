"""docs/views.md is what the SQL says, and every column of every view is described."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spanledger_collector import sql
from spanledger_collector.query import Ledger
from spanledger_collector.store import Connection, Store
from spanledger_collector.store.described import PAGE, described_views, header_entries, page


@pytest.fixture
def connection(module_store: Store) -> Iterator[Connection]:
    with module_store.connect() as opened:
        yield opened


def test_every_column_is_described(connection: Connection) -> None:
    views = described_views(connection)
    assert set(views) == set(sql.names("views"))
    silent = [
        f"{view}.{one.name}" for view, columns in views.items() for one in columns
        if not one.meaning
    ]  # fmt: skip
    assert silent == [], "say in the header of the view what they hold"


def test_headers_describe_columns_that_exist(connection: Connection) -> None:
    for view, columns in described_views(connection).items():
        named = set(header_entries(sql.read(f"views/{view}.sql")))
        assert named <= {one.name for one in columns}, view


def test_the_page_is_the_one_the_sql_gives(connection: Connection) -> None:
    assert PAGE.read_text() == page(connection), (
        "run `python -m spanledger_collector.store.described`"
    )


def test_names_that_a_query_has_too_are_told() -> None:
    """There ``Ledger.arrow(name)`` is not the view of the page: it and the docstring say so."""
    shared = {*sql.names("queries")} & {*sql.names("views")}
    assert shared
    introduction = PAGE.read_text().partition("\n## ")[0]
    told = " ".join((Ledger.arrow.__doc__ or "").split())
    for name in shared:
        assert f"`{name}`" in introduction
        assert f"``{name}``" in told
    assert "/v1/queries/view:" in introduction
    assert "``view:" in told


def test_entries_of_a_header() -> None:
    """Several names, a continued line, a line that ends the list."""
    text = (
        "-- v: what.\n-- grain: a row.\n-- columns: those of t, and\n"
        "--   a, b     first\n--            and more\n--   c  second; d (never): x\n-- End.\nSELECT"
    )
    assert header_entries(text) == {
        "a": "first and more", "b": "first and more", "c": "second; d (never): x",
    }  # fmt: skip


def test_what_a_view_declares_is_what_it_reads(connection: Connection) -> None:
    """The engine would convert silently."""
    text = sql.read("views/cost_as_known_now.sql")
    read = text[text.index("SELECT") :].rstrip().rstrip(";")
    declared, given = (
        [(column["name"], column["type"]) for column in connection.rows(f"DESCRIBE ({asked})")]
        for asked in ("SELECT * FROM cost_as_known_now", read)
    )
    assert declared == given
