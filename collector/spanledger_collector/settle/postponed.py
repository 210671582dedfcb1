"""Why a trace could not be settled for now, and how long it may rest before it is tried again."""

from typing import Final, NamedTuple

from spanledger_collector.errors import CollectorError
from spanledger_collector.store import Connection

# Longest pause before a trace is tried again; one that is over a limit by itself costs much each
# time.
LONGEST_PAUSE_SECONDS: Final = 60.0
LONGEST_PAUSE_OVER_LIMIT_SECONDS: Final = 600.0


class Postponed(NamedTuple):
    """Why a trace could not be settled for now, and its longest pause."""

    longest_seconds: float
    error: CollectorError

    @property
    def over_limit(self) -> bool:
        """Alone it is too much."""
        return self.longest_seconds == LONGEST_PAUSE_OVER_LIMIT_SECONDS


def answers(connection: Connection) -> bool:
    """Whether the ledger itself is well, so that the fault lies with what was asked."""
    try:
        connection.execute("SELECT 1")
    except CollectorError:
        return False
    return True
