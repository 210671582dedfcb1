"""One collector process for the end-to-end tests that only read or add traces of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.running import RunningCollector


@pytest.fixture(scope="session")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    with RunningCollector(tmp_path_factory.mktemp("collector") / "data") as running:
        running.wait_ready()
        yield running
