"""Engines that are asked for their metrics: a real server that speaks recorded text."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from prometheus_client import CollectorRegistry

from spanledger_collector.config import CollectorConfig
from spanledger_collector.errors import ConfigurationError, JournalUnavailableError
from spanledger_collector.pipeline import Collector
from spanledger_collector.query import Ledger
from spanledger_collector.receive.samples import samples
from spanledger_collector.scrape import Scraper, Target, read_targets
from spanledger_collector.scrape.exposition import MAX_LINE_CHARACTERS, exported
from spanledger_collector.scrape.scraper import MAX_BYTES

RECORDED = Path(__file__).with_name("recorded")
_PATIENCE_SECONDS = 240.0


class _Server:
    """An engine's HTTP server.

    Attributes:
        status, body: what it answers.
        asked: the headers of each question.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.status = 200
        self.body = b""
        self.asked: list[dict[str, str]] = []

    def speaks(self, name: str) -> None:
        """Answer with what was recorded of an engine."""
        self.status, self.body = 200, (RECORDED / f"{name}.txt").read_bytes()

    def target(self, **given: object) -> Target:
        url = f"http://127.0.0.1:{self.port}/metrics"
        return Target.model_validate({"name": "chat", "url": url, **given})


@contextmanager
def _serving() -> Generator[_Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append({key.lower(): value for key, value in self.headers.items()})
            self.send_response(served.status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            if served.status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(served.body)))
            self.end_headers()
            self.wfile.write(served.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name
            """Tests tell what matters themselves."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = _Server(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def engine() -> Iterator[_Server]:
    with _serving() as server:
        yield server


class _Inbox:
    """Takes requests as the receiver does."""

    def __init__(self) -> None:
        self.taken: list[tuple[ExportMetricsServiceRequest, str]] = []
        self.full = False

    async def __call__(self, body: bytes, workspace: str) -> None:
        if self.full:
            raise JournalUnavailableError("the journal is full")
        self.taken.append((ExportMetricsServiceRequest.FromString(body), workspace))


def _outcomes(registry: CollectorRegistry) -> dict[str, float]:
    return {
        sample.labels["outcome"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "spanledger_scrape_requests_total"
    }


@pytest.mark.parametrize(
    ("engine", "points"), [("vllm", 18), ("sglang", 9), ("tgi", 4), ("llamacpp", 4)]
)
def test_everything_that_is_kept_of_a_recorded_answer_is_taken(engine: str, points: int) -> None:
    """Scraped text is what the receiver keeps of it: no point is refused afterwards."""
    target = Target(name="chat", url="http://10.0.0.5:8000/metrics", tenant="acme")
    text = (RECORDED / f"{engine}.txt").read_text()
    request = exported(text, target, time.time_ns())
    told = samples(request)
    priorities = 1 if engine == "sglang" else 0
    assert (told.points, told.rejected) == (points - priorities, 0)
    resource = {
        pair.key: pair.value.string_value
        for pair in request.resource_metrics[0].resource.attributes
    }
    assert resource == {
        "service.name": "chat",
        "service.instance.id": "10.0.0.5:8000",
        "spanledger.tenant.id": "acme",
    }


_LINES = sorted(
    {line for file in RECORDED.iterdir() for line in file.read_text().splitlines() if line}
)


@given(
    st.lists(st.sampled_from(_LINES), min_size=1, max_size=4).map("\n".join),
    st.lists(
        st.tuples(
            st.floats(0, 1), st.integers(0, 5), st.text('{}",=\\#\n 0+e.N\0\x85é', max_size=3)
        ),
        max_size=5,
    ),
)
def test_harmed_text_is_refused_or_understood_but_nothing_else(
    text: str, harm: list[tuple[float, int, str]]
) -> None:
    """An engine, or whoever answers in its place, may say anything."""
    for at, gone, put in harm:
        place = int(at * len(text))
        text = text[:place] + put + text[place + gone :]
    try:
        request = exported(text, Target(name="chat", url="http://10.0.0.5:8000/metrics"), 1)
    except ValueError:
        return
    samples(ExportMetricsServiceRequest.FromString(request.SerializeToString()))


async def test_a_server_is_asked_with_its_key_and_what_it_tells_is_handed_on(
    engine: _Server, tmp_path: Path
) -> None:
    engine.speaks("vllm")
    key = tmp_path / "key"
    key.write_text("s3cret\n")
    inbox, registry = _Inbox(), CollectorRegistry()
    scraper = Scraper([], inbox, registry)
    target = engine.target(workspace="acme", key_file=str(key))
    assert await scraper.ask(target)
    assert engine.asked[0]["authorization"] == "Bearer s3cret"
    [(request, workspace)] = inbox.taken
    assert workspace == "acme"
    assert samples(request).points == 18
    assert _outcomes(registry) == {"ok": 1.0}


async def test_what_fails_is_counted_told_once_and_never_fatal(
    engine: _Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inbox, registry = _Inbox(), CollectorRegistry()
    scraper = Scraper([], inbox, registry)
    target = engine.target()
    answers = [
        (200, b"# TYPE go_goroutines gauge\ngo_goroutines 7\n", "empty"),
        (200, b'vllm:num_requests_running{model_name="m" 7 7 7\n', "malformed"),
        (200, b"#" * (MAX_BYTES + 1), "malformed"),
        (200, b'tgi_queue_size{a="%s"} 1\n' % (b'\\"' * MAX_LINE_CHARACTERS), "malformed"),
        (404, b"no such page", "status"),
        (302, b"", "status"),
    ]
    for status, body, outcome in answers:
        engine.status, engine.body = status, body
        before = _outcomes(registry).get(outcome, 0)
        assert not await scraper.ask(target)
        assert _outcomes(registry)[outcome] == before + 1
    # A redirect was not followed: a key is for whom it is.
    assert len(engine.asked) == len(answers)
    engine.speaks("tgi")
    inbox.full = True
    assert not await scraper.ask(target)
    assert not await scraper.ask(engine.target(key_file=str(tmp_path / "none")))
    inbox.full = False
    assert len([one for one in caplog.records if "tells no metrics" in one.message]) == 1
    with caplog.at_level("INFO"):
        assert await scraper.ask(target)
    assert "tells its metrics again" in caplog.text
    told = _outcomes(registry)
    assert (told["refused"], told["unreachable"], told["ok"]) == (1, 1, 1)


@pytest.mark.slow
async def test_a_server_that_is_not_there_holds_up_no_other(engine: _Server) -> None:
    """Each has a task of its own, and they end with the scraper."""
    engine.speaks("llamacpp")
    inbox, registry = _Inbox(), CollectorRegistry()
    with _serving() as gone:
        away = gone.target(name="away", every_seconds=1)
    scraper = Scraper([away, engine.target(every_seconds=1)], inbox, registry)
    scraper.start()
    try:
        await _until(lambda: _told(len(inbox.taken) >= 2 and "unreachable" in _outcomes(registry)))
    finally:
        await scraper.stop()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def _told(fact: bool) -> bool:
    return fact


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_collector_that_asks_an_engine_has_its_figures(
    engine: _Server, tmp_path: Path, fresh_dsn: str
) -> None:
    """From the file to the ledger, in a whole collector."""
    engine.speaks("vllm")
    file = tmp_path / "engines.yaml"
    url = engine.target().url
    file.write_text(f"engines:\n  - {{name: chat, url: '{url}', every_seconds: 1}}\n")
    collector = Collector(
        CollectorConfig(
            data_dir=tmp_path / "data", database=fresh_dsn, engines_file=file,
            grpc_port=0, http_port=0, api_port=0, load_linger_seconds=0.0,
        ),
        stop_grace_seconds=5.0,
    )  # fmt: skip
    ports = await collector.start()
    try:
        with Ledger.connect(f"spanledger://127.0.0.1:{ports.api}") as ledger:
            await collector.opened()

            async def there() -> bool:
                return bool(await asyncio.to_thread(ledger.engines))

            await _until(there)
            [row] = await asyncio.to_thread(ledger.engines)
    finally:
        await collector.stop()
    assert (row.service_name, row.engine) == ("chat", "vllm")
    assert row.instance == f"127.0.0.1:{engine.port}"
    assert (row.running_max, row.waiting_max, row.kv_cache_max_ratio) == (12.0, 2.0, 0.5)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{name: chat}", "engine 1, url: Field required"),
        ("{name: chat, url: 'ftp://h/metrics'}", "an address such as"),
        ("{name: chat, url: 'http://me:key@h/metrics'}", "a key goes into key_file"),
        ("{name: chat, url: 'http://h/m', every_seconds: 0}", "every_seconds"),
        ("{name: chat, url: 'http://h/m', each: 5}", "each"),
        ("{name: a, url: 'http://h/m'}, {name: b, url: 'http://h/m'}", "named 2 times"),
        ("{", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_its_entry(
    tmp_path: Path, entry: str, says: str
) -> None:
    file = tmp_path / "engines.yaml"
    file.write_text(f"engines: [{entry}]")
    with pytest.raises(ConfigurationError, match=says):
        read_targets(file)
