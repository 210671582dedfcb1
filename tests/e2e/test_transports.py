"""The same program over gRPC, HTTP/protobuf and HTTP/JSON gives the same rows."""

from __future__ import annotations

import dataclasses
import threading
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.receive.otlp import to_json
from tests.support.program import run_program, settled_trace
from tests.support.running import RunningCollector

from spanledger_collector.demo.scenario import TICKET
from spanledger_collector.query import TraceReport

pytestmark = pytest.mark.slow

#: What differs between two runs of one program: ids and the clock.
_OF_ITS_RUN = frozenset({
    "trace_id", "span_id", "parent_span_id", "run_id", "parent_run_id", "response_id",
    "duplicate_of", "retry_of", "rework_of", "started_at", "ended_at", "duration_ns", "ttft_ns",
    "wait_seconds", "trace_ns", "offset_ns",
})  # fmt: skip


def _comparable(report: TraceReport) -> dict[str, Any]:
    return {
        part: [
            {k: v for k, v in dataclasses.asdict(row).items() if k not in _OF_ITS_RUN}
            for row in rows
        ]
        for part, rows in (
            ("summary", [report.summary]),
            ("runs", report.runs),
            ("attempts", report.attempts),
            ("spans", report.spans),
        )
    }


@contextmanager
def _json_bridge(target_port: int) -> Generator[int]:
    """An OTLP receiver that passes every request on as OTLP/JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = urllib.request.Request(
                f"http://127.0.0.1:{target_port}{self.path}",
                data=orjson.dumps(to_json(ExportTraceServiceRequest.FromString(body))),
                headers={"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request) as answer:
                assert answer.read() == b"{}"
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - base class's name
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _run(folder: Path, transport: str) -> dict[str, Any]:
    with RunningCollector(folder) as collector:
        if transport == "json":
            with _json_bridge(collector.http_port) as port:
                (trace_id,) = run_program(f"http://127.0.0.1:{port}", "http/protobuf")
        else:
            port = collector.grpc_port if transport == "grpc" else collector.http_port
            (trace_id,) = run_program(f"http://127.0.0.1:{port}", transport)
        collector.wait_ready()
        with collector.ledger() as ledger:
            return _comparable(settled_trace(ledger, trace_id, name=TICKET))


def test_three_transports_give_identical_rows(tmp_path: Path) -> None:
    protobuf = _run(tmp_path / "protobuf", "http/protobuf")
    assert protobuf["attempts"]
    assert _run(tmp_path / "grpc", "grpc") == protobuf
    assert _run(tmp_path / "json", "json") == protobuf
