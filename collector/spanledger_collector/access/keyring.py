"""The keys in force in a running collector: looked up in constant time, read again on change."""

import hmac
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from spanledger_collector.errors import ConfigurationError, UnauthenticatedError, WrongKeyError

from .identity import Identity
from .keyfile import KeyFile, KeyRecord, hashed, key_id_of

_LOG = logging.getLogger(__name__)
#: A revoked key is refused after so long at the latest.
LOOK_SECONDS = 1.0
_NO_HASH = "0" * 64
_HOW = "send it as `authorization: Bearer <key>` or `x-api-key: <key>`"


class Keyring:
    """Authentication by the keys of a file; call it with the key of a request.

    Without a file everybody is the default workspace. Once there is one, keys are needed, also
    when all of them are revoked. A file that becomes unreadable changes nothing: the keys known
    before stay in force, and the log tells.

    Args:
        path: of the file that ``spanledger keys`` keeps.

    Raises:
        ConfigurationError: the file is there and cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._file = KeyFile(path)
        self._stamp = self._seen()
        self._keys = self._read()
        self._look_at = time.monotonic() + LOOK_SECONDS

    @property
    def needs_keys(self) -> bool:
        """Requests without a key are refused."""
        return bool(self._keys)

    def __call__(self, key: str | None) -> Identity:
        """The identity behind a key.

        Raises:
            UnauthenticatedError: no key.
            WrongKeyError: an unknown or a revoked one. The message names no part of a key that is
                not known.
        """
        self._look()
        if not self._keys:
            return Identity()
        if key is None:
            raise UnauthenticatedError(f"this collector needs an API key: {_HOW}")
        record = self._keys.get(key_id_of(key))
        stored = _NO_HASH if record is None else record.sha256
        right = hmac.compare_digest(hashed(key), stored)
        if record is None or not right:
            raise WrongKeyError(f"the API key is not known here: {_HOW}")
        if record.revoked_at is not None:
            raise WrongKeyError(
                f"key {record.key_id} was revoked on {record.revoked_at:%Y-%m-%d}; ask for another"
            )
        return Identity(record.workspace, record.tenant, record.may, record.key_id)

    def _look(self) -> None:
        """Read the file again if it changed; it is looked at once a second at most."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        stamp = self._seen()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            keys = self._read()
        except ConfigurationError as error:
            _LOG.error("the keys known before stay in force: %s", error)
            return
        if self._keys and not keys:
            # Removing the file must not open the ledger to everybody.
            _LOG.error(
                "%s is gone or empty: the keys known before stay in force until the collector is "
                "started again",
                self._file.path,
            )
            return
        self._keys = keys
        _LOG.info("keys read again: %d, of which some may be revoked", len(keys))

    def _read(self) -> Mapping[str, KeyRecord]:
        return {key.key_id: key for key in self._file.read()}

    def _seen(self) -> tuple[int, int, int] | None:
        try:
            found = self._file.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
