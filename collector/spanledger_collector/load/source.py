"""What the loader needs of a journal: stages do not import each other, the pipeline hands it in."""

from collections.abc import Sequence
from typing import Any, Protocol

from spanledger_collector.load.frame import LoadRecord


class LoadJournal(Protocol):
    """A journal, as the loader sees it; every call may raise ``JournalUnavailableError``."""

    @property
    def journal_id(self) -> str:
        """Names the journal; with a sequence it names a record for ever."""
        ...

    @property
    def first_unreleased(self) -> int:
        """The lowest sequence that is not released."""
        ...

    def read(self, from_sequence: int, *, max_records: int, max_spans: int) -> Sequence[LoadRecord]:
        """Records from a sequence on, in order; at least one if there is one."""
        ...

    def wait(self, sequence: int, timeout_seconds: float) -> bool:
        """Blocks until a record with that sequence or a later one exists."""
        ...

    def release(self, before_sequence: int) -> None:
        """Everything below is in the ledger."""
        ...

    def set_aside(self, record: Any, reason: str) -> None:
        """Keeps a record, one that ``read`` gave, that cannot be loaded."""
        ...
