"""The JSON/Arrow API (port 4319): named queries over HTTP, health and metrics.

| path | answer |
|---|---|
| ``GET /v1/queries`` | names and parameters of all queries |
| ``GET /v1/queries/{name}?...`` | ``{"rows": [...]}``, or Arrow (``Accept`` header) |
| ``GET /v1/traces/{trace_id}`` | summary, runs, attempts and spans of one trace |
| ``POST /v1/records`` | as on the OTLP/HTTP port, which says what it answers |
| ``GET /v1/agents/{name}`` and more | what the Python API computes (``economics.py``) |
| ``GET /v1/budgets`` | budgets and alerts as they were evaluated last; 404 without rules |
| ``POST /v1/settlements`` | has traces settled again (``settlements.py``) |
| ``POST /v1/sql`` | one guarded SELECT (body = the statement); 403 unless SQL was asked for |
| ``GET /healthz`` | backlog and stages; ``GET /readyz`` too; ``GET /metrics`` Prometheus |
| ``GET /openapi.json`` | all of this for programs (``openapi.py``) |

With keys every path needs one that may read, but for ``NEEDS`` below; :mod:`.keyed` sees to it that
what a handler reads as ``workspace`` is the key's own.

Money is a JSON string (exact), times are ISO 8601. Errors are ``{"error": "..."}``.
No engine query runs on the event loop: a small pool of threads asks the reader. Health and metrics
look into the journal on other threads, so that slow queries do not make the collector look dead.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import unquote

import orjson
import pyarrow as pa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Scope

from spanledger_collector.access import Authenticate, Permission, WrongKeys, anonymous
from spanledger_collector.errors import (
    CollectorError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    RefusedQueryError,
    RetryableError,
    TooLargeError,
    UnauthenticatedError,
)
from spanledger_collector.query import Ledger, Reader, named, plain_rows
from spanledger_collector.query.named import read_names

from .answers import Sending
from .economics import ANSWERS, Answer, Asked
from .keyed import Keyed, may
from .loopback import check_host, is_strange
from .openapi import ARROW, TRACE_PARTS, document
from .settlements import Settle, settlement_of

_LOG = logging.getLogger(__name__)
_JSON = "application/json"
_MAX_BODY_BYTES = 64 * 1024
_Body = tuple[bytes, str]
#: Path -> what a key has to allow; None = no key is needed. Records are checked where they go.
NEEDS: Mapping[str, Permission | None] = {
    "/v1/records": "send",
    "/v1/settlements": "operate",
    "/v1/sql": "operate",
    "/metrics": "operate",
    "/healthz": None,
    "/readyz": None,
}


class Watched(Protocol):
    """Budgets and alerts as they were seen last."""

    def of(self, workspace: str) -> object:
        """Those of one workspace."""
        ...


class Api:
    """The ASGI application and the threads that ask the ledger for it.

    Args:
        reader: answers named queries; None until the ledger is open (503 meanwhile).
        health: the collector's account of itself, for ``/healthz``; key ``ready`` is a bool.
        registry: what ``/metrics`` shows.
        watched: budgets and alerts as they were seen last; None = no rules, or not looked yet.
        guard: turns an ad-hoc statement into one that is safe to run; None = SQL is off.
        records: what takes records; None = nothing does.
        settle: has traces settled again; None = nothing does.
        pages: routes beside the API's own: the web pages.
        authenticate: gives the identity behind an API key; by default everybody may everything.
        threads: queries that may run at once.
        wrong_keys: counts those that are not known, over all ports.
        sending: counts what is answered and not sent yet; by default without a limit that matters.
    """

    def __init__(
        self,
        *,
        reader: Callable[[], Reader | None],
        health: Callable[[], dict[str, Any]],
        registry: CollectorRegistry,
        guard: Callable[[str], str] | None = None,
        records: ASGIApp | None = None,
        settle: Settle | None = None,
        pages: Sequence[BaseRoute] = (),
        watched: Callable[[], Watched | None] = lambda: None,
        authenticate: Authenticate = anonymous,
        threads: int = 4,
        wrong_keys: WrongKeys | None = None,
        sending: Sending | None = None,
    ) -> None:
        self._sending = sending or Sending(1 << 40)
        self._reader = reader
        self._health = health
        self._registry = registry
        self._guard = guard
        self._settle = settle
        self._watched = watched
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="spanledger-query")
        self.routed = Starlette(
            routes=[
                Route("/v1/queries", self._queries),
                Route("/v1/queries/{name}", self._query),
                Route("/v1/traces/{trace_id}", self._trace),
                *([Route("/v1/records", records)] if records else []),
                *(NamedRoute(path, self._economics(answer)) for path, answer in ANSWERS.items()),
                Route("/v1/budgets", self._budgets),
                Route("/v1/settlements", self._settlements, methods=["POST"]),
                Route("/v1/sql", self._sql, methods=["POST"]),
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
                Route("/openapi.json", self._openapi),
                *pages,
            ],
            exception_handlers={
                CollectorError: _error,
                HTTPException: _http_error,
                Exception: _defect,
            },
        )
        self.app = Keyed(self.routed, authenticate, _refused, needs=NEEDS, wrong_keys=wrong_keys)

    def close(self) -> None:
        """Let running queries end and stop the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _answer(self, question: Callable[[Reader], _Body]) -> Response:
        """Ask and encode on a thread: neither may hold up the receivers, which share the loop."""
        reader = self._reader()
        if reader is None:
            raise _StartingError("the ledger is still being opened; ask again in a second")
        sending = self._sending

        def answer() -> Response:
            sending.check()  # only now: others may have come in the meantime
            return sending.answer(*question(reader))

        return await asyncio.get_running_loop().run_in_executor(self._threads, answer)

    async def _queries(self, _: Request) -> Response:
        return _json({name: dict(named(name).parameters) for name in read_names()})

    async def _query(self, request: Request) -> Response:
        name = request.path_params["name"]
        parameters: dict[str, object] = {**_given(request)}
        if "workspace" not in named(name).parameters:
            parameters.pop("workspace", None)
        if _wants_arrow(request):
            return await self._answer(lambda reader: _arrow(reader.arrow(name, parameters)))
        return await self._answer(lambda reader: _rows(reader.rows(name, parameters)))

    async def _trace(self, request: Request) -> Response:
        parameters: dict[str, object] = {
            "workspace": request.query_params.get("workspace", "default"),
            "trace_id": request.path_params["trace_id"].lower(),
        }

        def ask(reader: Reader) -> _Body:
            parts = {part: reader.rows(name, parameters) for part, name in TRACE_PARTS.items()}
            if not parts["summary"]:
                raise NotFoundError(f"no trace {parameters['trace_id']!r} in the ledger")
            return _dumps({**parts, "summary": parts["summary"][0]}), _JSON

        return await self._answer(ask)

    def _economics(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """A handler of what the Python API answers."""

        async def handle(request: Request) -> Response:
            asked = Asked(_given(request))
            workspace = request.query_params.get("workspace", "default")
            name = request.path_params.get("name", "")

            def ask(reader: Reader) -> _Body:
                return _dumps(answer(Ledger(reader, workspace=workspace), name, asked)), _JSON

            return await self._answer(ask)

        return handle

    async def _budgets(self, request: Request) -> Response:
        picture = self._watched()
        if picture is None:
            raise NotFoundError(
                "this collector watches no budgets (start it with SPANLEDGER_ALERTS_FILE), or has "
                "not looked yet (ask again in a moment)"
            )
        workspace = request.query_params.get("workspace", "")
        return _json(picture.of(workspace) if workspace else picture)

    async def _settlements(self, request: Request) -> Response:
        settle = self._settle
        if settle is None:
            raise RefusedQueryError("this collector settles nothing")
        asked = settlement_of(request.headers.get("content-type", ""), await _body(request))

        def ask(_: Reader) -> _Body:
            return _dumps({"traces": settle(*asked)}), _JSON

        return await self._answer(ask)

    async def _sql(self, request: Request) -> Response:
        guard = self._guard
        if guard is None:
            raise RefusedQueryError(
                "ad-hoc SQL is off; start the collector with `spanledger up --sql` to allow it"
            )
        check_host(request)
        body = await _body(request)
        as_arrow = _wants_arrow(request)

        def ask(reader: Reader) -> _Body:
            table = reader.sql(guard(body.decode(errors="replace")))
            return _arrow(table) if as_arrow else _rows(plain_rows(table))

        return await self._answer(ask)

    async def _healthz(self, request: Request) -> Response:
        health, told = await self._told_health(request)
        return _json(told, 200 if health.get("receiving", True) else 503)

    async def _readyz(self, request: Request) -> Response:
        health, told = await self._told_health(request)
        return _json(told, 200 if health.get("ready") else 503)

    async def _openapi(self, _: Request) -> Response:
        return _json(document())

    async def _told_health(self, request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
        """The account, and what is told of it: to who has no key or no name of ours the status."""
        health = await asyncio.to_thread(self._health)
        if may(request.scope, "operate") and not is_strange(request.scope):
            return health, health
        return health, {"ready": health.get("ready", False)}

    async def _metrics(self, _: Request) -> Response:
        shown = await asyncio.to_thread(generate_latest, self._registry)
        return Response(shown, media_type=CONTENT_TYPE_LATEST)


async def _body(request: Request) -> bytes:
    """A short one."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise TooLargeError(f"a statement may have {_MAX_BODY_BYTES} bytes")
    return bytes(body)


class NamedRoute(Route):
    """A path with a name in it that may hold anything, a slash (``%2F``) too.

    It is matched as it was sent: once decoded, a slash of the name could not be told from others.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See :class:`starlette.routing.Route`."""
        sent = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
        match, found = super().matches({**scope, "path": sent})
        told = found.get("path_params", {})
        return match, {**found, "path_params": {name: unquote(one) for name, one in told.items()}}


class _StartingError(RetryableError):
    """The ledger is not open yet."""


def _given(request: Request) -> Mapping[str, str]:
    """The parameters; of one that is given again nobody would read the first."""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    for name, times in counts.items():
        if times > 1:
            raise PermanentError(
                f"parameter {name} is given {times} times; give it once, and where it takes "
                "several a comma between"
            )
    return request.query_params


def _wants_arrow(request: Request) -> bool:
    return ARROW in request.headers.get("accept", "")


def _json(value: object, status: int = 200) -> Response:
    return Response(_dumps(value), status, media_type=_JSON)


def _dumps(value: object) -> bytes:
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)


def _plain(value: object) -> str:
    """What JSON has no word for: exact money, wide integers, intervals."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _rows(rows: list[dict[str, Any]]) -> _Body:
    return _dumps({"rows": rows}), _JSON


def _arrow(table: pa.Table) -> _Body:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes(), ARROW


def _refused(error: CollectorError) -> Response:
    """A refusal before any handler is asked."""
    return _json({"error": str(error)}, 401 if isinstance(error, UnauthenticatedError) else 403)


async def _error(_: Request, error: Exception) -> Response:
    """The error tree as HTTP, once for the API (OTLP has its own map in ``receive``)."""
    headers: dict[str, str] = {}
    status = 400
    if isinstance(error, RetryableError):
        status, headers = 503, {"Retry-After": str(error.retry_after_seconds)}
    elif isinstance(error, NotFoundError):
        status = 404
    elif isinstance(error, (RefusedQueryError, ForbiddenError)):
        status = 403
    elif isinstance(error, TooLargeError):
        status = 413
    return _with_headers(_json({"error": str(error)}, status), headers)


async def _http_error(_: Request, error: Exception) -> Response:
    """No such path, or a method it does not speak: the framework's own refusals, as JSON."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return _with_headers(_json({"error": error.detail}, error.status_code), error.headers)


async def _defect(request: Request, error: Exception) -> Response:
    """An error nobody foresaw: told in the log, not to the client."""
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _json({"error": "the collector failed to answer; its log tells why"}, 500)


def _with_headers(response: Response, headers: Mapping[str, str] | None) -> Response:
    response.headers.update(headers or {})
    return response
