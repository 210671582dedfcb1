"""Everything of a collector that touches ClickHouse: opened, run and closed off the event loop."""

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import date
from typing import Any

from prometheus_client import CollectorRegistry

from spanledger.hosts import named_providers
from spanledger_collector.config import CollectorConfig
from spanledger_collector.errors import CollectorError, RetryableError, StoreUnavailableError
from spanledger_collector.gpu import Closer, Pool
from spanledger_collector.journal import Journal
from spanledger_collector.load import Loader
from spanledger_collector.pipeline.pulse import Pulse
from spanledger_collector.pipeline.verifier import Verifier
from spanledger_collector.price import PriceBook, publish
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.query.asset_limits import over_capital
from spanledger_collector.serve.adhoc import AdHoc
from spanledger_collector.settle import Settler
from spanledger_collector.store import Store, migrate
from spanledger_collector.store.settle_requests import ask_settling
from spanledger_collector.value import ValueRule
from spanledger_collector.value import publish as publish_values
from spanledger_collector.watch import Rules, Watcher, Webhook

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0


class Engine:
    """The ledger and the stages that write and read it.

    Args:
        config: the collector's settings.
        journal: what is to be loaded.
        book: the prices to publish.
        values: the value rules to publish.
        registry: where the loader's metrics go.
        rules: the budgets and alerts to watch; None = none.
        webhook: told of alerts; None = nobody is.
        pools: the GPUs of one's own.

    Attributes:
        opened: done when the ledger is open, or holds the error that forbids it.
        reader: answers queries; None until the ledger is open.
        settler: None until then.
        watcher: None until then, and without rules.
        verifier: None until then.
        pulse: sees whether the database answers.
    """

    def __init__(
        self,
        config: CollectorConfig,
        journal: Journal,
        book: PriceBook,
        values: Sequence[ValueRule],
        registry: CollectorRegistry,
        *,
        rules: Rules | None = None,
        webhook: Webhook | None = None,
        pools: Sequence[Pool] = (),
    ) -> None:
        self.opened: Future[None] = Future()
        self.reader: DirectReader | None = None
        self.settler: Settler | None = None
        self.watcher: Watcher | None = None
        self.verifier: Verifier | None = None
        self.pulse = Pulse(journal)
        self._rules = rules
        self._webhook = webhook
        self._pools = pools
        self._closer: Closer | None = None
        self._config = config
        self._journal = journal
        self._registry = registry
        self._book = book
        self._values = values
        self._limits = {
            "max_seconds": config.max_query_seconds,
            "max_memory_bytes": config.max_query_memory_bytes,
        }
        self._store: Store | None = None
        self._loader: Loader | None = None
        self._ad_hoc: AdHoc | None = None
        self._stopping = threading.Event()
        # A thread that may be left behind: a server that does not answer must not hold up the end.
        self._opener = threading.Thread(target=self._run, name="spanledger-open", daemon=True)
        self._left_behind = False

    # --- opening --------------------------------------------------------------------------------
    def start(self) -> None:
        """Open the ledger in a thread of its own; :attr:`opened` tells when and whether."""
        self.pulse.start()
        self._opener.start()

    def _run(self) -> None:
        self.opened.set_running_or_notify_cancel()
        try:
            self._open()
        except BaseException as error:  # noqa: BLE001 -- told to whoever waits for `opened`
            self.opened.set_exception(error)
        else:
            self.opened.set_result(None)

    def _open(self) -> None:
        """Open the ledger and start the stages; while the database is away, try again."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            try:
                self._open_store()
            except RetryableError as error:
                _LOG.warning(
                    "the ledger cannot be opened yet; spans wait in the journal, and it is tried "
                    "again in %.0f s: %s",
                    pause_seconds,
                    error,
                )
                self._stopping.wait(pause_seconds)
                pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
            else:
                if not self._left_behind:
                    self._start_stages()
                return

    def _open_store(self) -> None:
        """The store with its tables and prices up to date, and ad-hoc SQL; all or nothing."""
        config = self._config
        with ExitStack() as on_failure:
            store = Store.open(config.database_dsn())
            on_failure.callback(store.close)
            with store.connect() as connection:
                applied = migrate(connection)
                added = publish(connection, self._book)
                publish_values(connection, self._values)
            self._ad_hoc = AdHoc(store, **self._limits) if config.sql_port else None
            on_failure.pop_all()
        self._store = store
        _LOG.info("ledger open: %d migrations applied, %d prices added", len(applied), added)

    def _start_stages(self) -> None:
        config, store = self._config, self._store
        assert store is not None  # noqa: S101 - _open_store() has just set it
        settler = self.settler = Settler(
            store,
            journal_id=self._journal.journal_id,
            resolve=self._book.resolve,
            book_id=self._book.book_id,
            hosts=named_providers(config.providers),
            quiet_seconds=config.settle_quiet_seconds,
        )
        self._loader = Loader(
            self._journal,
            store,
            on_loaded=settler.notify,
            linger_seconds=config.load_linger_seconds,
            batch_spans=config.load_batch_spans,
            registry=self._registry,
        )
        settler.start()
        self._closer = Closer(store, self._pools, settler.settle_traces)
        self._closer.start()
        self._loader.start()
        self.reader = DirectReader(store, **self._limits, max_answer_bytes=config.max_answer_bytes)
        self.pulse.opened(store)
        self.verifier = Verifier(store, config.verify_interval_seconds)
        self.verifier.start()
        if self._rules is not None:
            self.watcher = Watcher(
                self._rules,
                self.reader,
                settled=lambda: settler.settled_traces,
                interval_seconds=config.alert_interval_seconds,
                state_path=config.data_dir / "alerts.json",
                webhook=self._webhook,
            )
            self.watcher.start()

    # --- ad-hoc SQL -----------------------------------------------------------------------------
    def guard(self, statement: str) -> str:
        """An ad-hoc statement made safe, or refused (see ``serve/sqlguard.py``)."""
        return self._opened_ad_hoc().guard(statement)

    def run_sql(self, statement: str, fmt: str, parameters: Mapping[str, object]) -> bytes:
        """The answer to a statement that :meth:`guard` gave, in a ClickHouse format."""
        return self._opened_ad_hoc().run(statement, fmt, parameters)

    def _opened_ad_hoc(self) -> AdHoc:
        if self._ad_hoc is None:
            raise StoreUnavailableError("the ledger is still being opened; ask again in a second")
        return self._ad_hoc

    # --- what is settled again ------------------------------------------------------------------
    def settle_again(self, workspace: str, trace_id: str, first_day: date, last_day: date) -> int:
        """Have traces settled again beside what arrives; see :func:`.ask_settling`.

        Raises:
            StoreUnavailableError: the ledger is not open yet.
        """
        if self._store is None or self.settler is None:
            raise StoreUnavailableError("the ledger is still being opened; ask again in a second")
        with self._store.connect() as connection:
            traces = ask_settling(
                connection,
                reason="spanledger settle",
                workspace=workspace,
                trace_id=trace_id,
                first_day=first_day,
                last_day=last_day,
            )
        self.settler.notify_requested()
        return traces

    # --- what records ask -----------------------------------------------------------------------
    def refused_records(
        self, records: Mapping[int, Mapping[str, object]], workspace: str
    ) -> Mapping[int, str]:
        """Records that take more out of an asset than the books have, by their places, and why.

        None while the books cannot be read: the ledger grants no more than is left, whenever an
        entry arrives, and shows what was asked beyond that.
        """
        if self.reader is None:
            return {}
        try:
            return over_capital(Ledger(self.reader, workspace=workspace).query, records)
        except CollectorError as error:
            _LOG.warning("records about assets are stored without a look at the books: %s", error)
            return {}

    def health(self) -> dict[str, Any]:
        """What the stages say of themselves."""
        settler = self.settler
        return {
            "ledger": self._config.redacted_dsn(),
            "database_up": self.pulse.database_up,
            "settled_traces": settler.settled_traces if settler else 0,
            "failed_traces": settler.failed_traces if settler else 0,
            "parked_traces": settler.parked.count("waits") if settler else 0,
            "refused_traces": settler.parked.count("refused") if settler else 0,
            "requested_traces": settler.requested_traces if settler else 0,
        }

    # --- the end --------------------------------------------------------------------------------
    @property
    def left_behind(self) -> bool:
        """After :meth:`stop`: a statement still runs, in a thread that nobody waits for."""
        return self._left_behind

    def stop(self, grace_seconds: float) -> None:
        """Load and settle what is in the journal, then stop.

        Args:
            grace_seconds: about how long each of opening, loading and settling may still take;
                what is not done then is done after the next start.
        """
        self._stopping.set()
        self.pulse.stop(1.0)
        if self._opener.ident is not None:
            self._opener.join(grace_seconds)
        if self._opener.is_alive():
            self._left_behind = True
            _LOG.warning("the ledger did not open in time: spans wait in the journal")
            return
        if self._loader is not None and not self._loader.stop(
            drain=True, timeout_seconds=grace_seconds
        ):
            self._left_behind = self._loader.running
            _LOG.warning("not everything could be loaded: the rest waits in the journal")
        if self._closer is not None:
            self._left_behind |= not self._closer.stop(grace_seconds)
        if self.verifier is not None:
            self._left_behind |= not self.verifier.stop(grace_seconds)
        if self.settler is not None:
            self._stop_settler(self.settler, grace_seconds)
        if self.watcher is not None:
            self.watcher.stop(grace_seconds)
            self._left_behind |= self.watcher.running

    def _stop_settler(self, settler: Settler, grace_seconds: float) -> None:
        """In a thread that may be left behind, for what it asks may never be answered."""
        drain = not self._left_behind
        stopped: list[bool] = []

        def stop() -> None:
            try:
                stopped.append(settler.stop(drain=drain, timeout_seconds=grace_seconds))
            except CollectorError as error:
                stopped.append(False)
                _LOG.warning("settling at the end failed: %s", error)

        stopper = threading.Thread(target=stop, name="spanledger-settle-stop", daemon=True)
        stopper.start()
        stopper.join(2 * grace_seconds)
        if stopped != [True]:
            _LOG.warning("not everything could be settled: the rest is settled at the next start")
        self._left_behind |= stopper.is_alive() or settler.running

    def close(self) -> None:
        """Give the engine back."""
        if self._left_behind:
            _LOG.warning("a statement that does not end is left to the end of the process")
            return
        for user in (self.reader, self._ad_hoc, self._store):
            if user is not None:
                user.close()
