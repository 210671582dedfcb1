"""Model ids on spans -> price keys: asked of each price book once, kept in ``model_aliases``."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Protocol

from spanledger_collector import sql
from spanledger_collector.store import Connection

#: ``model_aliases.method`` of an id the book does not know.
UNKNOWN = "none"
_COLUMNS = (
    "provider_seen",
    "model_seen",
    "provider",
    "model",
    "method",
    "book_id",
    "resolved_at",
)


class ModelMatch(Protocol):
    """What the price book makes of a model id; provider and model are empty when it knows none."""

    @property
    def provider(self) -> str:
        """Provider in the price book."""
        ...

    @property
    def model(self) -> str:
        """Price key."""
        ...

    @property
    def method(self) -> str:
        """``exact`` | ``prefix`` | ``pattern`` | ``operator`` | ``none``."""
        ...


#: Asks the price book: (provider, model id), both as on the span.
Resolve = Callable[[str, str], ModelMatch | None]


def resolve_unseen(connection: Connection, version: int, resolve: Resolve, book_id: str) -> int:
    """Store an alias for every model id of a settlement that the book was not asked about.

    Returns:
        How many were asked. An id the book does not know is stored too, with method ``none``.
    """
    rows = connection.rows(
        sql.read("transforms/unresolved_models.sql"),
        {"version": version, "book_id": book_id},
    )
    return _ask(connection, rows, resolve, book_id)


def resolve_again(connection: Connection, resolve: Resolve, book_id: str) -> int:
    """Ask a new price book about every model id seen so far, for what is priced again.

    Returns:
        How many were asked; 0 when the book is the one that was asked last.
    """
    rows = connection.rows(sql.read("transforms/models_of_older_books.sql"), {"book_id": book_id})
    return _ask(connection, rows, resolve, book_id)


def _ask(
    connection: Connection, rows: Iterable[Mapping[str, object]], resolve: Resolve, book_id: str
) -> int:
    seen = [(str(row["provider_seen"]), str(row["model_seen"])) for row in rows]
    if not seen:
        return 0
    now = datetime.now(timezone.utc)
    connection.insert_rows(
        "model_aliases",
        _COLUMNS,
        [
            (provider, model, *_key(resolve(provider, model)), book_id, now)
            for provider, model in seen
        ],
    )
    return len(seen)


def _key(match: ModelMatch | None) -> tuple[str, str, str]:
    if match is None or not match.model:
        return "", "", UNKNOWN
    return match.provider, match.model, match.method
