"""Where a ledger is, read from one DSN.

==========================================  ============================================
``chdb:///var/lib/spanledger/ledger``       embedded: the engine in this process, that directory
``http://user:password@host:8123/database`` one ClickHouse server (or a node of a cluster)
``https://...``                             the same over TLS
==========================================  ============================================

``?database=name`` names the database in either form; without one it is ``spanledger``.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from spanledger_collector.errors import ConfigurationError

DEFAULT_DATABASE = "spanledger"
_DATABASE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_EMBEDDED = "chdb"
_DEFAULT_PORTS = {"http": 8123, "https": 8443}


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed DSN.

    Attributes:
        scheme: ``chdb``, ``http`` or ``https``.
        database: database of the ledger.
        path: directory of the embedded engine; None for a server.
        host: host of the server; empty when embedded.
        port: port of the server; 0 when embedded.
        user: user of the server; empty = the server's default user.
        password: never shown.
    """

    scheme: str
    database: str
    path: Path | None = None
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def embedded(self) -> bool:
        """The engine runs in this process."""
        return self.scheme == _EMBEDDED

    @property
    def shown(self) -> str:
        """The address for messages and logs: no user, no password."""
        where = str(self.path) if self.embedded else f"{self.host}:{self.port}"
        return f"{self.scheme}://{where} (database {self.database})"

    @classmethod
    def parse(cls, dsn: str, database: str | None = None) -> "Address":
        """Read a DSN.

        Args:
            dsn: see the module's table.
            database: wins over the one named in the DSN.

        Raises:
            ConfigurationError: the DSN cannot be used; the message never repeats a password.
        """
        parts = _split(dsn)
        asked = parse_qs(parts.query, keep_blank_values=True)
        unknown = sorted(set(asked) - {"database"})
        if unknown:
            raise ConfigurationError(
                f"the ledger's address has an unknown option {unknown[0]!r}; only database is known"
            )
        named = database or asked.get("database", [""])[-1]
        if parts.scheme == _EMBEDDED:
            return _embedded(parts, named or DEFAULT_DATABASE)
        return _server(parts, named)


def _split(dsn: str) -> SplitResult:
    try:
        parts = urlsplit(dsn)
        parts.port  # noqa: B018 -- reading it is what checks it
    except ValueError:
        # The error would repeat what it takes for a port: part of a password with / or # in it.
        raise ConfigurationError(
            "the ledger's address cannot be read: the port must be a number, an IPv6 address "
            "stands in brackets, and / ? # in a user name or password are written %2F %3F %23"
        ) from None
    if parts.scheme != _EMBEDDED and parts.scheme not in _DEFAULT_PORTS:
        raise ConfigurationError(
            f"the ledger's address starts with {parts.scheme or 'nothing'!r}; use chdb:///path or "
            "http(s)://user:password@host:port/database"
        )
    return parts


def _embedded(parts: SplitResult, database: str) -> Address:
    path = unquote(parts.netloc + parts.path)
    if not path:
        raise ConfigurationError("chdb:// needs a directory, such as chdb:///var/lib/spanledger")
    return Address(scheme=_EMBEDDED, database=_checked(database), path=Path(path).resolve())


def _server(parts: SplitResult, named: str) -> Address:
    if not parts.hostname:
        raise ConfigurationError(f"{parts.scheme}:// needs a host, such as http://localhost:8123")
    database = named or unquote(parts.path.strip("/")) or DEFAULT_DATABASE
    return Address(
        scheme=parts.scheme,
        database=_checked(database),
        host=parts.hostname,
        port=parts.port or _DEFAULT_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _checked(database: str) -> str:
    if not _DATABASE_NAME.fullmatch(database):
        raise ConfigurationError(
            f"{database!r} cannot be a database name: use letters, digits and underscores"
        )
    return database
