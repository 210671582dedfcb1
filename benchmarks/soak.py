"""A soak: steady load for as long as one likes; flat memory, sent = acknowledged = stored.

    python -m benchmarks.soak --minutes 20

A collector runs as its own process (embedded ledger, default settings, fsync on); senders post
requests of 100 spans over loopback at a fixed rate and read the ledger meanwhile, as a dashboard
does. Memory, descriptors and backlog are read every ten seconds. What is stored is counted at the
end, span by span. ``--kills`` ends the collector so often, with ``kill -9`` and SIGTERM in turn,
and starts it again. Memory is judged when there are five minutes of readings.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.running import RunningCollector

from benchmarks.spans import request_bytes

_SPANS_PER_REQUEST: Final = 100
_READING_SECONDS: Final = 10.0
_MB: Final = 1_000_000
#: Of the readings these are the start, when caches fill.
_WARM_UP_SHARE: Final = 0.3
#: With fewer readings of one process caches are still being filled.
_FEWEST_READINGS: Final = 30
#: What memory may grow by from the first readings after that to the last ones.
_MAX_GROWTH: Final = 0.15


@dataclass
class _Load:
    """What the senders share."""

    ports: list[int]
    end: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    sent: int = 0
    acknowledged: int = 0
    repeated: int = 0

    def next(self) -> int:
        with self.lock:
            self.sent += 1
            return self.sent - 1


def _send(load: _Load, rate: float) -> None:
    """Post at a rate of requests a second; a request without an answer is sent again."""
    due = time.monotonic()
    while due < load.end:
        number = load.next()
        while not _taken(load.ports[0], number):
            with load.lock:
                load.repeated += 1
            time.sleep(0.5)
        with load.lock:
            load.acknowledged += 1
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))


def _taken(port: int, number: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Content-Type": "application/x-protobuf"}
        connection.request("POST", "/v1/traces", request_bytes(number, _SPANS_PER_REQUEST), headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    assert answer.status in {200, 429, 503}, answer.status
    return answer.status == 200


def _read(collector: RunningCollector) -> tuple[float, int]:
    """Resident MB and open descriptors of the collector.

    Without the three that the engine has of each thread of its pool, which grows on a busy machine.
    """
    process = Path(f"/proc/{collector.process.pid}")
    [line] = [x for x in (process / "status").read_text().splitlines() if x.startswith("VmRSS:")]
    opened = 0
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            opened += not str(descriptor.readlink()).startswith("/proc/")
    return int(line.split()[1]) * 1024 / _MB, opened


def main(*, minutes: float, spans_per_second: float, senders: int, kills: int) -> None:
    """Print the figures; ends with an error where a law is broken."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        collector = RunningCollector(data)
        collector.wait_ready()
        load = _Load([collector.http_port], time.monotonic() + minutes * 60)
        rate = spans_per_second / _SPANS_PER_REQUEST / senders
        threads = [threading.Thread(target=_send, args=(load, rate)) for _ in range(senders)]
        for thread in threads:
            thread.start()
        kill_at = [load.end - minutes * 60 * (k + 1) / (kills + 1) for k in range(kills)]
        readings: list[tuple[float, int]] = []
        while time.monotonic() < load.end:
            wake_at = min([load.end, *kill_at, time.monotonic() + _READING_SECONDS])
            time.sleep(max(0.0, wake_at - time.monotonic()))
            if kill_at and time.monotonic() >= kill_at[-1]:
                kill_at.pop()
                if len(kill_at) % 2:
                    collector.kill()
                else:
                    collector.stop()
                collector = RunningCollector(data)
                load.ports[0] = collector.http_port
                collector.wait_ready()
                readings.clear()  # the memory of another process
            collector.ledger().agents()
            readings.append(_read(collector))
        for thread in threads:
            thread.join()
        spans = load.acknowledged * _SPANS_PER_REQUEST
        collector.wait_for("SELECT count() FROM spans FINAL", spans)
        stored = collector.count("SELECT count() FROM spans FINAL")
        log = collector.log.read_text()
        collector.stop()
    _tell(load, stored, readings)
    assert load.sent * _SPANS_PER_REQUEST == spans == stored, "sent = acknowledged = stored"
    assert "Traceback" not in log, log[-4000:]


def _tell(load: _Load, stored: int, readings: list[tuple[float, int]]) -> None:
    print(
        f"sent         {load.sent * _SPANS_PER_REQUEST:12,} spans, {load.repeated} requests again"
    )
    print(f"acknowledged {load.acknowledged * _SPANS_PER_REQUEST:12,}")
    print(f"stored       {stored:12,}")
    if len(readings) < _FEWEST_READINGS:
        print("memory       not judged: too short")
        return
    steady = readings[int(len(readings) * _WARM_UP_SHARE) :]
    part = max(1, len(steady) // 4)
    first = statistics.median(mb for mb, _ in steady[:part])
    last = statistics.median(mb for mb, _ in steady[-part:])
    print(f"memory       {first:.0f} MB after the start, {last:.0f} MB at the end")
    # A merge has hundreds of files open for a moment: a leak is in what is always open.
    opened, open_still = (min(n for _, n in one) for one in (steady[:part], steady[-part:]))
    print(f"descriptors  {opened} after the start, {open_still} at the end")
    assert last <= first * (1 + _MAX_GROWTH), "memory grows"
    assert open_still <= opened + 16, "descriptors leak"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A soak of the collector.")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--spans-per-second", type=float, default=1000.0)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--kills", type=int, default=0)
    given = parser.parse_args()
    main(
        minutes=given.minutes,
        spans_per_second=given.spans_per_second,
        senders=given.senders,
        kills=given.kills,
    )
