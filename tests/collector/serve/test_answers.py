"""Answers are bounded: each by itself, and all that wait for their readers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.support.served_ledger import served

from spanledger_collector.errors import TooLargeError
from spanledger_collector.export import export
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.serve.answers import Sending
from spanledger_collector.store import Store

_MB = 1_000_000
_ANSWER_BYTES = 16 * _MB
_LARGE = "SELECT replaceAll(leftPad('', 1000, 'x'), 'x', leftPad('', 16000, 'y')) AS text"


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        threading.Event().wait(0.05)


@pytest.mark.slow
def test_a_large_answer_is_refused_and_exported_in_pieces(filled: Store, tmp_path: Path) -> None:
    """With what to do; what asks for less is answered, and an export comes to the same rows."""
    with served(filled) as api, Ledger(DirectReader(filled)) as whole:
        bounded = api.reader = DirectReader(filled, max_answer_bytes=6_000)
        remote = Ledger.connect(api.address)
        for accept in ("application/json", "application/vnd.apache.arrow.stream"):
            path = f"{api.url}/v1/queries/export_attempts"
            answer = httpx.get(path, headers={"Accept": accept})
            assert answer.status_code == 413
            assert "narrow since and until" in answer.json()["error"]
        with pytest.raises(TooLargeError, match="narrow since and until"):
            remote.arrow("export_attempts")
        # Nothing of the answer that failed is in the next one.
        assert len(remote.runs(limit=1)) == 1
        for format_ in ("csv", "parquet", "focus"):
            files = [tmp_path / f"{name}.{format_}" for name in ("whole", "pieces")]
            told = [
                export(ledger, file, format_, grain="attempt")
                for ledger, file in zip((whole, remote), files, strict=True)
            ]
            assert told[0] == told[1]
            assert told[0].rows > 3
            if format_ != "parquet":
                assert files[0].read_text() == files[1].read_text()
        bounded.close()


@contextmanager
def _takes_nothing(url: str) -> Generator[None]:
    """Somebody who asks for much and never reads."""
    parts = urlsplit(url)
    with socket.socket() as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asking.connect((parts.hostname, parts.port))
        head = f"POST /v1/sql HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(_LARGE)}\r\n\r\n"
        asking.sendall((head + _LARGE).encode())
        yield


def test_eight_who_take_nothing_hold_a_bounded_memory(filled: Store) -> None:
    """From the limit on nobody is answered (503) until they are gone; the others are told why."""
    sending = Sending(_ANSWER_BYTES)
    with served(filled, sending=sending) as api:
        assert httpx.post(f"{api.url}/v1/sql", content=_LARGE).json()["rows"]
        _until(lambda: sending.bytes == 0)
        with ExitStack() as stack:
            for _ in range(8):
                stack.enter_context(_takes_nothing(api.url))
            _until(lambda: sending.bytes >= _ANSWER_BYTES)
            answer = httpx.post(f"{api.url}/v1/sql", content="SELECT 1", timeout=120)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "wait to be sent" in answer.json()["error"]
            # Those that were being made when the limit was reached; there are four threads.
            assert sending.bytes < 5 * (_ANSWER_BYTES + _MB)
        # An answer that was asked for before they went may be made yet, for nobody.
        _until(lambda: httpx.post(f"{api.url}/v1/sql", content="SELECT 1").status_code == 200)


def test_who_takes_nothing_is_let_go(filled: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Otherwise a few of them would keep everybody from reading."""
    sending = Sending(_ANSWER_BYTES, piece_seconds=0.2)
    with served(filled, sending=sending) as api, _takes_nothing(api.url):
        _until(lambda: "it is let go" in caplog.text)
        _until(lambda: sending.bytes == 0)
        assert httpx.post(f"{api.url}/v1/sql", content="SELECT 1").status_code == 200
