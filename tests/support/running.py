"""A collector in a process of its own, for tests and benchmarks: started, asked, killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

from spanledger_collector.query import Ledger, RemoteReader

_PATIENCE_SECONDS = 240.0


@final
class RunningCollector:
    """``spanledger up`` on free ports, with SQL on.

    Args:
        folder: its data directory; a second collector on the same directory continues the ledger.
        options: more arguments for ``spanledger up``.
        within: what stands before the command.
    """

    def __init__(self, folder: Path, *options: str, within: Sequence[str] = ()) -> None:
        command = [
            *within, sys.executable, "-m", "spanledger_collector.cli", "up", "--json", "--sql",
            "--data-dir", str(folder), "--grpc-port", "0", "--http-port", "0", "--api-port", "0",
            "--sql-port", "-1", *options,
        ]  # fmt: skip
        self.log = folder.with_suffix(".log")
        folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the collector did not start: {self.log.read_text()[-2000:]}"
        ports: dict[str, Any] = json.loads(line)
        self.grpc_port: int = ports["grpc_port"]
        self.http_port: int = ports["http_port"]
        self.api_port: int = ports["api_port"]
        self.sql_port: int = ports["sql_port"]
        self.address = f"spanledger://127.0.0.1:{self.api_port}"
        self.reader = RemoteReader(f"http://127.0.0.1:{self.api_port}")

    def __enter__(self) -> RunningCollector:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """SIGTERM, and wait until everything is stored."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(180)
        self._close_pipe()

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self.process.wait(180)
        self._close_pipe()

    def ledger(self) -> Ledger:
        """The ledger, through the API."""
        return Ledger.connect(self.address)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Ad-hoc SQL."""
        return self.reader.sql(statement).to_pylist()

    def count(self, statement: str) -> int:
        """One number from ad-hoc SQL (0 while the ledger is still being opened)."""
        return int(self.reader.sql(statement).column(0)[0].as_py())

    def wait_ready(self) -> None:
        """Until the ledger is open."""
        self.wait_until(lambda: bool(self.reader.health()["ready"]))

    def wait_for(self, statement: str, number: int) -> None:
        """Until a counting statement gives at least that number."""
        self.wait_ready()
        self.wait_until(lambda: self.count(statement) >= number)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Until the condition holds; fails with the collector's log if it never does."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert self.process.poll() is None, f"collector died: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"waited too long: {self.log.read_text()[-2000:]}"
            time.sleep(0.05)

    def _close_pipe(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()
