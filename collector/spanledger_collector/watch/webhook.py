"""Tells somebody else that an alert began or ended: JSON by POST, signed, tried again.

A thread of its own sends, so that a receiver that hangs holds up nothing but later messages. What
cannot be delivered is told in the log and counted; Prometheus shows the alert all the same.

The header ``X-Spanledger-Signature: t=<seconds>,v1=<hex>`` is the HMAC-SHA256 of
``<seconds>.<body>`` with the secret of ``SPANLEDGER_WEBHOOK_SECRET``; without a secret there is no
such header. ``id`` is the same for each try of a message: a receiver that has seen it may drop it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import json
import logging
import queue
import random
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime
from decimal import Decimal
from typing import Any

from .board import Transition
from .rules import WebhookTarget

_LOG = logging.getLogger(__name__)
SIGNATURE = "X-Spanledger-Signature"
#: Messages that wait at most, some 5 MB; later ones are lost (and counted). A rule of each tenant
#: may begin for thousands of them at once.
CAPACITY = 10_000
#: Pauses before a message is tried again; after the last it is given up.
PAUSES_SECONDS = (1.0, 4.0, 15.0, 60.0, 240.0)
_TRY_AGAIN = frozenset({408, 425, 429})
_SERVER_ERROR = 500


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A POST that is sent on would become a GET, and go where nobody said."""

    def redirect_request(self, *given: Any, **named: Any) -> None:
        """Follow none: the answer counts as a refusal."""


class Webhook:
    """Sends transitions in order, one at a time.

    Args:
        target: where to.
        secret: signs each message; empty = no signature.
        pauses_seconds: before each further try.

    Attributes:
        sent, failed: messages delivered, and given up.
    """

    def __init__(
        self,
        target: WebhookTarget,
        secret: str = "",
        *,
        pauses_seconds: tuple[float, ...] = PAUSES_SECONDS,
    ) -> None:
        self.sent = 0
        self.failed = 0
        self._target = target
        self._secret = secret.encode()
        self._pauses_seconds = pauses_seconds
        self._opener = urllib.request.build_opener(_NoRedirects)
        self._messages: queue.Queue[bytes | None] = queue.Queue(CAPACITY)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spanledger-webhook", daemon=True)

    def start(self) -> None:
        """Send in a thread of its own until :meth:`stop`."""
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Send what waits, each once more at most, as far as the time allows."""
        self._stopping.set()
        with contextlib.suppress(queue.Full):  # the thread sees it after its message then
            self._messages.put_nowait(None)
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def tell(self, transition: Transition) -> None:
        """Send this soon. Never waits."""
        try:
            self._messages.put_nowait(json.dumps(message(transition)).encode())
        except queue.Full:
            self.failed += 1
            _LOG.warning("an alert is not sent: %d messages wait already", CAPACITY)

    def _run(self) -> None:
        while True:
            if self._stopping.is_set() and self._messages.empty():
                return
            body = self._messages.get()
            if body is not None:
                self._deliver(body)

    def _deliver(self, body: bytes) -> None:
        why = ""
        for pause_seconds in (0.0, *self._pauses_seconds):
            jitter = 1 + random.random() / 4  # noqa: S311 - spreads retries, keeps no secret
            last = self._stopping.wait(pause_seconds * jitter)
            why, final = self._send(body)
            if not why:
                self.sent += 1
                return
            if final or last:
                break
        self.failed += 1
        _LOG.warning("an alert could not be sent to %s: %s", self._target.url, why)

    def _send(self, body: bytes) -> tuple[str, bool]:
        """Why it was not taken (empty: it was), and whether another try makes no sense."""
        request = urllib.request.Request(  # noqa: S310 - http(s) only: see `WebhookTarget`
            self._target.url, data=body, headers=self._headers(body), method="POST"
        )
        try:
            with self._opener.open(request, timeout=self._target.timeout_seconds):
                return "", True
        except urllib.error.HTTPError as error:
            with error:
                passing = error.code >= _SERVER_ERROR or error.code in _TRY_AGAIN
                return f"it answered {error.code}", not passing
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__, False

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "spanledger"}
        if self._secret:
            seconds = int(time.time())
            signed = hmac.new(self._secret, f"{seconds}.".encode() + body, hashlib.sha256)
            headers[SIGNATURE] = f"t={seconds},v1={signed.hexdigest()}"
        return headers


def message(transition: Transition) -> dict[str, Any]:
    """What is sent: amounts as exact text, times as ISO 8601, null = unknown."""
    reading = transition.reading
    condition = reading.condition
    told = {
        "version": 1,
        "status": transition.status,
        "rule": condition.rule,
        "workspace": condition.source.workspace,
        "per": condition.source.per,
        "key": reading.key,
        "metric": condition.metric,
        "value": reading.value,
        "bound": reading.bound,
        "threshold": condition.threshold,
        "direction": condition.direction,
        "limit_usd": condition.limit_usd,
        "window": {"since": reading.window.since, "until": reading.window.until},
        "firing_since": transition.since,
        "at": transition.at,
    }
    plain: dict[str, Any] = json.loads(json.dumps(told, default=_plain))
    identity = "\x1f".join(
        str(plain[name]) for name in ("rule", "key", "threshold", "firing_since", "status")
    )
    return {"id": hashlib.sha256(identity.encode()).hexdigest()[:32], **plain}


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else str(value)
