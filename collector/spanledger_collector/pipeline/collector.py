"""One collector: what is started, in which order, and how it ends.

Order of starting: journal, API and receivers first (stock exporters give up about seven seconds
after the first refusal), then the engine, which takes a second or two; until it is open the API
answers 503 and the journal simply grows. Order of stopping is the reverse: receivers, loader and
settler (drained), API, engine, journal. What cannot be started gives back what was.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from spanledger_collector.access import Keyring, WrongKeys
from spanledger_collector.config import CollectorConfig
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.gpu import read_pools
from spanledger_collector.http_server import HttpServer
from spanledger_collector.journal import Journal
from spanledger_collector.pipeline import book_age
from spanledger_collector.pipeline.engine import Engine
from spanledger_collector.pipeline.metrics import PipelineMetrics
from spanledger_collector.price import PriceBook
from spanledger_collector.receive import Receiver
from spanledger_collector.scrape import Scraper, read_targets
from spanledger_collector.serve.answers import Sending
from spanledger_collector.serve.api import Api
from spanledger_collector.serve.clickhouse_http import ClickHouseHttp
from spanledger_collector.serve.loopback import AllowedHosts, allowed, check_host, is_loopback
from spanledger_collector.store.address import Address
from spanledger_collector.tls import Tls, TlsFiles
from spanledger_collector.value import read_rules
from spanledger_collector.watch import Picture, Rules, WatchMetrics, Webhook
from spanledger_collector.watch import read_rules as read_watch_rules
from spanledger_collector.web import Guarded, Web

#: Of the largest size, made and not sent yet.
_ANSWERS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a started collector listens; 0 = not listening."""

    grpc: int
    http: int
    api: int
    sql: int


class Collector:
    """One collector process; started once.

    Args:
        config: its settings.
        stop_grace_seconds: about how long each stage may take to finish when it is stopped.

    Raises:
        ConfigurationError: the settings cannot work, alone or together.
    """

    def __init__(self, config: CollectorConfig, *, stop_grace_seconds: float = 10.0) -> None:
        self._keys = Keyring(config.keys_path())
        self._tls = _tls(config)
        _check(config, self._keys, self._tls)
        self._grace_seconds = stop_grace_seconds
        self._config = config
        self._book = PriceBook.shipped(config.prices_file, book_file=config.price_book)
        self._values = read_rules(config.value_file) if config.value_file else []
        self._pools = read_pools(config.gpu_file) if config.gpu_file else []
        self._targets = read_targets(config.engines_file) if config.engines_file else ()
        book_age.tell(self._book, config.price_book_max_age_days)
        self._rules = None if config.alerts_file is None else read_watch_rules(config.alerts_file)
        self._registry = CollectorRegistry()
        self._wrong_keys = WrongKeys(self._registry)
        self._held = AsyncExitStack()
        self._is_stopping = False
        self._engine: Engine | None = None

    async def start(self) -> Ports:
        """Accept spans; returns as soon as they are accepted, before the engine is open.

        Raises:
            ConfigurationError: the data directory or a port cannot be used; nothing is held then.
        """
        async with AsyncExitStack() as held:
            ports = await self._start(held)
            self._held = held.pop_all()
        return ports

    async def opened(self) -> None:
        """Wait until the ledger is open and being written.

        Raises:
            CollectorError: it cannot be opened; the journal goes on accepting.
        """
        if self._engine is not None:
            await asyncio.shield(asyncio.wrap_future(self._engine.opened))

    async def stop(self) -> None:
        """Stop accepting, bring what was acknowledged into the ledger, and close.

        Takes a bounded time: what does not get into the ledger waits in the journal for the next
        start. May be called twice.
        """
        self._is_stopping = True
        held, self._held = self._held, AsyncExitStack()
        await held.aclose()

    @property
    def left_behind(self) -> bool:
        """After :meth:`stop`: the ledger still works on a statement, nobody waits for it.

        An embedded engine that does must not see the interpreter take itself apart: end the process
        with ``os._exit``. Nothing is lost, what was acknowledged waits in the journal.
        """
        return self._engine is not None and self._engine.left_behind

    async def _start(self, held: AsyncExitStack) -> Ports:
        config, registry = self._config, self._registry
        journal = Journal.open(config.journal_dir(), max_bytes=config.max_journal_bytes)
        held.push_async_callback(asyncio.to_thread, journal.close)
        webhook = _webhook(self._rules, config.webhook_secret)
        engine = self._engine = Engine(
            config,
            journal,
            self._book,
            self._values,
            registry,
            rules=self._rules,
            webhook=webhook,
            pools=self._pools,
        )
        held.push_async_callback(asyncio.to_thread, engine.close)
        registry.register(PipelineMetrics(journal, engine, self._book))
        registry.register(WatchMetrics(lambda: engine.watcher, webhook))
        names = allowed(config.host, config.allowed_hosts)
        receiver = Receiver(
            config,
            journal.append,
            self._keys,
            registry,
            tls=self._tls,
            review=engine.refused_records,
            wrong_keys=self._wrong_keys,
            check_host=partial(check_host, names=names) if names else None,
        )
        api, sql = await self._serve(held, journal, engine, receiver)
        held.push_async_callback(asyncio.to_thread, engine.stop, self._grace_seconds)
        held.push_async_callback(receiver.stop, self._grace_seconds)
        bound = await receiver.start()
        engine.start()
        scraper = Scraper(self._targets, receiver.scraped, registry)
        held.push_async_callback(scraper.stop)
        scraper.start()
        alarm = asyncio.create_task(book_age.tell_daily(self._book, config.price_book_max_age_days))
        held.push_async_callback(_ended, alarm)
        return Ports(grpc=bound.grpc, http=bound.http, api=api, sql=sql)

    async def _serve(
        self, held: AsyncExitStack, journal: Journal, engine: Engine, receiver: Receiver
    ) -> tuple[int, int]:
        """Listen for readers; returns the ports of the API and of SQL (0 = off)."""
        config = self._config

        def watched() -> Picture | None:
            return engine.watcher.picture if engine.watcher is not None else None

        web = Web(reader=lambda: engine.reader, watched=watched)
        held.push_async_callback(asyncio.to_thread, web.close)
        api = Api(
            reader=lambda: engine.reader,
            health=lambda: _health(journal, engine, is_stopping=self._is_stopping),
            registry=self._registry,
            guard=engine.guard if config.sql_port else None,
            records=receiver.http,
            settle=engine.settle_again,
            watched=watched,
            pages=web.routes,
            authenticate=self._keys,
            wrong_keys=self._wrong_keys,
            sending=Sending(_ANSWERS_AT_ONCE * config.max_answer_bytes),
        )
        names = allowed(config.host, config.allowed_hosts)
        app = Guarded(AllowedHosts(api.app, names) if names else api.app)
        api_port = await self._listen(held, app, api.close, config.api_port, "API")
        if not config.sql_port:
            return api_port, 0
        sql = ClickHouseHttp(
            engine.guard, engine.run_sql, authenticate=self._keys, wrong_keys=self._wrong_keys
        )
        port = max(config.sql_port, 0)
        return api_port, await self._listen(held, sql.app, sql.close, port, "SQL endpoint")

    async def _listen(
        self, held: AsyncExitStack, app: Any, close: Callable[[], None], port: int, name: str
    ) -> int:
        held.push_async_callback(asyncio.to_thread, close)
        server = HttpServer(app, self._config.host, port, name=name, tls=self._tls)
        held.push_async_callback(server.stop, self._grace_seconds)
        return await server.start()


