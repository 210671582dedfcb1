"""A filled ledger and the collector's real API over it, on a real port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter
from tests.support.serving import serving

from spanledger_collector.query import DirectReader, Reader
from spanledger_collector.serve.adhoc import AdHoc
from spanledger_collector.serve.answers import Sending
from spanledger_collector.serve.api import Api, Watched
from spanledger_collector.store import Store
from spanledger_collector.store.settle_requests import ask_settling
from spanledger_collector.web import Guarded, Web


@dataclass
class Served:
    """An API on a port.

    Attributes:
        url: ``http://host:port``.
        address: the same as a ledger address.
        reader: what the API asks; None = the ledger is still being opened.
        health: what ``/healthz`` tells.
        watched: budgets and alerts; None = none are watched.
    """

    url: str
    address: str
    reader: Reader | None
    health: dict[str, Any]
    watched: Watched | None = None


@contextmanager
def served(store: Store, *, sql: bool = True, sending: Sending | None = None) -> Generator[Served]:
    """The API over a store, as the pipeline sets it up."""
    reader = DirectReader(store)
    ad_hoc = AdHoc(store, max_seconds=10, max_memory_bytes=1 << 28)
    registry = CollectorRegistry()
    Counter("spanledger_example", "A counter.", registry=registry).inc()
    state = Served(url="", address="", reader=reader, health={"ready": True})
    guard: Callable[[str], str] | None = ad_hoc.guard if sql else None
    web = Web(reader=lambda: state.reader, watched=lambda: state.watched)
    api = Api(
        reader=lambda: state.reader, health=lambda: state.health, registry=registry, guard=guard,
        watched=lambda: state.watched, pages=web.routes, sending=sending,
        settle=partial(_settle, store),
    )  # fmt: skip
    try:
        with serving(Guarded(api.app)) as where:
            state.url, state.address = f"http://{where}", f"spanledger://{where}"
            yield state
    finally:
        web.close()
        api.close()
        ad_hoc.close()
        reader.close()


def _settle(store: Store, *asked: Any) -> int:
    """As a collector's engine, without a settler."""
    workspace, trace_id, first_day, last_day = asked
    with store.connect() as connection:
        return ask_settling(
            connection, reason="a test", workspace=workspace, trace_id=trace_id,
            first_day=first_day, last_day=last_day,
        )  # fmt: skip


class HeldReader:
    """A reader whose answers wait until somebody lets them go."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.asked = threading.Event()
        self.release = threading.Event()

    def rows(self, name: str, parameters: Any) -> list[dict[str, Any]]:
        self.asked.set()
        assert self.release.wait(300)
        return self._reader.rows(name, parameters)

    def arrow(self, name: str, parameters: Any) -> Any:
        return self._reader.arrow(name, parameters)

    def sql(self, text: str) -> Any:
        return self._reader.sql(text)

    def close(self) -> None:
        self._reader.close()
