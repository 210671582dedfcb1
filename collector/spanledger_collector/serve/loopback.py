"""What is for this machine only is asked by this machine's own names.

A web page could otherwise reach a port on the loopback address by pointing a name of its own at
127.0.0.1, and read the answers, or send what it likes (DNS rebinding). So could it a port of a
container that is published there: the operator tells the names of such a one.

Probes of orchestrators and load balancers ask by an address that nobody can tell beforehand: under
any name they learn whether the collector is ready, and nothing else.
"""

import ipaddress
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from spanledger_collector.errors import RefusedQueryError

#: Names of the loopback address.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# What containers of Docker and Podman call the machine they run on. Nobody can own a name below
# .internal.
_FROM_CONTAINERS = frozenset({"host.docker.internal", "host.containers.internal"})

#: What probes ask, by any name.
PROBED = frozenset({"/healthz", "/readyz"})
_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(?::(?P<port>[0-9]*))?")
_PORTS = 1 << 16
_STRANGE = "spanledger.asked_by_another_name"


def allowed(host: str, told: str) -> AbstractSet[str]:
    """The names that a port on ``host`` answers as; empty = any.

    Args:
        host: the address that it listens on.
        told: further names, divided by commas: ``SPANLEDGER_ALLOWED_HOSTS``.
    """
    names = {one.strip().lower() for one in told.split(",")} - {""}
    own = {host.strip("[]").lower()}
    return LOOPBACK | _FROM_CONTAINERS | own | names if is_loopback(host) else names


def is_loopback(host: str) -> bool:
    """Whether an address, or ``localhost``, is reached by this machine alone."""
    bare = host.strip("[]")
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return bare.lower() in LOOPBACK


def check_host(request: Request, names: AbstractSet[str] = LOOPBACK) -> None:
    """Refuse a request whose Host is another name.

    Args:
        request: what is asked.
        names: lower case, without ports.

    Raises:
        RefusedQueryError: asked by another name.
    """
    told = request.headers.get("host")
    # What is no name is refused as it is: the framework would take it for the address connected to.
    host = (request.url.hostname or "") if told is None else _name(told)
    if host.lower() not in names:
        raise RefusedQueryError(
            f"this port answers as {' or '.join(sorted(names))}, not as {host[:100]!r}: "
            "ask one of those, or let the proxy in front send one as Host"
        )


def _name(host: str) -> str:
    """A Host without port and brackets; what cannot be one, whole."""
    found = _HOST.fullmatch(host)
    if found is None or int(found["port"] or 0) >= _PORTS:
        return host
    return found["ipv6"] or found["name"]


def is_strange(scope: Mapping[str, Any]) -> bool:
    """Whether a probe was asked by a name that the port does not answer as otherwise."""
    return bool(scope.get(_STRANGE))


class AllowedHosts:
    """An ASGI application that is asked by some names only, but for probes; 403 otherwise.

    Args:
        app: what answers then.
        names: lower case, without ports; as :func:`allowed` gives them.
    """

    def __init__(self, app: ASGIApp, names: AbstractSet[str] = LOOPBACK) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer: Any = self._app
        if scope["type"] == "http":
            try:
                check_host(Request(scope), self._names)
            except RefusedQueryError as error:
                if scope["path"] in PROBED:
                    scope = {**scope, _STRANGE: True}
                else:
                    told = orjson.dumps({"error": str(error)})
                    answer = Response(told, 403, media_type="application/json")
        await answer(scope, receive, send)
