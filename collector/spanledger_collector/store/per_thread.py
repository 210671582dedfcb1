"""One connection a thread, opened when the thread first needs it: for pools that run queries."""

import threading

from .connection import Connection, Settings
from .store import Store


class ThreadConnections:
    """The connections of a pool's threads.

    Args:
        store: the open ledger.
        settings: for every statement on them.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._local = threading.local()
        self._lock = threading.Lock()
        self._opened: list[Connection] = []

    def mine(self) -> Connection:
        """The connection of the calling thread.

        Raises:
            StoreUnavailableError: it is the first call, and nothing answers.
        """
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._store.connect(self._settings)
            self._local.connection = connection
            with self._lock:
                self._opened.append(connection)
        return connection

    def close(self) -> None:
        """Close the connections of every thread; the threads are done with them."""
        with self._lock:
            opened, self._opened = self._opened, []
        for connection in opened:
            connection.close()
