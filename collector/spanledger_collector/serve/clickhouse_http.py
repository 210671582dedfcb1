"""ClickHouse's HTTP protocol, read only, over the embedded ledger: for drivers, dashboards, curl.

| request | answer |
|---|---|
| ``GET /ping``, ``GET /`` without a query | ``Ok.`` |
| ``GET /?query=...`` or ``POST /`` with the query in the body | the rows, in the asked format |

The format is the statement's trailing ``FORMAT x``, else ``default_format=``, else TabSeparated.
``param_x=`` fills ``{x:Type}`` as a value. Every statement passes the guard, but for the few exact
ones that drivers send when they connect, which have fixed answers. Settings and ``database=`` in
the URL are ignored: limits are the collector's, and there is one database.

With keys, a key that may operate is the password of any user name (``Authorization: Basic``, or
``Bearer``): SQL sees every workspace. Without, there are no passwords. Either way it listens on the
loopback address only, and refuses requests whose Host is another name, so a web page cannot reach
it by pointing a name of its own at 127.0.0.1.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from spanledger_collector.access import Authenticate, WrongKeys, anonymous
from spanledger_collector.errors import (
    CollectorError,
    ForbiddenError,
    RefusedQueryError,
    RetryableError,
    TooLargeError,
    UnauthenticatedError,
    UnsupportedError,
)
from spanledger_collector.store import Encoded

from .keyed import Keyed
from .loopback import check_host
from .sqlwords import MAX_STATEMENT_BYTES

_JSON = "application/json; charset=UTF-8"
_TSV = "text/tab-separated-values; charset=UTF-8"
_CSV = "text/csv; charset=UTF-8; header=absent"
_CSV_NAMES = "text/csv; charset=UTF-8; header=present"
_BINARY = "application/octet-stream"
FORMATS: Mapping[str, str] = {
    "Native": _BINARY,
    "RowBinary": _BINARY,
    "RowBinaryWithNames": _BINARY,
    "RowBinaryWithNamesAndTypes": _BINARY,
    "Arrow": _BINARY,
    "ArrowStream": "application/vnd.apache.arrow.stream",
    "Parquet": "application/vnd.apache.parquet",
    "JSON": _JSON,
    "JSONStrings": _JSON,
    "JSONCompact": _JSON,
    "JSONColumns": _JSON,
    "JSONColumnsWithMetadata": _JSON,
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "JSONCompactEachRow": "application/x-ndjson; charset=UTF-8",
    "JSONCompactEachRowWithNamesAndTypes": "application/x-ndjson; charset=UTF-8",
    "CSV": _CSV,
    "CSVWithNames": _CSV_NAMES,
    "CSVWithNamesAndTypes": _CSV_NAMES,
    "TabSeparated": _TSV,
    "TSV": _TSV,
    "TabSeparatedWithNames": _TSV,
    "TSVWithNames": _TSV,
    "TabSeparatedWithNamesAndTypes": _TSV,
    "TSVWithNamesAndTypes": _TSV,
    "Pretty": "text/plain; charset=UTF-8",
    "PrettyCompact": "text/plain; charset=UTF-8",
    "Vertical": "text/plain; charset=UTF-8",
    "Markdown": "text/plain; charset=UTF-8",
}
"""Output formats that are spoken, and their media types."""

# What drivers send when they connect -> what runs instead. Compared word for word.
_HANDSHAKES: Mapping[str, str] = {
    "SELECT version()": "SELECT version()",
    "SELECT timezone()": "SELECT timezone()",
    "SELECT version(), timezone()": "SELECT version(), timezone()",
    "SELECT displayName(), version(), revision(), timezone()": (
        "SELECT 'spanledger' AS `displayName()`, version(), revision(), timezone()"
    ),
    # Nothing is writable, so a driver sends no settings.
    "SELECT name, value, readonly FROM system.settings LIMIT 10000": (
        "SELECT name, value, toUInt8(1) AS readonly FROM system.settings "
        "WHERE name IN ('max_execution_time', 'max_memory_usage', 'max_result_rows')"
    ),
    "SHOW DATABASES": "SELECT currentDatabase() AS name",
    "SHOW TABLES": (
        "SELECT name FROM system.tables WHERE database = currentDatabase() "
        "AND engine NOT IN ('Null', 'MaterializedView') ORDER BY name"
    ),
}

_FORMAT = re.compile(r"\sFORMAT\s+(\w+)$", re.IGNORECASE)
_CODE = re.compile(r"ClickHouse error (\d+)")
_ACCESS_DENIED = 497
_UNKNOWN_FORMAT = 73
_BAD_ARGUMENTS = 36
_UNAVAILABLE = 210
_AUTHENTICATION_FAILED = 516

Guard = Callable[[str], str]
Run = Callable[[str, str, Mapping[str, object]], bytes]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A statement without its FORMAT, the format, and the values of its parameters."""

    sql: str
    fmt: str
    parameters: Mapping[str, object]