def _webhook(rules: Rules | None, secret: str) -> Webhook | None:
    target = rules.webhook if rules is not None else None
    return None if target is None else Webhook(target, secret)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _health(journal: Journal, engine: Engine, *, is_stopping: bool) -> dict[str, Any]:
    """The collector's account of itself, for ``/healthz`` and ``/readyz``."""
    backlog = journal.backlog()
    refuses = [
        reason
        for reason, holds in (
            ("it is stopping", is_stopping),
            (
                "the disk does not take what is to be written to the journal",
                not journal.is_writable,
            ),
            ("the journal is full of what is not loaded yet", journal.is_full),
        )
        if holds
    ]
    unready = ["no ledger is open"] if engine.reader is None else []
    unready += ["the database does not answer"] if engine.pulse.database_up is False else []
    return {
        "ready": not refuses and not unready,
        "receiving": not refuses,
        "reasons": [*refuses, *unready],
        "journal": {
            "records": backlog.records,
            "bytes": backlog.bytes,
            "oldest_age_seconds": backlog.oldest_age_seconds,
        },
        **engine.health(),
    }


def _tls(config: CollectorConfig) -> Tls | None:
    certificate, key = config.tls_certificate, config.tls_key
    if certificate is None or key is None:
        if certificate or key or config.tls_client_ca:
            raise ConfigurationError(
                "TLS needs both SPANLEDGER_TLS_CERTIFICATE and SPANLEDGER_TLS_KEY"
            )
        return None
    return Tls(TlsFiles(certificate, key, config.tls_client_ca))


def _check(config: CollectorConfig, keys: Keyring, tls: Tls | None) -> None:
    """Refuse settings that cannot work or are unsafe together, before anything is opened."""
    Address.parse(config.database_dsn())
    asked = keys.needs_keys or (tls is not None and tls.asks_clients)
    reached = config.published_on or config.host
    if not is_loopback(reached) and not asked and not config.insecure:
        raise ConfigurationError(
            f"on {reached!r} other machines could send and read without a key; make one with "
            f"`spanledger keys add` (keys are in {config.keys_path()}), let clients show a "
            "certificate (SPANLEDGER_TLS_CLIENT_CA), or use --insecure where a proxy in front asks "
            "for passwords"
        )
    if config.sql_port and not is_loopback(config.host):
        raise ConfigurationError(
            f"ad-hoc SQL listens on the loopback address only, not on {config.host!r}; "
            "leave --sql out, or use --host 127.0.0.1"
        )
