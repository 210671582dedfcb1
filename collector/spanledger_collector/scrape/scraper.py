"""Asks each server in its interval, in tasks of the collector's event loop.

An engine that does not answer, or answers something else, is counted and told in the log once
until it answers again; the others are asked on. Nothing of it is ever fatal: figures of engines
explain costs, they are none.
"""

import asyncio
import http.client
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry

from spanledger_collector.errors import CollectorError

from .document import Target
from .exposition import exported
from .metrics import ScrapeMetrics

_LOG = logging.getLogger(__name__)
#: vLLM's answer is some 100 KiB.
MAX_BYTES: Final = 16 * 1024 * 1024
_PART_BYTES: Final = 64 * 1024
_NANO: Final = 1_000_000_000

#: Stores an OTLP request of metrics in a workspace; raises what a sender would be told.
Take = Callable[[bytes, str], Awaitable[object]]


class ScrapeError(Exception):
    """A server gave nothing that is kept.

    Attributes:
        outcome: the kind of failure, as it is counted.
    """

    def __init__(self, outcome: str, why: str) -> None:
        super().__init__(why)
        self.outcome = outcome


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key is sent to whom it is for."""

    def redirect_request(self, *given: Any, **named: Any) -> None:
        """Follow none: the answer counts as a failure."""


class Scraper:
    """Asks servers for their metrics and hands them on.

    Args:
        targets: whom to ask.
        take: where what they tell goes.
        registry: where outcomes are counted.
    """

    def __init__(self, targets: Sequence[Target], take: Take, registry: CollectorRegistry) -> None:
        self._targets = targets
        self._take = take
        self._failing: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        # A proxy of the environment is for the world outside; engines are beside the collector.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
        self._metrics = ScrapeMetrics(registry)

    def start(self) -> None:
        """Begin, in the running event loop; the first questions are spread over their interval."""
        self._tasks = [
            asyncio.create_task(self._go_on(target, place / len(self._targets)))
            for place, target in enumerate(self._targets)
        ]

    async def stop(self) -> None:
        """Ask no more. An answer that is waited for is waited for by its own thread alone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _go_on(self, target: Target, part: float) -> None:
        await asyncio.sleep(part * min(target.every_seconds, 1.0))
        while True:
            began = time.monotonic()
            await self.ask(target)
            left = target.every_seconds - (time.monotonic() - began)
            await asyncio.sleep(max(left, 0.0))

    async def ask(self, target: Target) -> bool:
        """Ask once; returns whether something of the answer was stored."""
        try:
            body = await asyncio.to_thread(self._asked, target)
            await self._take(body, target.workspace)
        except ScrapeError as error:
            return self._failed(target, error.outcome, str(error))
        except CollectorError as error:
            return self._failed(target, "refused", f"it cannot be stored: {error}")
        except Exception as error:  # noqa: BLE001 -- told and counted; a task that ends would ask no more
            _LOG.exception("the metrics of %s could not be read", target.url)
            return self._failed(target, "failed", str(error))
        self._metrics.requests.labels(target.name, "ok").inc()
        self._metrics.answered.labels(target.name).set_to_current_time()
        if target.url in self._failing:
            self._failing.discard(target.url)
            _LOG.info("engine %s tells its metrics again (%s)", target.name, target.url)
        return True

    def _failed(self, target: Target, outcome: str, why: str) -> bool:
        self._metrics.requests.labels(target.name, outcome).inc()
        if target.url not in self._failing:
            self._failing.add(target.url)
            _LOG.warning("engine %s tells no metrics (%s): %s", target.name, target.url, why)
        return False

    def _asked(self, target: Target) -> bytes:
        """What a server tells, as an OTLP request.

        Raises:
            ScrapeError: it tells nothing that is kept.
        """
        text = self._read(target)
        try:
            request = exported(text, target, time.time_ns())
        except ValueError as error:
            raise ScrapeError("malformed", f"no text of metrics: {error}"[:300]) from error
        if not request.resource_metrics[0].scope_metrics[0].metrics:
            raise ScrapeError(
                "empty",
                "none of its metrics are of vLLM, SGLang, TGI or llama.cpp (SGLang needs "
                "--enable-metrics, llama.cpp --metrics)",
            )
        return request.SerializeToString()

    def _read(self, target: Target) -> str:
        headers = {"Accept": "text/plain; version=0.0.4", "User-Agent": "spanledger"}
        try:
            if target.key_file is not None:
                headers["Authorization"] = f"Bearer {target.key_file.read_text().strip()}"
            asked = urllib.request.Request(target.url, headers=headers)  # noqa: S310 - http(s), checked
            with self._opener.open(asked, timeout=target.patience_seconds) as answer:
                body = _whole(answer, time.monotonic() + target.patience_seconds)
        except urllib.error.HTTPError as error:
            error.close()
            raise ScrapeError("status", f"it answers {error.code}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ScrapeError("unreachable", str(error) or type(error).__name__) from error
        return body.decode("utf-8", "replace")


def _whole(answer: Any, deadline: float) -> bytes:
    """The body of an answer. A server that sends it byte by byte must not hold up the end.

    Raises:
        ScrapeError: it is too large.
        TimeoutError: it is not there in time.
    """
    body = bytearray()
    while part := answer.read1(_PART_BYTES):
        body += part
        if len(body) > MAX_BYTES:
            raise ScrapeError("malformed", f"its answer has more than {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("its answer takes too long")
    return bytes(body)
