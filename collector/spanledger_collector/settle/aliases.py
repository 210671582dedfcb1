"""Model ids on spans -> price keys: asked of each price book once, kept in ``model_aliases``.

The first answer for an id holds for every call. A book that answers otherwise later, because an
alias was edited or the book is newer, is known from then on: it prices calls that are received
afterwards, and never changes what was billed. Nothing is edited or deleted.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Protocol, cast

from spanledger_collector import sql
from spanledger_collector.store import Connection

_LOG = logging.getLogger(__name__)
#: ``model_aliases.method`` of an id the book does not know.
UNKNOWN = "none"
_OPERATOR = "operator"
#: Names that one line of the log tells.
_TOLD = 20
_ALWAYS = datetime(1970, 1, 1, tzinfo=timezone.utc)
_OPEN_END = datetime(2299, 12, 31, tzinfo=timezone.utc)
#: Resolution of instants in the ledger.
_TICK = timedelta(milliseconds=1)
_Key = tuple[str, str]
#: valid_from, valid_to, provider, model, method.
_Meaning = tuple[datetime, datetime, str, str, str]
_Meanings = list[_Meaning]
_COLUMNS = (
    "provider_seen",
    "model_seen",
    "valid_from",
    "valid_to",
    "known_from",
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


class _Dated(ModelMatch, Protocol):
    """What an id means for calls of one window of time: the items of ``windows`` of a match."""

    @property
    def valid_from(self) -> datetime:
        """First instant of the window."""
        ...

    @property
    def valid_to(self) -> datetime:
        """First instant after it."""
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


def try_resolving(connection: Connection, version: int, book_id: str) -> None:
    """Do what :func:`resolve_unseen` does for a settlement of no trace, its insert too.

    Raises:
        CollectorError: it fails whatever the settlement is of.
    """
    resolve_unseen(connection, version, lambda _provider, _model: None, book_id)
    _held(connection, book_id)
    connection.try_insert("model_aliases", _COLUMNS)


def _ask(
    connection: Connection, rows: Iterable[Mapping[str, object]], resolve: Resolve, book_id: str
) -> int:
    seen = [(str(row["provider_seen"]), str(row["model_seen"])) for row in rows]
    if not seen:
        return 0
    held = _held(connection, book_id)
    now = datetime.now(timezone.utc)
    rows_to_add: list[Sequence[object]] = []
    gone: list[str] = []
    for key in seen:
        meanings = _meanings(resolve(*key))
        known_from, before = held.get(key, (_ALWAYS, meanings))
        meanings = _or_ended(meanings, before, now)
        if before != meanings:
            known_from = max(now, known_from + _TICK)
            if meanings[-1][4] == UNKNOWN and before[-1][4] == _OPERATOR:
                gone.append("/".join(key))
        rows_to_add += [
            (*key, start, end, known_from, *match, book_id, now) for start, end, *match in meanings
        ]
    connection.insert_rows("model_aliases", _COLUMNS, rows_to_add)
    if gone:
        _LOG.warning(
            "your prices file has no entry any more for %d models that it priced, and nothing else "
            "does: calls from now on are unpriced: %s. Is SPANLEDGER_PRICES_FILE set? Put the "
            "entries back; one that ended has a valid_to",
            len(gone),
            ", ".join(gone[:_TOLD]),
        )
    return len(seen)


def _or_ended(meanings: _Meanings, before: _Meanings, now: datetime) -> _Meanings:
    """What a book says of an id; a name that the operator alone gave it ends now, when it is gone.

    Calls made until then keep it: what they were billed is right as known now, too.
    """
    if any(model for _, _, _, model, _ in meanings) or all(one[4] != _OPERATOR for one in before):
        return meanings
    kept = [one for one in before if one[0] < now]
    start, _, provider, model, method = kept[-1]
    if method == UNKNOWN:
        return [*kept[:-1], (start, _OPEN_END, "", "", UNKNOWN)]
    return [
        *kept[:-1],
        (start, now, provider, model, method),
        (now, _OPEN_END, "", "", UNKNOWN),
    ]


def _held(connection: Connection, book_id: str) -> dict[_Key, tuple[datetime, _Meanings]]:
    """The newest answer that the ledger has of an older book, and since when it is known."""
    rows = connection.rows(sql.read("transforms/model_answers.sql"), {"book_id": book_id})
    return {
        (str(row["provider_seen"]), str(row["model_seen"])): (
            cast("datetime", row["known_from"]),
            [_plain(meaning) for meaning in cast("Iterable[Sequence[object]]", row["meanings"])],
        )
        for row in rows
    }


def _plain(meaning: Sequence[object] | Mapping[str, object]) -> _Meaning:
    values = meaning.values() if isinstance(meaning, Mapping) else meaning
    start, end, provider, model, method = values
    return (
        cast("datetime", start),
        cast("datetime", end),
        str(provider),
        str(model),
        str(method),
    )


def _meanings(match: ModelMatch | None) -> _Meanings:
    """What an id means, window by window; one of all time where the book knows no dates."""
    windows = cast("Sequence[_Dated]", getattr(match, "windows", ()))
    if windows:
        return [(one.valid_from, one.valid_to, *_key(one)) for one in windows]
    return [(_ALWAYS, _OPEN_END, *_key(match))]


def _key(match: ModelMatch | None) -> tuple[str, str, str]:
    if match is None or not match.model:
        return "", "", UNKNOWN
    return match.provider, match.model, match.method