class ClickHouseHttp:
    """The ASGI application, in ``app``, and the threads that ask the ledger for it.

    Args:
        guard: gives the statement that may run instead of one that was sent
            (:meth:`.adhoc.AdHoc.guard`).
        run: answers a guarded statement, given format and parameters (:meth:`.adhoc.AdHoc.run`);
            called on threads of this object, never on the event loop.
        authenticate: gives the identity behind an API key; by default everybody may everything.
        threads: statements that may run at once.
        wrong_keys: counts those that are not known, over all ports.
    """

    def __init__(
        self,
        guard: Guard,
        run: Run,
        *,
        authenticate: Authenticate = anonymous,
        threads: int = 4,
        wrong_keys: WrongKeys | None = None,
    ) -> None:
        self._guard = guard
        self._run = run
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="spanledger-sql")
        routed = Starlette(
            routes=[
                Route("/", self._query, methods=["GET", "POST"]),
                Route("/ping", _ping),
            ],
            exception_handlers={CollectorError: _error},
        )
        self.app = Keyed(
            routed,
            authenticate,
            _told,
            needs={"/ping": None},
            otherwise="operate",
            wrong_keys=wrong_keys,
        )

    def close(self) -> None:
        """Let running statements end and stop the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _query(self, request: Request) -> Response:
        check_host(request)
        asked = await _asked(request)
        if not asked.sql.strip():
            return await _ping(request)
        loop = asyncio.get_running_loop()
        content = await loop.run_in_executor(self._threads, self._answer, asked)
        headers = {
            "X-ClickHouse-Format": asked.fmt,
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Summary": "{}",
        }
        return Response(content, 200, headers, media_type=FORMATS[asked.fmt])

    def _answer(self, asked: _Asked) -> bytes:
        words = " ".join(asked.sql.split())
        statement = _HANDSHAKES.get(words)
        if statement is None:
            statement = self._guard(asked.sql)
        return self._run(statement, asked.fmt, asked.parameters)


async def _ping(_: Request) -> Response:
    return PlainTextResponse("Ok.\n")


async def _asked(request: Request) -> _Asked:
    given = dict(parse_qsl(request.url.query, keep_blank_values=True))
    query, body = given.get("query", ""), await _body(request)
    text = f"{query}\n{body}" if query and body else query or body
    text = text.rstrip().removesuffix(";").rstrip()
    trailing = _FORMAT.search(text)
    fmt = trailing.group(1) if trailing else given.get("default_format", "TabSeparated")
    if fmt not in FORMATS:
        raise UnsupportedError(
            f"format {fmt[:50]!r} is not spoken; there are: {', '.join(FORMATS)}"
        )
    return _Asked(
        sql=text[: trailing.start()] if trailing else text,
        fmt=fmt,
        parameters={
            name.removeprefix("param_"): Encoded(value)
            for name, value in given.items()
            if name.startswith("param_")
        },
    )


async def _body(request: Request) -> str:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedError("send the statement uncompressed")
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise UnsupportedError("send the statement as the body, parameters in the URL")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_STATEMENT_BYTES:
            raise TooLargeError(f"a statement may have {MAX_STATEMENT_BYTES} bytes")
    return body.decode(errors="replace")


async def _error(_: Request, error: Exception) -> Response:
    return _told(error)


def _told(error: Exception) -> Response:
    """An error as ClickHouse tells it: code in a header, text in the body."""
    status, code, name = 400, _BAD_ARGUMENTS, "BAD_ARGUMENTS"
    found = _CODE.search(str(error))
    if isinstance(error, UnauthenticatedError):
        status, code, name = 401, _AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED"
    elif isinstance(error, (RefusedQueryError, ForbiddenError)):
        status, code, name = 403, _ACCESS_DENIED, "ACCESS_DENIED"
    elif isinstance(error, UnsupportedError):
        code, name = _UNKNOWN_FORMAT, "UNKNOWN_FORMAT"
    elif found:
        status, code, name = 500, int(found.group(1)), "see message"
    elif isinstance(error, RetryableError):
        status, code, name = 503, _UNAVAILABLE, "NETWORK_ERROR"
    text = f"Code: {code}. DB::Exception: {error}. ({name})\n"
    return PlainTextResponse(text, status, {"X-ClickHouse-Exception-Code": str(code)})
