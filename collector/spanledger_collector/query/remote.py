"""Reads through a running collector's API (port 4319), with the standard library's HTTP client."""

import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import date
from http.client import HTTPException
from typing import Any, NoReturn, cast

import pyarrow as pa

from spanledger_collector.errors import (
    CollectorError,
    ConfigurationError,
    NotFoundError,
    OverloadedError,
    PermanentError,
    RefusedQueryError,
    StoreUnavailableError,
    TooLargeError,
    UnauthenticatedError,
)

from .reader import Row
from .recording import Recorded, records_answer, records_body
from .settling import Asked, Settling

ARROW = "application/vnd.apache.arrow.stream"
DEFAULT_PORT = 4319
#: Scheme of a ledger address -> scheme of the collector's API.
SCHEMES: Mapping[str, str] = {"spanledger": "http", "spanledgers": "https"}
_JSON = "application/json"
_OK, _BAD_REQUEST, _UNAVAILABLE = 200, 400, 503
#: Holds the API key of whoever reads.
KEY_VARIABLE = "SPANLEDGER_API_KEY"
_ERRORS: Mapping[int, type[CollectorError]] = {
    401: UnauthenticatedError,
    403: RefusedQueryError,
    404: NotFoundError,
    413: TooLargeError,
    429: OverloadedError,
    503: StoreUnavailableError,
}


class RemoteReader:
    """Answers named queries by asking a collector.

    Args:
        base_url: ``http://host:port`` of the collector's API.
        timeout_seconds: how long one answer may take.
        key: the API key; None = that of the variable ``SPANLEDGER_API_KEY``, if there is one.
    """

    def __init__(
        self, base_url: str, *, timeout_seconds: float = 60.0, key: str | None = None
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        key = os.environ.get(KEY_VARIABLE, "") if key is None else key
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        # A proxy of the environment cannot reach this machine's own loopback address.
        local = urllib.parse.urlsplit(base_url).hostname in ("localhost", "127.0.0.1", "::1")
        handlers: list[urllib.request.BaseHandler] = (
            [urllib.request.ProxyHandler({})] if local else []
        )
        if base_url.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=_tls_context()))
        self._opener = urllib.request.build_opener(*handlers)

    @classmethod
    def at(cls, address: str, *, key: str | None = None) -> "RemoteReader":
        """The collector that a ledger address names.

        Args:
            address: ``spanledger://host:port``, or ``spanledgers://`` for TLS; port 4319 if left
                out.
            key: the API key; None = that of ``SPANLEDGER_API_KEY``.

        Raises:
            ConfigurationError: it is no such address.
        """
        try:
            parts = urllib.parse.urlsplit(address)
            host, port = parts.hostname, parts.port or DEFAULT_PORT
        except ValueError as error:
            raise ConfigurationError(f"{address!r} is no collector's address: {error}") from error
        if parts.scheme not in SCHEMES or not host or parts.path.strip("/") or parts.query:
            raise ConfigurationError(
                f"{address!r} is no collector's address; give spanledger://host:port"
            )
        host = f"[{host}]" if ":" in host else host
        return cls(f"{SCHEMES[parts.scheme]}://{host}:{port}", key=key)

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        """See :class:`~.reader.Reader`. Decimals and times come as text; rows parse them."""
        body = self._get(_query_path(name, parameters), _JSON)
        return cast("list[Row]", json.loads(body)["rows"])

    def arrow(self, name: str, parameters: Mapping[str, object]) -> pa.Table:
        """See :class:`~.reader.Reader`."""
        return _table(self._get(_query_path(name, parameters), ARROW))

    def sql(self, text: str) -> pa.Table:
        """One ad-hoc SELECT; the collector must have been started with SQL on."""
        return _table(self._send("/v1/sql", ARROW, text.encode()))

    def health(self) -> dict[str, Any]:
        """The collector's own account of itself (``/healthz``), also where it takes nothing."""
        code, answer = self._exchange("/healthz", _JSON, None)
        if code == _OK or (code == _UNAVAILABLE and b'"ready"' in answer):
            return cast("dict[str, Any]", json.loads(answer))
        return _raise_answer(code, answer)

    def add_records(self, records: Sequence[Mapping[str, object]]) -> Recorded:
        """See :meth:`~.ledger.Ledger.add_records`."""
        code, answer = self._exchange("/v1/records", _JSON, records_body(records))
        recorded = records_answer(answer) if code in (_OK, _BAD_REQUEST) else None
        return _raise_answer(code, answer) if recorded is None else recorded

    def settle_again(self, asked: Asked) -> Settling:
        """See :meth:`~.ledger.Ledger.settle_again`."""
        return Settling(**json.loads(self._send("/v1/settlements", _JSON, asked.body())))

    def budgets(self) -> dict[str, Any]:
        """Budgets and alerts as the collector saw them last (``/v1/budgets``)."""
        return cast("dict[str, Any]", json.loads(self._get("/v1/budgets", "application/json")))

    def close(self) -> None:
        """Nothing is kept open."""

    def _get(self, path: str, accept: str) -> bytes:
        return self._send(path, accept, None)

    def _send(self, path: str, accept: str, body: bytes | None) -> bytes:
        code, answer = self._exchange(path, accept, body)
        return answer if code == _OK else _raise_answer(code, answer)

    def _exchange(self, path: str, accept: str, body: bytes | None) -> tuple[int, bytes]:
        """Status and body of the collector's answer, whatever it is."""
        request = urllib.request.Request(  # noqa: S310 - http(s) only: see `at`
            self._base_url + path,
            data=body,
            headers={"Accept": accept, "Content-Type": _JSON, **self._headers},
        )
        try:
            with self._opener.open(request, timeout=self._timeout_seconds) as response:
                return _OK, cast("bytes", response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except (OSError, HTTPException) as error:
            raise StoreUnavailableError(
                f"no collector answers at {self._base_url} ({error}); start one with "
                "`spanledger up`, or give another address with --url"
            ) from error


def _tls_context() -> ssl.SSLContext:
    """Trusts what the system does, or ``SSL_CERT_FILE``; shows a certificate where one is named.

    Raises:
        ConfigurationError: the certificate cannot be used.
    """
    context = ssl.create_default_context()
    certificate = os.environ.get("SPANLEDGER_CLIENT_CERTIFICATE")
    if certificate:
        try:
            context.load_cert_chain(certificate, os.environ.get("SPANLEDGER_CLIENT_KEY") or None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"SPANLEDGER_CLIENT_CERTIFICATE {certificate!r} with SPANLEDGER_CLIENT_KEY cannot "
                f"be used: {error}"
            ) from error
    return context


def _query_path(name: str, parameters: Mapping[str, object]) -> str:
    values = {key: _sent(key, value) for key, value in parameters.items()}
    return f"/v1/queries/{urllib.parse.quote(name, safe='')}?{urllib.parse.urlencode(values)}"


def _sent(name: str, value: object) -> str:
    """A value as text: what has none would be read as its name over there."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise PermanentError(
        f"parameter {name} = {value!r} cannot be used: give a text, a number or a time"
    )


def _table(body: bytes) -> pa.Table:
    with pa.ipc.open_stream(body) as stream:
        return stream.read_all()


def _raise_answer(code: int, body: bytes) -> NoReturn:
    """The collector's error, as the error it was over there."""
    try:
        told = json.loads(body)
        message = str(told["error"] if "error" in told else told["message"])
    except (ValueError, KeyError, TypeError):
        message = f"the collector answered {code}: {body[:200].decode(errors='replace')}"
    raise _ERRORS.get(code, PermanentError)(message)
