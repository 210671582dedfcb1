"""A pool of its own for each test, in a ledger that a module's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.collector.gpu.pools import Scene

from spanledger_collector.store import Store


@pytest.fixture
def gpus(module_store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    name = request.function.__name__.removeprefix("test_").replace("_", "-")[:40]
    with module_store.connect() as connection:
        yield Scene(module_store, connection, tmp_path, name)
