"""The pages over HTTP: ``/`` leads to ``/ui/overview``; ``?csv=<table>`` gives a table as CSV.

Every answer forbids whatever a page of ours does not need (:data:`HEADERS`). The pages only read.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spanledger_collector.errors import CollectorError, NotFoundError, RetryableError
from spanledger_collector.query import Ledger, Reader

from .asked import Asked, exact
from .chosen import of_dashboard
from .csvfile import parts_of
from .pages import PAGES, budgets
from .parts import Page
from .render import render, render_error

_LOG = logging.getLogger(__name__)
_STATIC: Final = Path(__file__).with_name("static")
#: Of every answer below ``/ui``. No source but this server, no inline script or style, no frame.
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'none'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
#: Of all but static files: what a ledger says is in no cache that others may read.
_NOT_KEPT: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}
#: All of them are answered, those that would write with a refusal in words.
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_NO_WORD = re.compile(r"[^\w.-]+")


class Watched(Protocol):
    """Budgets and alerts as they were seen last."""

    def of(self, workspace: str) -> object:
        """Those of one workspace."""
        ...


class Web:
    """The pages and the threads that ask the ledger for them.

    Args:
        reader: answers named queries; None until the ledger is open.
        watched: budgets and alerts as they were seen last; None = none are watched.
        threads: pages that may be made at once.
        now: the time, for ranges that end now.
    """

    def __init__(
        self,
        *,
        reader: Callable[[], Reader | None],
        watched: Callable[[], Watched | None] = lambda: None,
        threads: int = 4,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._reader = reader
        self._watched = watched
        self._now = now
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="spanledger-web")
        self.routes: list[BaseRoute] = [
            Route("/", _home),
            Route("/ui", _home),
            Route("/ui/", _home),
            Mount("/ui/static", StaticFiles(directory=_STATIC)),
            Route("/ui/{path}", self._page, methods=list(_METHODS)),
        ]

    def close(self) -> None:
        """Let pages that are being made end and stop the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _page(self, request: Request) -> Response:
        given = of_dashboard(exact(request.query_params), request.query_params.multi_items())
        asked = Asked(request.path_params["path"], given, self._now())
        is_read = request.method in ("GET", "HEAD")
        if is_read and asked.path == "agent" and asked.given.get("agent") == "":
            return RedirectResponse(asked.link("agents"), 302)  # of no name: the list has it
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, request.method, asked)

    def _answer(self, method: str, asked: Asked) -> Response:
        """Ask and draw, on a thread: neither may hold up the receivers, which share the loop."""
        try:
            _check_method(method)
            page = self._made(asked)
            wanted = asked.text("csv")
            return self._csv(page, wanted) if wanted else HTMLResponse(render(page, asked))
        except HTTPException as error:
            return _failure(asked, error.status_code, "This cannot be done here", str(error.detail))
        except NotFoundError as error:
            return _failure(asked, 404, "Not found", str(error))
        except RetryableError as error:
            response = _failure(asked, 503, "Not now", str(error))
            response.headers["Retry-After"] = str(error.retry_after_seconds)
            return response
        except CollectorError as error:
            return _failure(asked, 400, "This cannot be shown", str(error))
        except Exception:  # noqa: BLE001 - a defect: told in the log, not to the reader
            _LOG.exception("page %s failed", asked.path)
            return _failure(
                asked, 500, "A defect", "The page could not be made; the log tells why."
            )

    def _csv(self, page: Page, wanted: str) -> Response:
        """The whole table; what is read in parts is sent as it is read."""
        table: Any = page.tables().get(wanted)
        if table is None:
            raise NotFoundError(f"This page has no table {wanted[:50]!r}.")
        name = _NO_WORD.sub("-", f"spanledger-{wanted}")
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        parts = parts_of(table)
        first = next(parts)  # what fails here still has a page of its own
        content = self._sent(first, parts)
        return StreamingResponse(content, headers=headers, media_type="text/csv; charset=utf-8")

    async def _sent(self, first: str, parts: Iterator[str]) -> AsyncIterator[str]:
        """The parts, each read on a thread; one that fails cuts the answer, which clients see."""
        loop = asyncio.get_running_loop()
        part: str | None = first
        while part is not None:
            yield part
            part = await loop.run_in_executor(self._threads, next, parts, None)

    def _made(self, asked: Asked) -> Page:
        if asked.path == "budgets":
            seen, workspace = self._watched(), asked.text("workspace")
            return budgets.page(seen.of(workspace) if seen and workspace else seen, asked)
        make = PAGES.get(asked.path)
        if make is None:
            raise NotFoundError("There is no such page.")
        reader = self._reader()
        if reader is None:
            raise _StartingError("The ledger is still being opened; ask again in a second.")
        return make(Ledger(reader, workspace=asked.text("workspace", "default")), asked)


class _StartingError(RetryableError):
    """The ledger is not open yet."""


class Guarded:
    """An application whose answers about pages all have :data:`HEADERS`.

    It stands around everything that may answer in their place: refusals of keys and of foreign
    hosts, pages that are not there, defects.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = HEADERS if is_static else {**HEADERS, **_NOT_KEPT}
                added = [(k.lower().encode(), v.encode()) for k, v in told.items()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        is_static = scope.get("path", "").startswith("/ui/static/")
        of_pages = scope["type"] == "http" and re.match(r"/(ui(/|$)|$)", scope["path"])
        await self._app(scope, receive, guarded if of_pages else send)


def _check_method(method: str) -> None:
    if method not in ("GET", "HEAD"):
        raise HTTPException(405, "The pages only read: ask them with GET.")


async def _home(_: Request) -> Response:
    return RedirectResponse("/ui/overview", 302)


def _failure(asked: Asked, status: int, title: str, message: str) -> Response:
    return HTMLResponse(render_error(status, title, message, asked), status)
