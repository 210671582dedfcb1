"""HTTP attempts behind one call: how many, why the failed ones failed, how long each wait was.

Client libraries retry by themselves and say nothing about it. Their one public way to the network
is ``send`` of an HTTP client (``request`` of an aiohttp session), so that is what is observed, and
only while a model call is running: for all other traffic the wrapper costs one read of a context
variable.
"""

from __future__ import annotations

import itertools
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Protocol, cast

from spanledger._guard import guarded, swallow
from spanledger._patches.light import Around, Switch
from spanledger._patches.patching import Kind, Target, called

HTTP_ERROR: Final = 400


@dataclass(slots=True)
class Attempt:
    """One HTTP request of a call. Times are seconds of ``time.perf_counter``.

    ``failure`` is empty for an answer below 400, else the status (``429``), ``timeout`` or
    ``connection_error``. ``url`` is the HTTP library's own, as text or as an object; None where the
    client asks one server only. ``answer`` is the response below 400: a client may raise because of
    what it says, and it is billed all the same.
    """

    started: float
    ended: float
    failure: str
    url: object = None
    answer: Any = None


class Observer(Protocol):
    """Who wants to know: the running call."""

    #: Requests that are on their way: one HTTP library may stand on another.
    sending: int

    @property
    def requesting(self) -> bool:
        """False once the client method has returned: later requests are somebody else's."""
        ...

    def attempted(self, attempt: Attempt) -> None:
        """Take note of one HTTP request that was answered or failed."""
        ...


#: The call whose client method is running in this context.
current: ContextVar[Observer | None] = ContextVar("spanledger_call", default=None)


@dataclass(frozen=True, slots=True)
class Retries:
    """What the failed attempts before the last one cost. Lists are parallel, in order."""

    count: int
    reasons: tuple[str, ...]
    attempt_seconds: tuple[float, ...]
    wait_seconds: tuple[float, ...]


def own_attempts(attempts: list[Attempt]) -> list[Attempt]:
    """Those to the host of the last one, which answers the call.

    The others look something up: a token, a list of models, which agent it is that asks.
    """
    if len(attempts) == 1:
        return attempts
    host = _host(attempts[-1].url)
    return [attempt for attempt in attempts if _host(attempt.url) == host]


def _host(url: object) -> str:
    """Host and port; empty for an address that the client completes by itself."""
    return "" if url is None else urllib.parse.urlsplit(str(url)).netloc


def retries_of(attempts: list[Attempt]) -> Retries:
    """The attempts that failed and were made again; an answered one before the last is no retry."""
    failed = [
        (attempt, following)
        for attempt, following in itertools.pairwise(attempts)
        if attempt.failure
    ]
    return Retries(
        len(failed),
        tuple(attempt.failure for attempt, _ in failed),
        tuple(round(attempt.ended - attempt.started, 6) for attempt, _ in failed),
        tuple(round(max(0.0, next_.started - attempt.ended), 6) for attempt, next_ in failed),
    )


def failure_of(error: BaseException) -> str:
    """A stable word for why a request failed: status code, kind of network failure, or class name.

    Read from public attributes and class names, so that no client library has to be imported.
    """
    inner = getattr(error, "original_exception", None)  # LiteLLM's error inside a stream
    if isinstance(inner, BaseException):
        return failure_of(inner)
    names = [kind.__name__ for kind in type(error).__mro__]
    for name, failure in _UNANSWERED:
        if name in names:  # a status that it has was made up
            return failure
    for owner, name in ((error, "status_code"), (error, "code"), (_response(error), "status_code")):
        status = getattr(owner, name, None)
        if isinstance(status, int) and status >= HTTP_ERROR:
            return str(status)
    if any("Timeout" in name for name in names):
        return "timeout"
    if not _CONNECTION_ERRORS.isdisjoint(names):
        return "connection_error"
    return _service_failure(_response(error)) or type(error).__qualname__


def _service_failure(response: object) -> str:
    """The status, or inside a stream the code, of an error that ``botocore`` read for its user."""
    if not isinstance(response, Mapping):
        return ""
    parts = cast("Mapping[str, Mapping[str, object]]", response)
    status = parts.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = parts.get("Error", {}).get("Code")
    return str(status if isinstance(status, int) else code or "")


