"""The file of API keys: made, listed and revoked; only hashes of keys are in it.

One JSON object, ``{"version": 1, "keys": [...]}``, readable by its owner only. A key is
``sl_<id>_<secret>``: the id (12 hex digits) names it and is no secret, the secret has 256 random
bits, so a plain SHA-256 is as good as a slow hash. Revoked keys stay in the file, so that their
ids in logs can be told.
"""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from spanledger_collector.errors import ConfigurationError, NotFoundError, PermanentError

from .identity import Permission

_PREFIX = "sl_"
_ID_BYTES, _SECRET_BYTES = 6, 32
_MAX_NAME = 200
_OWNER_ONLY = 0o600
_SEND_ONLY: frozenset[Permission] = frozenset({"send"})


class KeyRecord(BaseModel):
    """One key, as it is stored.

    Attributes:
        key_id: names it, in logs too.
        sha256: of the whole key, in hex digits.
        workspace: whose ledger it writes and reads.
        tenant: on whose behalf every span sent with it is; empty = the spans say it.
        may: what it allows.
        name: what it is for, in words.
        created_at: when it was made.
        revoked_at: since when it is refused; None = it is not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key_id: str = Field(pattern=r"^[0-9a-f]{12}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)
    workspace: str = Field(min_length=1, max_length=_MAX_NAME)
    tenant: str = Field(default="", max_length=_MAX_NAME)
    may: frozenset[Permission] = Field(min_length=1)
    name: str = Field(default="", max_length=_MAX_NAME)
    created_at: datetime
    revoked_at: datetime | None = None

    @model_validator(mode="after")
    def _reads_as_a_whole(self) -> "KeyRecord":
        if self.tenant and self.may - _SEND_ONLY:
            raise ValueError("a key of one tenant may send only")
        return self


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(default=1, ge=1, le=1)
    keys: list[KeyRecord] = []


def hashed(key: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def key_id_of(key: str) -> str:
    """The id inside a key; empty when it is not of our form."""
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    return key_id if prefix + "_" == _PREFIX and secret else ""


class KeyFile:
    """The keys of a collector.

    Args:
        path: of the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Sequence[KeyRecord]:
        """Every key, revoked ones too; none when there is no file.

        Raises:
            ConfigurationError: the file cannot be used.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigurationError(
                f"the keys of {self.path} cannot be read ({error.strerror})"
            ) from error
        try:
            return _Document.model_validate(orjson.loads(content)).keys
        except (orjson.JSONDecodeError, ValidationError) as error:
            # Not the text of the error: it quotes the file.
            raise ConfigurationError(
                f"{self.path} is not a file of keys as `spanledger keys add` writes it; restore "
                "it, or remove it and make new keys"
            ) from error

    def add(
        self,
        workspace: str,
        *,
        tenant: str = "",
        may: frozenset[Permission] = frozenset({"send", "read"}),
        name: str = "",
    ) -> tuple[str, KeyRecord]:
        """Make a key; it is given here and never again.

        Raises:
            PermanentError: a key of one tenant that may read (a workspace is read as a whole), or
                a name that cannot be.
            ConfigurationError: the file cannot be read or written.
        """
        if tenant and may - _SEND_ONLY:
            raise PermanentError(
                "a key of one tenant may send only: reading shows the whole workspace. Give each "
                "tenant a workspace, or leave --tenant out"
            )
        key_id = secrets.token_hex(_ID_BYTES)
        key = f"{_PREFIX}{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        try:
            record = KeyRecord(
                key_id=key_id, sha256=hashed(key), workspace=workspace, tenant=tenant, may=may,
                name=name, created_at=_now(),
            )  # fmt: skip
        except ValidationError as error:
            wrong = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
            raise PermanentError(f"no key like that: {wrong}") from error
        with self._changing():
            self._write([*self.read(), record])
        return key, record

    def revoke(self, key_id: str) -> KeyRecord:
        """Refuse a key from now on.

        Raises:
            NotFoundError: there is none of that id.
            ConfigurationError: the file cannot be read or written.
        """
        with self._changing():
            keys = {key.key_id: key for key in self.read()}
            found = keys.get(key_id)
            if found is None:
                raise NotFoundError(f"no key {key_id[:40]!r} in {self.path}")
            if found.revoked_at is None:
                found = keys[key_id] = found.model_copy(update={"revoked_at": _now()})
                self._write(list(keys.values()))
        return found

    @contextmanager
    def _changing(self) -> Generator[None]:
        """Two commands at once change one after the other."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(
                self.path.with_name(self.path.name + ".lock"),
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW,
                _OWNER_ONLY,
            )
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, keys: Sequence[KeyRecord]) -> None:
        content = _Document(keys=list(keys)).model_dump_json(indent=1).encode()
        scratch = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(scratch, flags, _OWNER_ONLY)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self.path)
        except OSError as error:
            scratch.unlink(missing_ok=True)
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(f"{self.path} cannot be written ({error.strerror})")


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), timezone.utc).replace(microsecond=0)
