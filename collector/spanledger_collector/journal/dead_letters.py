"""Records that could not be loaded: found, read, and given back to the journal."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from spanledger_collector.errors import (
    ConfigurationError,
    JournalUnavailableError,
    NotFoundError,
)
from spanledger_collector.journal.durable import sync_directory
from spanledger_collector.journal.journal import Journal
from spanledger_collector.signals import Signal

_FOLDER = "dead_letters"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record that was set aside.

    Attributes:
        sequence: its number in the journal.
        workspace: whose ledger it belongs to.
        tenant: tenant that its API key pinned, else empty.
        span_count: spans in it; data points, of metrics.
        received_at_ns: when it was received, nanoseconds since 1970.
        payload_bytes: size of the request.
        reason: what the database said.
        signal: what kind of request it is.
    """

    sequence: int
    workspace: str
    tenant: str
    span_count: int
    received_at_ns: int
    payload_bytes: int
    reason: str
    signal: Signal = "traces"


class DeadLetters:
    """Those of one journal.

    Args:
        directory: of the journal.
    """

    def __init__(self, directory: Path) -> None:
        self._journal = directory
        self._directory = directory / _FOLDER

    def all(self) -> Sequence[DeadLetter]:
        """Every one, oldest first.

        Raises:
            ConfigurationError: one cannot be read; the message names the file.
        """
        return [self._read(path) for path in sorted(self._directory.glob("*.json"))]

    def one(self, sequence: int) -> DeadLetter:
        """That of a number.

        Raises:
            NotFoundError: there is none.
            ConfigurationError: it cannot be read.
        """
        path = self._path(sequence, "json")
        if not path.exists():
            raise NotFoundError(f"no dead letter {sequence} in {self._directory}")
        return self._read(path)

    def payload(self, sequence: int) -> bytes:
        """The request, as canonical protobuf.

        Raises:
            ConfigurationError: it cannot be read.
        """
        path = self._path(sequence, "pb")
        try:
            return path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read ({error.strerror})") from error

    def give_back(self, letters: Sequence[DeadLetter], *, max_bytes: int) -> int:
        """Append letters to the journal, to be loaded at the next start, and forget them.

        A crash in between leaves a letter here and in the journal: a span that is loaded twice
        counts once, so giving it back again does no harm.

        Args:
            letters: which.
            max_bytes: size of the journal at which it is full.

        Returns:
            How many were given back.

        Raises:
            ConfigurationError: a collector has the journal open.
            RetryableError: the journal is full or cannot be written; those before are given back.
        """
        if not letters:
            return 0
        journal = Journal.open(self._journal, max_bytes=max_bytes)
        try:
            self._forget_halves()
            asyncio.run(self._append(journal, letters))
        except OSError as error:
            raise JournalUnavailableError(
                f"a dead letter in {self._directory} cannot be removed ({error.strerror}): repair "
                "the disk and give back what is still listed; what comes twice counts once"
            ) from error
        finally:
            journal.close()
        return len(letters)

    def _forget_halves(self) -> None:
        """Payloads without an account: given back before a crash, or set aside again later.

        Nobody sets anything aside meanwhile: the journal is ours.
        """
        for payload in self._directory.glob("*.pb"):
            if not payload.with_suffix(".json").exists():
                payload.unlink()

    async def _append(self, journal: Journal, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            await journal.append(
                self.payload(letter.sequence),
                workspace=letter.workspace,
                tenant=letter.tenant,
                span_count=letter.span_count,
                received_at_ns=letter.received_at_ns,
                signal=letter.signal,
            )
            # The account first: with it alone a letter would be listed that cannot be read.
            self._path(letter.sequence, "json").unlink()
            self._path(letter.sequence, "pb").unlink()
        sync_directory(self._directory)

    def _path(self, sequence: int, kind: str) -> Path:
        return self._directory / f"{sequence:020d}.{kind}"

    def _read(self, path: Path) -> DeadLetter:
        try:
            told = orjson.loads(path.read_bytes())
            size = path.with_suffix(".pb").stat().st_size
            return DeadLetter(payload_bytes=size, **told)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"the dead letter {path} cannot be read ({error}): restore it, or move it and its "
                ".pb away"
            ) from error
