"""The file of engines that are asked, read and checked whole before any of it is used.

::

    engines:
      - name: chat                              # the pool that it is of
        url: http://10.0.0.5:8000/metrics
        every_seconds: 15
        workspace: default                      # whose ledger it is in
        tenant: ""                              # on whose behalf
        key_file: /run/secrets/vllm             # sent as a bearer token; read at every scrape
"""

from collections import Counter
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from spanledger_collector.document import read_document
from spanledger_collector.errors import ConfigurationError

#: An answer, and each part of it, is waited for no longer.
_LONGEST_SECONDS = 5.0
#: Samples further apart say nothing of the time between them (view ``engine_utilisation``).
_MOST_APART_SECONDS = 300


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(
            "an address such as http://10.0.0.5:8000/metrics is needed; a key goes into key_file"
        )
    return url


class Target(BaseModel):
    """A server that is asked.

    Attributes:
        name: ``service.name`` of what it tells; by convention its pool.
        url: of its metrics.
        every_seconds: between two questions.
        workspace: whose ledger it is in.
        tenant: on whose behalf; empty = nobody's in particular.
        key_file: holds what is sent as a bearer token; None = nothing is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    url: Annotated[str, AfterValidator(_address)]
    every_seconds: float = Field(default=15, ge=1, le=_MOST_APART_SECONDS)
    workspace: str = Field(default="default", min_length=1, max_length=128)
    tenant: str = Field(default="", max_length=128)
    key_file: Path | None = None

    @property
    def instance(self) -> str:
        """Host and port: what tells servers of one name apart."""
        return urlsplit(self.url).netloc

    @property
    def patience_seconds(self) -> float:
        """How long an answer is waited for, and each part of it."""
        return min(self.every_seconds, _LONGEST_SECONDS)


class _Document(BaseModel):
    # An address may hold a password.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    engines: tuple[Target, ...]


def read_targets(path: Path) -> tuple[Target, ...]:
    """The engines of a file.

    Raises:
        ConfigurationError: it cannot be read, an entry is none, or a server is named twice.
    """
    targets = read_document(path, _Document, "engines", entry="engine").engines
    for url, times in Counter(one.url for one in targets).items():
        if times > 1:
            raise ConfigurationError(f"engines of {path}: {url} is named {times} times")
    return targets