#: Classes of errors without any answer, which the clients of many providers share.
_UNANSWERED: Final = (("APITimeoutError", "timeout"), ("APIConnectionError", "connection_error"))
#: Names of classes: those of the HTTP libraries and of the clients.
_CONNECTION_ERRORS: Final = frozenset(
    {
        "TransportError",
        "APIConnectionError",
        "ConnectionError",
        "ProtocolError",  # urllib3
        "ClientConnectionError",  # aiohttp
        "ClientPayloadError",  # aiohttp
    }
)


def _response(error: BaseException) -> object:
    """The HTTP answer that an error was made of, if it says."""
    return getattr(error, "response", None)


def sending(method: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
    """What lies around ``Client.send``."""

    def send(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        observer = current.get()
        if observer is None or not observer.requesting or not switch:
            return method(self, *args, **kwargs)
        started = perf_counter()
        sent = args[0] if args else kwargs.get("request")  # by name: ``stream`` of the same class
        observer.sending += 1
        try:
            response = method(self, *args, **kwargs)
        except BaseException as error:
            observer.sending -= 1
            _tell(observer, started, sent, None, error)
            raise
        observer.sending -= 1
        _tell(observer, started, sent, response)
        return response

    return send


def sending_async(method: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
    """What lies around ``AsyncClient.send``."""

    async def send(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        observer = current.get()
        if observer is None or not observer.requesting or not switch:
            return await method(self, *args, **kwargs)
        started = perf_counter()
        sent = args[0] if args else kwargs.get("request")  # by name: ``stream`` of the same class
        observer.sending += 1
        try:
            response = await method(self, *args, **kwargs)
        except BaseException as error:
            observer.sending -= 1
            _tell(observer, started, sent, None, error)
            raise
        observer.sending -= 1
        _tell(observer, started, sent, response)
        return response

    return send


def request(
    wrapped: Callable[..., Any],
    _session: object,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """Wrapper of ``ClientSession.request``, whose result makes the request when it is awaited."""
    pending = wrapped(*args, **kwargs)
    observer = current.get()
    if observer is None or not observer.requesting or observer.sending:
        return pending
    return _observed(observer, pending, args, kwargs) or pending


@guarded(None)
def _observed(
    observer: Observer, pending: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    url = args[1] if len(args) > 1 else kwargs.get("url")
    return type(pending)(_awaited(observer, pending, url))


async def _awaited(observer: Observer, pending: Awaitable[Any], url: object) -> Any:
    started = perf_counter()
    try:
        response = await pending
    except BaseException as error:
        _tell(observer, started, None, None, error, url=url)
        raise
    _tell(observer, started, response, response, url=url)
    return response


def _tell(
    observer: Observer,
    started: float,
    addressed: object,
    response: Any,
    error: BaseException | None = None,
    *,
    url: object = None,
) -> None:
    """Tell the observer.

    Args:
        observer: who wants to know.
        started: when the request was made.
        addressed: what has the ``url`` it went to.
        response: the answer, if any.
        error: why there is none.
        url: the address, where nothing has it.
    """
    try:  # written out: every call of every client comes by here
        url = getattr(addressed, "url", url)
        if error is None:
            status = getattr(response, "status_code", None) or response.status
            failure = "" if status < HTTP_ERROR else str(status)
        else:
            failure = failure_of(error)
        answer = None if failure else response
        observer.attempted(Attempt(started, perf_counter(), failure, url, answer))
    except Exception:  # noqa: BLE001 -- handed to the one place where errors of ours end
        swallow(_tell)


#: What is patched. Redirects are followed inside, so a redirect is not an attempt of its own.
PATCHED: Final[tuple[tuple[Target, Around], ...]] = (
    *(
        (Target(module, f"{name}.send", kind, optional=True), around)
        for module in ("httpx", "httpx2")
        for name, kind, around in (
            ("Client", Kind.SYNC, sending),
            ("AsyncClient", Kind.ASYNC, sending_async),
        )
    ),
    (Target("aiohttp", "ClientSession.request", Kind.SYNC, optional=True), called(request)),
)
