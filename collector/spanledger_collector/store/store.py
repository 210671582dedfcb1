"""An open ledger: gives connections, and closes them all.

The embedded engine lives as long as one of its connections, so a store keeps one of its own. One
process may open one engine directory, and one directory may be open in one process; several
databases in it are fine. Never fork after opening: the child's first query would hang.
"""

import os
import threading
from collections.abc import Mapping
from importlib.resources import files as resource_files
from pathlib import Path
from weakref import WeakSet

from clickhouse_connect.driver.exceptions import ClickHouseError, ProgrammingError

from spanledger_collector.errors import CollectorError, ConfigurationError, NotFoundError

from .address import Address
from .connection import Connection, Settings
from .driver import Driver, Values, open_driver
from .failures import detail, translate, translated

GIB = 1 << 30
DEFAULT_ENGINE_MEMORY_BYTES = 4 * GIB

_CONNECT_SECONDS = 10
# How long an answer may be late: beyond the time that a statement is allowed to run.
_LATE_SECONDS = 30

# Every call carries limits; a caller may lower or raise them for one connection or statement.
_DEFAULTS: Mapping[str, object] = {
    "max_memory_usage": 2 * GIB,
    "max_execution_time": 120,
    "async_insert": 0,  # an insert that returned is stored; nothing waits in a buffer
    "session_timezone": "UTC",
    # A batch may hold spans of any month since 2020; refused by default above 100 partitions.
    "max_partitions_per_insert_block": 0,
    # On a cluster: an insert returns when its shards have it; joins by trace stay on the shard.
    "distributed_foreground_insert": 1,
    "distributed_product_mode": "local",
    # Looks for `a < b AND b < 1` by hashing the whole statement again and again: on statements as
    # long as ours it takes up to half of the time to plan them, and finds nothing.
    "optimize_and_compare_chain": 0,
}


class Store:
    """A ledger that is open.

    Args:
        address: where it is.
        engine_memory_bytes: cap of the embedded engine as a whole.
        create: make the database if it is missing.
    """

    def __init__(self, address: Address, engine_memory_bytes: int, *, create: bool) -> None:
        self.address = address
        if not create:
            _expect_engine(address)
        self._options = _engine_options(address, engine_memory_bytes)
        self._lock = threading.Lock()
        self._opened: WeakSet[Connection] = WeakSet()  # a dropped one closes itself
        self._keeper = self._client(None, {})
        try:
            self._find_database(create=create)
        except CollectorError:
            self._keeper.close()
            raise

    @classmethod
    def open(
        cls,
        dsn: str,
        *,
        database: str | None = None,
        engine_memory_bytes: int = DEFAULT_ENGINE_MEMORY_BYTES,
        create: bool = True,
    ) -> "Store":
        """Open a ledger; its database is created if it is missing, its tables are not.

        Args:
            dsn: ``chdb:///path`` or ``http(s)://user:password@host:port/database``.
            database: wins over the one in the DSN; default ``spanledger``.
            engine_memory_bytes: cap of the embedded engine as a whole.
            create: False for readers: nothing is made, no directory and no database.

        Raises:
            ConfigurationError: the address, the rights or the directory cannot work.
            NotFoundError: there is no ledger, and none is to be made.
            StoreUnavailableError: nothing answers there.
        """
        return cls(Address.parse(dsn, database), engine_memory_bytes, create=create)

    def connect(self, settings: Settings | None = None) -> Connection:
        """A new connection, for one thread.

        Args:
            settings: for every statement on it, such as ``max_execution_time``.

        Raises:
            StoreUnavailableError: nothing answers.
        """
        client = self._client(self.address.database, {**_DEFAULTS, **(settings or {})})
        connection = Connection(
            client, embedded=self.address.embedded, database=self.address.database
        )
        with self._lock:
            self._opened.add(connection)
        return connection

    def close(self) -> None:
        """Close every connection that was given out, and the engine if it is embedded."""
        with self._lock:
            opened, self._opened = list(self._opened), WeakSet()
        for connection in opened:
            connection.close()
        self._keeper.close()

    def _find_database(self, *, create: bool) -> None:
        name = self.address.database
        with translated(f"opening the database {name}"):
            if not create and self._keeper.command(f"EXISTS TABLE {name}.runs") != 1:
                raise NotFoundError(
                    f"there is no ledger in {self.address.shown}; `spanledger up` makes one, or "
                    "name another database at the end of the address"
                )
            # Asked first, because a user who may only read may not say CREATE.
            if create and self._keeper.command(f"EXISTS DATABASE {name}") != 1:
                self._keeper.command(f"CREATE DATABASE IF NOT EXISTS {name} ENGINE = Atomic")

    def _client(self, database: str | None, settings: Settings) -> Driver:
        address = self.address
        arguments: Values = {
            "database": database,
            "settings": dict(settings),
            "tz_mode": "aware",
            **self._options,
        }
        if not address.embedded:
            allowed_seconds = int(str(settings.get("max_execution_time", 0)))
            arguments["send_receive_timeout"] = allowed_seconds + _LATE_SECONDS
        try:
            return open_driver(**arguments)
        except ProgrammingError as error:
            raise _refused(error, address) from error
        except ClickHouseError as error:
            raise translate(error, f"connecting to {address.shown}") from error


def _expect_engine(address: Address) -> None:
    """Refuse a directory that no engine has written: opening it would fill it.

    Raises:
        NotFoundError: it is not there, or holds something else.
    """
    if address.path is not None and not (address.path / "metadata").is_dir():
        raise NotFoundError(
            f"there is no embedded ledger in {address.path}; `spanledger up --data-dir` makes one "
            "(its ledger lies in the folder `ledger` below)"
        )


def _engine_options(address: Address, memory_bytes: int) -> Values:
    if address.path is None:
        return {
            "interface": address.scheme,
            "host": address.host,
            "port": address.port,
            "username": address.user or None,
            "password": address.password,
            "connect_timeout": _CONNECT_SECONDS,
            "autogenerate_session_id": False,  # a session would tie us to one node of a cluster
        }
    config = _write_engine_config(address.path, memory_bytes)
    return {
        "interface": "chdb",
        "path": str(address.path),
        "chdb_options": {"config-file": str(config)},
    }


def _write_engine_config(path: Path, memory_bytes: int) -> Path:
    template = (
        resource_files(__name__.rpartition(".")[0])
        .joinpath("engine.xml")
        .read_text(encoding="utf-8")
    )
    config = path.with_name(f"{path.name}.engine.xml")
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = config.with_name(f"{config.name}.{os.getpid()}.{threading.get_ident()}")
        fresh.write_text(template.format(memory_bytes=memory_bytes), encoding="utf-8")
        fresh.replace(config)
    except OSError as error:
        raise ConfigurationError(
            f"the ledger's directory {path} cannot be written ({error.strerror}); "
            "choose another one, or change its owner"
        ) from error
    return config


def _refused(error: ProgrammingError, address: Address) -> CollectorError:
    """The engine's directory cannot be opened: nearly always somebody else has it open."""
    if not address.embedded:
        return translate(error, f"connecting to {address.shown}")
    return ConfigurationError(
        f"the embedded ledger {address.path} cannot be opened: {detail(error)}. "
        "Only one process may have it open: ask that collector's API instead "
        "(spanledger://127.0.0.1:4319), or stop it"
    )
