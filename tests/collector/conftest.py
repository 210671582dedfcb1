"""One embedded engine a test process, one empty ledger a test.

The engine allows one directory a process, so everything that needs it shares this one:

- ``store``: a migrated, empty ledger of the test's own, embedded;
- ``any_store``: the same, twice: embedded, and through clickhouse-connect's HTTP client (against
  the shim over the same engine, or against the server SPANLEDGER_TEST_CLICKHOUSE_URL names);
- ``store_dsn``: its address, for code that opens a store itself;
- ``fresh_dsn``: the address of a database of the test's own that is not there yet;
- ``module_store``: as ``store``, one for all tests of a module that only read;
- ``unmigrated_store``: as ``any_store``, without tables;
- ``filled``: one settled ledger for all tests that only read (``filled_ledger``);
- ``written``: the same with the runs of ``writer_ledger``, for unit economics;
- ``api``: the collector's API over it, on a port;
- ``gate``: what stands between a collector and a database that is not there yet.
"""

import os
from collections.abc import Iterator
from itertools import count

import pytest
from tests.support import clickhouse_http_shim as shim
from tests.support.filled_ledger import fill
from tests.support.gate import Gate
from tests.support.ledger_pool import LedgerPool, drop
from tests.support.served_ledger import Served, served
from tests.support.writer_ledger import write

from spanledger_collector.store import Store

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


def _names() -> Iterator[str]:
    return (f"test_{_RUN}_{number}" for number in _NUMBERS)


def _database(dsn: str) -> Iterator[str]:
    database = next(_names())
    yield f"{dsn}?database={database}"
    drop(dsn, database)


@pytest.fixture(scope="session")
def pool(engine_dsn: str) -> Iterator[LedgerPool]:
    """Migrated ledgers on the embedded engine."""
    pool = LedgerPool(engine_dsn, _names())
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def http_pool(http_dsn: str) -> Iterator[LedgerPool]:
    """The same over HTTP."""
    pool = LedgerPool(http_dsn, _names())
    yield pool
    pool.close()


@pytest.fixture
def fresh_dsn(engine_dsn: str) -> Iterator[str]:
    """Address of an embedded database that does not exist yet; dropped after the test."""
    yield from _database(engine_dsn)


@pytest.fixture
def fresh_http_dsn(http_dsn: str) -> Iterator[str]:
    """The same over HTTP."""
    yield from _database(http_dsn)


def _opened(dsn: str) -> Iterator[Store]:
    store = Store.open(dsn)
    yield store
    store.close()


@pytest.fixture
def store_dsn(pool: LedgerPool) -> Iterator[str]:
    """The address of ``store``, for code that opens a store itself."""
    with pool.ledger() as dsn:
        yield dsn


@pytest.fixture
def store(store_dsn: str) -> Iterator[Store]:
    """An empty, migrated ledger on the embedded engine."""
    yield from _opened(store_dsn)


@pytest.fixture(scope="module")
def module_store(pool: LedgerPool) -> Iterator[Store]:
    """A migrated ledger on the embedded engine, shared by a module's tests: read only, please."""
    with pool.ledger() as dsn:
        yield from _opened(dsn)


@pytest.fixture(params=["embedded", "http"])
def any_dsn(request: pytest.FixtureRequest) -> str:
    """Address of a fresh database, embedded and over HTTP."""
    name = "fresh_dsn" if request.param == "embedded" else "fresh_http_dsn"
    return str(request.getfixturevalue(name))


@pytest.fixture(params=["embedded", "http"])
def any_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty, migrated ledger, embedded and over HTTP."""
    name = "pool" if request.param == "embedded" else "http_pool"
    pool: LedgerPool = request.getfixturevalue(name)
    with pool.ledger() as dsn:
        yield from _opened(dsn)


@pytest.fixture
def unmigrated_store(any_dsn: str) -> Iterator[Store]:
    """An empty database without tables, embedded and over HTTP."""
    yield from _opened(any_dsn)


@pytest.fixture(scope="session")
def filled(pool: LedgerPool) -> Iterator[Store]:
    """An embedded ledger with the traces of ``filled_ledger``; only to be read."""
    with pool.ledger() as dsn:
        for store in _opened(dsn):
            fill(store)
            yield store


@pytest.fixture(scope="session")
def written(pool: LedgerPool) -> Iterator[Store]:
    """An embedded ledger with the runs of ``writer_ledger``; only to be read."""
    with pool.ledger() as dsn:
        for store in _opened(dsn):
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


@pytest.fixture
def gate(fresh_http_dsn: str) -> Iterator[tuple[Gate, str]]:
    """A closed gate before a database of the test's own, and the database's address through it."""
    where, _, rest = fresh_http_dsn.removeprefix("http://").partition("?")
    with Gate(int(where.rpartition(":")[2].rstrip("/"))) as closed:
        yield closed, f"http://127.0.0.1:{closed.port}?{rest}"
