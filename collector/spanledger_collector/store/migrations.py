"""Brings a database to this version's schema.

``sql/schema/NNNN_<what>.sql`` are applied once, in order, and recorded in ``schema_migrations``
with the hash of their text: a shipped file is never edited, a change is a new file. Where what
settling writes changes, a file asks for it to be written again (``settle_requests``). Views
(``sql/views``) hold no data and are replaced at each start, those they read first. Every statement
can be repeated, so a start that was interrupted is finished by the next one, and two collectors
may start at once.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter

from spanledger_collector import sql
from spanledger_collector.errors import CollectorError, ConfigurationError, PermanentError

from .connection import Connection

_FILE = re.compile(r"(\d{4})_(\w+)")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*'")
_PARAMETER = re.compile(r"\{(\w+):")
_COLUMNS = ("number", "name", "sha256")


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """One numbered statement.

    Attributes:
        number: its place.
        name: file name without ``.sql``.
        text: the statement.
    """

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Hash of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@cache
def schema_files() -> tuple[SchemaFile, ...]:
    """The shipped schema, in order.

    Raises:
        ConfigurationError: two files share a number, or a name has none.
    """
    found: dict[int, SchemaFile] = {}
    for name in sql.names("schema"):
        match = _FILE.fullmatch(name)
        number = int(match.group(1)) if match else -1
        if number < 0 or number in found:
            raise ConfigurationError(
                f"sql/schema/{name}.sql needs a number of its own: NNNN_<what>.sql"
            )
        found[number] = SchemaFile(number, name, sql.read(f"schema/{name}.sql"))
    return tuple(found[number] for number in sorted(found))


@cache
def view_files() -> Mapping[str, str]:
    """Name -> statement of the views, each after those it reads.

    Raises:
        ConfigurationError: views read each other in a circle.
    """
    texts = {name: sql.read(f"views/{name}.sql") for name in sql.names("views")}
    reads = {name: _named_in(text) & set(texts) - {name} for name, text in texts.items()}
    try:
        order = list(TopologicalSorter(reads).static_order())
    except CycleError as error:
        raise ConfigurationError(f"views read each other in a circle: {error.args[1]}") from None
    return {name: texts[name] for name in order}


def parametrized_views() -> Mapping[str, frozenset[str]]:
    """Name -> parameters of the views that are read as ``view(parameter = value, ...)``."""
    found = {name: frozenset(_PARAMETER.findall(text)) for name, text in view_files().items()}
    return {name: parameters for name, parameters in found.items() if parameters}


def migrate(connection: Connection) -> list[str]:
    """Apply what is missing, replace the views.

    Args:
        connection: to the database of the ledger.

    Returns:
        Names of the schema files that were applied now; empty when there was nothing to do.

    Raises:
        ConfigurationError: an applied file has another text now, or the database is newer than
            this program.
        PermanentError: a statement is refused; the message names its file.
        StoreUnavailableError: ClickHouse does not answer; start again.
    """
    files = schema_files()
    _apply(connection, f"schema/{files[0].name}.sql", files[0].text)
    applied = _applied(connection)
    _check(files, applied)
    missing = [file for file in files if file.number not in applied]
    for file in missing:
        _apply(connection, f"schema/{file.name}.sql", file.text)
        row = (file.number, file.name, file.sha256)
        connection.insert_rows("schema_migrations", _COLUMNS, [row])
    for name, text in view_files().items():
        _apply(connection, f"views/{name}.sql", text)
    return [file.name for file in missing]


def _applied(connection: Connection) -> dict[int, tuple[str, str]]:
    rows = connection.rows(sql.read("store/applied_migrations.sql"))
    return {int(str(row["number"])): (str(row["name"]), str(row["sha256"])) for row in rows}


def _check(files: Sequence[SchemaFile], applied: Mapping[int, tuple[str, str]]) -> None:
    known = {file.number: file for file in files}
    newer = [name for number, (name, _) in applied.items() if number not in known]
    if newer:
        raise ConfigurationError(
            f"the database has {newer[-1]}, which this version of spanledger does not know: it was "
            "written by a newer one. Install that version again, or use another database"
        )
    for number, (name, sha256) in applied.items():
        if known[number].sha256 != sha256:
            raise ConfigurationError(
                f"sql/schema/{known[number].name}.sql differs from {name} as it was applied to the "
                "database: an applied file never changes. Put the change into a new file with the "
                "next number; a database that may be lost can be dropped instead"
            )


def _apply(connection: Connection, file: str, text: str) -> None:
    try:
        connection.execute(text)
    except PermanentError as error:
        raise type(error)(f"sql/{file}: {error}") from error
    except CollectorError as error:
        raise type(error)(f"sql/{file}: {error}") from error


def _named_in(text: str) -> set[str]:
    bare = _TEXT.sub("''", _COMMENT.sub(" ", text))
    return set(re.findall(r"[A-Za-z_]\w*", bare))
