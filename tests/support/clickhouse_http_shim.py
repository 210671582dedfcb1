"""ClickHouse's HTTP protocol over the embedded engine, with full rights: a server for tests.

clickhouse-connect's HTTP client, and so every statement of ours, runs against it as against a real
server: query in the body or in ``query=``, ``param_x`` values, settings, any format, insert bodies
with or without compression, ``X-ClickHouse-*`` headers and error codes. Each request has an engine
connection of its own, so nothing leaks from one to the next.

Not like a server: no users, no sessions, no compression of answers.
"""

import asyncio
import gzip
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import chdb
import lz4.frame
import uvicorn
from clickhouse_connect.driver.compression import _zstd_decompress
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

#: As it is before any test moves it.
_MONOTONIC = time.monotonic
# What the HTTP transport itself consumes; everything else in the query string is a setting.
_TRANSPORT = frozenset(
    {
        "query", "database", "default_format", "compress", "decompress", "session_id",
        "session_timeout", "session_check", "query_id", "quota_key", "wait_end_of_query",
        "client_protocol_version", "role", "buffer_size", "user", "password",
        "enable_http_compression", "http_headers_progress_interval_ms",
        "send_progress_in_http_headers",
    }
)  # fmt: skip
_DECODERS = {
    "": bytes,
    "gzip": gzip.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": _zstd_decompress,
}
# One line end belongs to the statement, as on a server: a block of ten columns begins with another.
_INSERT = re.compile(
    rb"\s*(INSERT\s+INTO\s.*?)\s+FORMAT\s+(\w+)(?:[ \t]*\r?\n|$)", re.IGNORECASE | re.DOTALL
)
_FORMAT = re.compile(rb"\sFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_READS = re.compile(
    rb"(?:\s|--[^\n]*\n)*(?:SELECT|WITH|SHOW|DESC|EXISTS|EXPLAIN|\()", re.IGNORECASE
)
_CODE = re.compile(r"Code: (\d+)")
_MISSING = {60: 404, 81: 404}  # unknown table, unknown database


@dataclass(frozen=True)
class _Asked:
    sql: bytes
    default_format: str
    database: str
    settings: Mapping[str, str]
    parameters: Mapping[str, str]


def _read(query_string: str, encoding: str, body: bytes) -> _Asked:
    given = {name: values[-1] for name, values in parse_qs(query_string, True).items()}
    content = _DECODERS[encoding](body)
    query = given.get("query", "").encode()
    return _Asked(
        sql=query + b"\n" + content if query else content,
        default_format=given.get("default_format", "TabSeparated"),
        database=given.get("database", ""),
        settings={
            name: value
            for name, value in given.items()
            if name not in _TRANSPORT and not name.startswith("param_")
        },
        parameters={
            name.removeprefix("param_"): value
            for name, value in given.items()
            if name.startswith("param_")
        },
    )


def _literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class _Engine:
    def __init__(self, path: str) -> None:
        self._path = path

    def answer(self, asked: _Asked) -> Response:
        connection = chdb.connect(self._path)
        try:
            return self._answer(connection, asked)
        except (chdb.ChdbError, RuntimeError) as error:
            text = str(error)
            found = _CODE.search(text)
            code = int(found.group(1)) if found else 1001
            headers = {"X-ClickHouse-Exception-Code": str(code)}
            return PlainTextResponse(text, _MISSING.get(code, 500), headers)
        finally:
            connection.close()

    def _answer(self, connection: Any, asked: _Asked) -> Response:
        if asked.database:
            connection.query(f"USE `{asked.database}`")
        for name, value in asked.settings.items():
            connection.query(f"SET {name} = {_literal(value)}")
        insert = _INSERT.match(asked.sql)
        if insert:
            return self._insert(connection, insert, asked.sql[insert.end() :])
        fmt = asked.default_format
        result = connection.query(asked.sql, fmt, params=dict(asked.parameters))
        named = _FORMAT.search(asked.sql)
        shown = named.group(1).decode() if named else fmt
        headers = {"X-ClickHouse-Summary": f'{{"read_rows":"{result.rows_read()}"}}'}
        if _READS.match(asked.sql):
            headers["X-ClickHouse-Format"] = shown
        return Response(result.bytes() or b"", 200, headers)

    def _insert(self, connection: Any, insert: re.Match[bytes], data: bytes) -> Response:
        statement, fmt = (part.decode() for part in insert.groups())
        settings = ""
        clause = re.search(r"\sSETTINGS\s.*$", statement, re.IGNORECASE | re.DOTALL)
        if clause:
            statement, settings = statement[: clause.start()], clause.group(0)
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            sql = f"{statement} FROM INFILE {_literal(file.name)}{settings} FORMAT {fmt}"
            result = connection.query(sql)
        return Response(
            b"", 200, {"X-ClickHouse-Summary": f'{{"written_rows":"{result.rows_read()}"}}'}
        )


def app(path: str) -> Starlette:
    """The ASGI application over the engine directory ``path``, which is open in this process."""
    engine = _Engine(path)

    async def query(request: Request) -> Response:
        asked = _read(
            request.url.query, request.headers.get("content-encoding", ""), await request.body()
        )
        if not asked.sql.strip():
            return PlainTextResponse("Ok.\n")
        return await run_in_threadpool(engine.answer, asked)

    async def ping(_: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    return Starlette(routes=[Route("/ping", ping), Route("/", query, methods=["GET", "POST"])])


@contextmanager
def serve(application: Any) -> Generator[int, None, None]:
    """Run an ASGI application on a free loopback port, on a thread of its own; gives the port."""
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, log_config=None, access_log=False, lifespan="off",
        timeout_graceful_shutdown=5,  # a client that was cut off may have left a request half sent
    )  # fmt: skip
    server = _Announced(config)
    thread = threading.Thread(target=_run, args=(server,), name="http-shim", daemon=True)
    thread.start()
    try:
        assert server.listening.wait(120), "the shim did not start"
        yield server.port
    finally:
        server.should_exit = True
        thread.join(120)


class _Loop(asyncio.SelectorEventLoop):
    """By a clock of its own: a database does not see what a test does to that of the process.

    Otherwise whatever waits while a test moves the clock by hours waits for hours.
    """

    def time(self) -> float:
        return _MONOTONIC()


def _run(server: uvicorn.Server) -> None:
    loop = _Loop()
    try:
        loop.run_until_complete(server.serve())
    finally:
        loop.close()


class _Announced(uvicorn.Server):
    """uvicorn, telling its port once it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()
        self.port = 0

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.port = int(self.servers[0].sockets[0].getsockname()[1])
        self.listening.set()


@contextmanager
def process(folder: Path) -> Generator[str, None, None]:
    """A server in a process of its own over a new engine in ``folder``; gives its address.

    Collectors that are processes share it as they would share ClickHouse, and the engine of the
    tests' own process, of which there can be one only, stays free.
    """
    command = [sys.executable, "-m", __name__, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        assert port, "the shim did not start"
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.stdin.close()  # it ends when nobody holds it any more
            server.wait(120)


def main() -> None:
    """Serve the engine in the folder that is named until standard input ends; tells the port."""
    folder = sys.argv[1]
    keeper = chdb.connect(folder)
    with serve(app(folder)) as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        sys.stdin.read()
    keeper.close()


if __name__ == "__main__":
    main()
