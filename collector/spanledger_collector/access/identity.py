"""Whose request it is, and how the key of a request is found."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from spanledger_collector.errors import ForbiddenError

#: ``operate`` = what concerns every workspace: SQL, metrics, other workspaces; reading with it.
Permission = Literal["send", "read", "operate"]
EVERYTHING: frozenset[Permission] = frozenset({"send", "read", "operate"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose ledger a request writes or reads.

    Attributes:
        workspace: isolation boundary, from the API key alone.
        tenant: the tenant the key pins; empty when the spans say it themselves.
        may: what the key allows.
        key_id: names the key in logs; empty without keys. Not a secret.
    """

    workspace: str = "default"
    tenant: str = ""
    may: frozenset[Permission] = EVERYTHING
    key_id: str = ""

    def check(self, permission: Permission) -> None:
        """Refuse what the key does not allow.

        Raises:
            ForbiddenError: it does not.
        """
        if permission not in self.may:
            raise ForbiddenError(
                f"key {self.key_id} may not {permission}; it may {', '.join(sorted(self.may))}: "
                f"use another, or make one with `spanledger keys add --may {permission}`"
            )

    def workspace_of(self, asked: str) -> str:
        """The workspace that is read: the key's own, or the asked one where it may be.

        Raises:
            ForbiddenError: it is somebody else's.
        """
        if asked in ("", self.workspace) or "operate" in self.may:
            return asked or self.workspace
        raise ForbiddenError(
            f"key {self.key_id} is of workspace {self.workspace!r} and reads no other; leave "
            "the workspace out, or ask with a key that may operate"
        )


Authenticate = Callable[[str | None], Identity]
"""Gives the identity behind an API key (None: none was sent), or raises UnauthenticatedError."""


def anonymous(_key: str | None) -> Identity:
    """Authentication of a collector without keys: everybody is the default workspace."""
    return Identity()


def api_key(metadata: Mapping[str, str]) -> str | None:
    """The key of a request, from its headers or gRPC metadata (names in lower case).

    ``authorization: Bearer <key>``, ``x-api-key: <key>``, or the password of
    ``authorization: Basic``: what browsers, dashboards and database drivers can send.
    """
    scheme, _, credentials = metadata.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    if scheme.lower() == "basic":
        return _password(credentials.strip())
    return metadata.get("x-api-key") or None


def _password(credentials: str) -> str | None:
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text.partition(":")[2] or None
