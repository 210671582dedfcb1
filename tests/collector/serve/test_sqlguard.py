"""Only SELECTs over the ledger's own tables pass; nothing that passes can read anything else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.sql_corpus import ALLOWED, AS_CALLED, ATOMS, ENDLESS, REFUSED

from spanledger_collector import sql as shipped
from spanledger_collector.errors import CollectorError, RefusedQueryError
from spanledger_collector.serve.adhoc import AdHoc
from spanledger_collector.serve.sqlguard import Readable, guard
from spanledger_collector.serve.sqlwords import FUNCTIONS, TYPES
from spanledger_collector.store import Store, parametrized_views

TABLES = frozenset({"runs", "attempts", "spans", "run_economics", "cost_as_if"})
LEDGER = Readable(TABLES, "ledger", parametrized_views())

# The engine's own tables, read as a table; a column may have any name.
_SYSTEM = re.compile(r'\bFROM "?system\b|\bsystem"?\s*\.', re.IGNORECASE)
_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*'")

# Functions that the engine's parser rewrites, so system.functions does not list them.
_PARSED = {"date_add", "date_sub", "dateadd", "datesub"}


@pytest.mark.parametrize("text", ALLOWED)
def test_reading_the_ledger_is_allowed(text: str) -> None:
    """Usual SELECTs pass, lose comments and the closing semicolon, and pass again unchanged."""
    rendered = guard(text, LEDGER)
    assert guard(rendered, LEDGER) == rendered
    assert "ledger." not in rendered
    assert not rendered.endswith((";", "comment"))


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_everything_else_is_refused(text: str, told: str) -> None:
    """Each attack is refused, and the message names what is not allowed."""
    with pytest.raises(RefusedQueryError, match=told):
        guard(text, LEDGER)


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(ATOMS), max_size=14).map(" ".join)))
@example("SELECT 1 FROM runs")
@example("0SYSTEM")
@settings(max_examples=400, deadline=None)
def test_any_text_is_refused_or_has_one_stable_meaning(text: str) -> None:
    """No text makes the guard fail otherwise; what it lets through passes again as it is."""
    for candidate in (text, f"SELECT {text}"):
        try:
            rendered = guard(candidate, LEDGER)
        except RefusedQueryError:
            continue
        assert guard(rendered, LEDGER) == rendered
        assert "file(" not in rendered.replace("'/etc/passwd'", "").lower()
        assert not _SYSTEM.search(_LITERAL.sub("''", rendered))


@pytest.fixture(scope="module")
def adhoc(module_store: Store) -> Iterator[AdHoc]:
    """Guarded SQL over an empty ledger."""
    opened = AdHoc(module_store, max_seconds=10, max_memory_bytes=200_000_000, max_rows=1000)
    yield opened
    opened.close()


@pytest.mark.slow
def test_what_is_allowed_runs(adhoc: AdHoc) -> None:
    """The engine accepts every rendered statement of the list above."""
    parameters = {"since": "2026-01-01 00:00:00", "t": "x"}
    for text in ALLOWED:
        rendered = adhoc.guard(text.replace("ledger.", ""))
        used = {name: value for name, value in parameters.items() if f"{{{name}:" in rendered}
        adhoc.run(rendered, "JSONCompact", used)


@pytest.mark.slow
def test_shipped_views_can_be_asked(adhoc: AdHoc) -> None:
    """Every shipped view is a table for the guard, and can be read whole."""
    for name in shipped.names("views"):
        source = AS_CALLED if name in parametrized_views() else name
        adhoc.run(adhoc.guard(f"FROM {source} SELECT * LIMIT 1"), "CSV", {})


def test_listed_functions_exist(module_store: Store) -> None:
    """The list holds real functions and types: a misspelt name would never be allowed."""
    with module_store.connect() as connection:
        rows = connection.rows("SELECT lower(name) AS name FROM system.functions")
        types = connection.rows("SELECT lower(name) AS name FROM system.data_type_families")
        combinators = connection.rows("SELECT name FROM system.aggregate_function_combinators")
    known = {str(row["name"]) for row in rows} | _PARSED
    suffixes = tuple(str(row["name"]).lower() for row in combinators)
    missing = sorted(name for name in FUNCTIONS - known if not name.endswith(suffixes))
    assert missing == []
    assert {str(row["name"]) for row in types} >= TYPES - {"boolean"}


def _answer(adhoc: AdHoc, text: str) -> bytes | None:
    """The answer, None when the statement is refused or wrong; errors count as answers."""
    try:
        return adhoc.run(adhoc.guard(text), "TSV", {})
    except RefusedQueryError:
        return None
    except CollectorError as error:
        return str(error).encode()


def test_a_planted_secret_cannot_be_read(adhoc: AdHoc, module_store: Store, tmp_path: Path) -> None:
    """The engine itself could read the file; no statement that passes the guard does."""
    secret = tmp_path / "secret.txt"
    secret.write_text("planted-secret\n")
    with module_store.connect() as unguarded:
        assert unguarded.rows(f"SELECT file('{secret}') AS f") == [{"f": "planted-secret\n"}]
    texts = [*ALLOWED, *(text for text, _ in REFUSED)]
    answers = [
        _answer(adhoc, text.replace("/etc/passwd", str(secret)).replace("ledger.", ""))
        for text in texts
    ]
    assert all(answer is not None for answer in answers[: len(ALLOWED)])
    assert answers[len(ALLOWED) :] == [None] * len(REFUSED)
    assert not any(b"planted-secret" in answer for answer in answers if answer is not None)


@pytest.mark.slow
def test_no_listed_function_takes_a_name_for_a_function(
    adhoc: AdHoc, module_store: Store, tmp_path: Path
) -> None:
    """For the engine arrayMap(file, ...) names a function; what passes does not read the file."""
    secret = tmp_path / "secret.txt"
    secret.write_text("planted-secret\n")
    calls = ("file, ['{s}']", "(file), ['{s}']", "file AS f, ['{s}']", "file, map('{s}', '{s}')",
             "['{s}'], file", "'{s}', file", "file, '{s}'", "1, file, ['{s}']")  # fmt: skip
    read_by_engine = 0
    with module_store.connect() as unguarded:
        names = unguarded.rows("SELECT name FROM system.functions")
        for name in sorted(str(row["name"]) for row in names):
            if name.lower() not in FUNCTIONS:
                continue
            for call in calls:
                text = f"SELECT {name}({call.format(s=secret)}) AS x"
                try:
                    got = unguarded.raw(text, "TSV")
                except CollectorError:
                    continue
                if b"planted-secret" in got:
                    read_by_engine += 1
                    assert _answer(adhoc, text) is None, text
    assert read_by_engine > 0


@pytest.mark.slow
@pytest.mark.parametrize(("text", "told"), ENDLESS)
def test_limits_stand_outside_the_text(adhoc: AdHoc, text: str, told: str) -> None:
    """Rows and memory of an answer are bounded whatever the statement says."""
    with pytest.raises(CollectorError, match=told):
        adhoc.run(adhoc.guard(text), "TSV", {})


def test_the_connection_is_read_only(adhoc: AdHoc) -> None:
    """Should a statement get past the guard, it still cannot write, nor lift its limits."""
    for text in (
        "DROP TABLE runs",
        "INSERT INTO settlements (journal_id) VALUES ('x')",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
    ):
        with pytest.raises(CollectorError, match=r"164|READONLY|readonly"):
            adhoc.run(text, "TSV", {})
