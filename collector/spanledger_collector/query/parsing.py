"""Columns of an answer as the fields of a typed row, whether from ClickHouse or from JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def parse_rows(kind: type[T], rows: Iterable[Mapping[str, Any]]) -> list[T]:
    """Rows of a query as typed rows; columns that the type does not name are left out.

    Values may come from ClickHouse (typed) or from JSON (Decimals and times as text).

    Raises:
        KeyError: the query has no such column (a test runs every query against its type).
    """
    fields = _fields(kind)
    return [kind(**{name: read(row[name]) for name, read in fields}) for row in rows]


@cache
def _fields(kind: type) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    return tuple((f.name, _READERS[str(f.type)]) for f in dataclasses.fields(kind))


def _money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _amounts(value: Any) -> Mapping[str, Decimal]:
    return {str(name): Decimal(str(amount)) for name, amount in dict(value).items()}


def _counts(value: Any) -> Mapping[str, int]:
    return {str(name): int(count) for name, count in dict(value).items()}


def _moment(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


#: How a value becomes the type a field is annotated with.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "bool | None": lambda value: None if value is None else bool(value),
    "date": _day,
    "datetime": _moment,
    "datetime | None": lambda value: None if value is None else _moment(value),
    "Decimal": lambda value: Decimal(str(value)),
    "Decimal | None": _money,
    "float | None": lambda value: None if value is None else float(value),
    "tuple[str, ...]": tuple,
    "tuple[int, ...]": lambda value: tuple(map(int, value)),
    "Mapping[str, Decimal]": _amounts,
    "Mapping[str, int]": _counts,
}
