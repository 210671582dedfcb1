"""The receivers alone in a process of their own, so that what they take in memory can be read.

``python -m tests.support.receiving`` prints its ports as JSON and ends when its input does. What is
accepted is forgotten.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from typing_extensions import Self

from spanledger_collector.config import MIB, CollectorConfig
from spanledger_collector.receive import Receiver

MAX_REQUEST_BYTES: Final = 4 * MIB


class ReceiverProcess:
    """``with ReceiverProcess() as receiver``: its ports, and its memory."""

    def __init__(self) -> None:
        # No pipe: nobody would read it meanwhile, and who writes to a full one stands still.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 -- as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.receiving"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout is not None
        ports: dict[str, int] = json.loads(self._process.stdout.readline())
        self.grpc_port, self.http_port = ports["grpc"], ports["http"]

    def peak_bytes(self) -> int:
        """The most memory that it ever had."""
        return self._status("VmHWM") * 1024

    def resident_bytes(self) -> int:
        """The memory that it has."""
        return self._status("VmRSS") * 1024

    def descriptors(self) -> int:
        """Files and sockets that it holds."""
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def alive(self) -> bool:
        """Whether it goes on."""
        return self._process.poll() is None

    def end(self) -> str:
        """End it; returns what it logged."""
        self._process.communicate(timeout=60)
        with self._log:
            self._log.seek(0)
            return self._log.read().decode(errors="backslashreplace")

    def _status(self, field: str) -> int:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        [line] = [line for line in lines if line.startswith(field + ":")]
        return int(line.split()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive():
            self.end()


async def _forget(payload: bytes, **meaning: Any) -> int:
    return 1


async def _main() -> None:
    config = CollectorConfig(
        grpc_port=0,
        http_port=0,
        max_request_bytes=MAX_REQUEST_BYTES,
        max_grpc_message_bytes=MAX_REQUEST_BYTES,
        max_bytes_in_flight=4 * MAX_REQUEST_BYTES,
    )
    receiver = Receiver(config, _forget, header_seconds=5.0, body_seconds=5.0, patience_seconds=5.0)
    ports = await receiver.start()
    sys.stdout.write(json.dumps({"grpc": ports.grpc, "http": ports.http}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await receiver.stop(1)


if __name__ == "__main__":
    asyncio.run(_main())
