"""One embedded engine a test process, one fresh database a test.

The engine allows one directory a process, so everything that needs it shares this one:

- ``store``: a migrated, empty ledger of the test's own, embedded;
- ``any_store``: the same, twice: embedded, and through clickhouse-connect's HTTP client (against
  the shim over the same engine, or against the server SPANLEDGER_TEST_CLICKHOUSE_URL names);
- ``fresh_dsn``: for code that opens a store itself: the address of a database of the test's own;
- ``module_store``: as ``store``, one for all tests of a module that only read;
- ``unmigrated_store``: as ``any_store``, without tables;
- ``filled``: one settled ledger for all tests that only read (``filled_ledger``);
- ``written``: the same with the runs of ``writer_ledger``, for unit economics;
- ``api``: the collector's API over it, on a port.
"""

import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from tests.support import clickhouse_http_shim as shim
from tests.support.filled_ledger import fill
from tests.support.served_ledger import Served, served
from tests.support.writer_ledger import write

from spanledger_collector.errors import PermanentError
from spanledger_collector.store import Connection, Store, migrate

_NUMBERS = count(1)
_RUN = os.getpid()


@pytest.fixture(scope="session")
def engine_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of this process's embedded engine; open for the whole session."""
    dsn = f"chdb://{tmp_path_factory.mktemp('engine') / 'ledger'}"
    keeper = Store.open(dsn, database="keeper")
    yield dsn
    keeper.close()


@pytest.fixture(scope="session")
def http_dsn(engine_dsn: str) -> Iterator[str]:
    """Address of a ClickHouse that is spoken to over HTTP."""
    real = os.environ.get("SPANLEDGER_TEST_CLICKHOUSE_URL")
    if real:
        yield real
        return
    with shim.serve(shim.app(engine_dsn.removeprefix("chdb://"))) as port:
        yield f"http://127.0.0.1:{port}"


def _database(dsn: str) -> Iterator[str]:
    database = f"test_{_RUN}_{next(_NUMBERS)}"
    yield f"{dsn}?database={database}"
    keeper = Store.open(dsn, database="keeper")
    with keeper.connect() as connection:
        _drop(connection, database)
    keeper.close()


def _drop(connection: Connection, database: str, tries: int = 20) -> None:
    """Drop it; a collector that was stopped early may still be making its tables."""
    for left in reversed(range(tries)):
        try:
            connection.execute(f"DROP DATABASE IF EXISTS {database} SYNC")
        except PermanentError as error:
            if "DATABASE_NOT_EMPTY" not in str(error) or not left:
                raise
            time.sleep(0.5)
        else:
            return


@pytest.fixture
def fresh_dsn(engine_dsn: str) -> Iterator[str]:
    """Address of an embedded database that does not exist yet; dropped after the test."""
    yield from _database(engine_dsn)


@pytest.fixture
def fresh_http_dsn(http_dsn: str) -> Iterator[str]:
    """The same over HTTP."""
    yield from _database(http_dsn)


def _opened(dsn: str, *, migrated: bool) -> Iterator[Store]:
    store = Store.open(dsn)
    if migrated:
        with store.connect() as connection:
            migrate(connection)
    yield store
    store.close()


@contextmanager
def migrated_database(dsn: str) -> Generator[Store]:
    """A migrated, empty ledger for as long as the block runs, for fixtures of other folders."""
    for address in _database(dsn):
        yield from _opened(address, migrated=True)


@pytest.fixture
def store(fresh_dsn: str) -> Iterator[Store]:
    """An empty, migrated ledger on the embedded engine."""
    yield from _opened(fresh_dsn, migrated=True)


@pytest.fixture(scope="module")
def module_store(engine_dsn: str) -> Iterator[Store]:
    """A migrated ledger on the embedded engine, shared by a module's tests: read only, please."""
    for dsn in _database(engine_dsn):
        yield from _opened(dsn, migrated=True)


@pytest.fixture(params=["embedded", "http"])
def any_dsn(request: pytest.FixtureRequest) -> str:
    """Address of a fresh database, embedded and over HTTP."""
    name = "fresh_dsn" if request.param == "embedded" else "fresh_http_dsn"
    return str(request.getfixturevalue(name))


@pytest.fixture
def any_store(any_dsn: str) -> Iterator[Store]:
    """An empty, migrated ledger, embedded and over HTTP."""
    yield from _opened(any_dsn, migrated=True)


@pytest.fixture
def unmigrated_store(any_dsn: str) -> Iterator[Store]:
    """An empty database without tables, embedded and over HTTP."""
    yield from _opened(any_dsn, migrated=False)


@pytest.fixture(scope="session")
def filled(engine_dsn: str) -> Iterator[Store]:
    """An embedded ledger with the traces of ``filled_ledger``; only to be read."""
    for dsn in _database(engine_dsn):
        for store in _opened(dsn, migrated=True):
            fill(store)
            yield store


@pytest.fixture(scope="session")
def written(engine_dsn: str) -> Iterator[Store]:
    """An embedded ledger with the runs of ``writer_ledger``; only to be read."""
    for dsn in _database(engine_dsn):
        for store in _opened(dsn, migrated=True):
            write(store)
            yield store


@pytest.fixture
def written_dsn(written: Store) -> str:
    """Its address, for code that opens a store itself."""
    return f"chdb://{written.address.path}?database={written.address.database}"


@pytest.fixture
def filled_dsn(filled: Store) -> str:
    """Its address, for code that opens a store itself."""
    return f"chdb://{filled.address.path}?database={filled.address.database}"


@pytest.fixture
def api(filled: Store) -> Iterator[Served]:
    """The collector's API over the filled ledger, with SQL on."""
    with served(filled) as running:
        yield running
