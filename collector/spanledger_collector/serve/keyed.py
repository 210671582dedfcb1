"""Every path of a port behind API keys: what a handler forgets is refused, not shown.

An ASGI application around another. Before a request reaches a handler, its key is looked up, what
the path needs is checked, and the ``workspace`` of its query is made the key's own, so that no
handler can read another one. A path that is not listed needs ``read``.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from spanledger_collector.access import Authenticate, Identity, Permission, WrongKeys, api_key
from spanledger_collector.errors import (
    CollectorError,
    TooManyWrongKeysError,
    UnauthenticatedError,
)

_SCOPE_KEY = "spanledger.identity"
#: Browsers ask for a password when they see Basic; a key is given as that.
CHALLENGE = 'Bearer, Basic realm="spanledger: the API key is the password"'


class Keyed:
    """An ASGI application that is asked with keys only.

    Args:
        app: what answers then.
        authenticate: gives the identity behind a key.
        refuse: a refusal as this port tells errors.
        needs: path -> what a key has to allow; None = nothing, not even a key.
        otherwise: what every other path needs.
        wrong_keys: counts those that are not known.
    """

    def __init__(
        self,
        app: ASGIApp,
        authenticate: Authenticate,
        refuse: Callable[[CollectorError], Response],
        *,
        needs: Mapping[str, Permission | None],
        otherwise: Permission = "read",
        wrong_keys: WrongKeys | None = None,
    ) -> None:
        self._app = app
        self._authenticate = authenticate
        self._wrong_keys = wrong_keys or WrongKeys()
        self._refuse = refuse
        self._needs = needs
        self._otherwise: Permission = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            scope = self._admitted(scope)
        except CollectorError as error:
            answer = self._refuse(error)
            if isinstance(error, TooManyWrongKeysError):
                answer.status_code = 429
                answer.headers["Retry-After"] = str(error.retry_after_seconds)
            if isinstance(error, UnauthenticatedError):
                answer.headers["WWW-Authenticate"] = CHALLENGE
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admitted(self, scope: Scope) -> Scope:
        needed = self._needs.get(scope["path"], self._otherwise)
        if needed is None:
            return {**scope, _SCOPE_KEY: self._whoever(scope)}
        identity = self._asking(scope)
        identity.check(needed)
        return {**scope, _SCOPE_KEY: identity, "query_string": _of_workspace(scope, identity)}

    def _whoever(self, scope: Scope) -> Identity | None:
        try:
            return self._asking(scope)
        except UnauthenticatedError:
            return None

    def _asking(self, scope: Scope) -> Identity:
        try:
            return self._authenticate(_key(scope))
        except UnauthenticatedError as error:
            address, _ = scope.get("client") or ("", 0)
            raise self._wrong_keys.answer(error, address) from None


def may(scope: Mapping[str, Any], permission: Permission) -> bool:
    """Whether who asks may do that; everybody may where no keys are asked for."""
    identity: Identity | None = scope.get(_SCOPE_KEY, Identity())
    return identity is not None and permission in identity.may


def _key(scope: Scope) -> str | None:
    return api_key(
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    )


def _of_workspace(scope: Scope, identity: Identity) -> bytes:
    """The query of the URL with exactly one workspace: one that the key may read."""
    query: bytes = scope["query_string"]
    if not identity.key_id:
        return query
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    asked = {value for name, value in given if name == "workspace"} or {""}
    read = {identity.workspace_of(one) for one in asked}
    others = [(name, value) for name, value in given if name != "workspace"]
    return urlencode([*others, ("workspace", read.pop())]).encode()
