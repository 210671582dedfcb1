"""Spans a second through the collector, from OTLP over HTTP to rows committed in ClickHouse.

A collector runs as its own process (embedded ledger, default settings, fsync on); senders post
requests of 100 spans each over loopback. Two figures: acknowledged (on disk in the journal) and
committed (rows in ``spans``); settling into attempts and runs goes on meanwhile and is timed too.
"""

from __future__ import annotations

import argparse
import http.client
import tempfile
import threading
import time
from pathlib import Path

from tests.support.running import RunningCollector

from benchmarks.spans import request_bytes

SPANS_PER_REQUEST = 100


def _send(port: int, bodies: list[bytes], start: threading.Barrier) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    start.wait()
    for body in bodies:
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
    connection.close()


def main(*, spans: int = 100_000, senders: int = 4) -> None:
    """Print the figures."""
    requests = spans // SPANS_PER_REQUEST
    bodies = [request_bytes(number, SPANS_PER_REQUEST) for number in range(requests)]
    with (
        tempfile.TemporaryDirectory() as folder,
        RunningCollector(Path(folder, "data")) as collector,
    ):
        barrier = threading.Barrier(senders + 1)
        threads = [
            threading.Thread(target=_send, args=(collector.http_port, bodies[n::senders], barrier))
            for n in range(senders)
        ]
        for thread in threads:
            thread.start()
        barrier.wait()
        start = time.perf_counter()
        for thread in threads:
            thread.join()
        acknowledged = time.perf_counter() - start
        collector.wait_for("SELECT count() FROM spans", spans)
        committed = time.perf_counter() - start
        collector.wait_for("SELECT count() FROM attempts", spans // 2)
        settled = time.perf_counter() - start
    print(f"{spans:,} spans in requests of {SPANS_PER_REQUEST}, {senders} senders, one collector")
    for name, seconds in (
        ("acknowledged (fsync)", acknowledged), ("committed rows", committed), ("settled", settled),
    ):  # fmt: skip
        print(f"  {name:22}{spans / seconds:12,.0f} spans/s  ({seconds:.2f} s)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=100_000)
    main(spans=parser.parse_args().spans)
