"""Arrow tables as plain rows: what JSON and terminals can show of an ad-hoc answer."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from .reader import Row


def plain_rows(table: pa.Table) -> list[Row]:
    """The rows of a table as Python values.

    Times are cut to microseconds, which is what Python's type holds; text that is no UTF-8 (a
    function can cut a character in two) shows with replacement characters.
    """
    if table.num_rows == 0:
        return []
    columns = [_values(column) for column in table.columns]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: "pa.ChunkedArray[Any]") -> list[Any]:
    kind = _plain_type(column.type)
    return [_value(value, kind) for value in column.cast(kind, safe=False).to_pylist()]


# Arrow's types are Any below: as its stubs narrow them, no inner type has one name everywhere.
_is_nested: Callable[[Any], bool] = pa.types.is_nested
_is_struct: Callable[[Any], bool] = pa.types.is_struct
_is_map: Callable[[Any], bool] = pa.types.is_map


def _plain_type(kind: Any) -> Any:
    """The same type with times in microseconds and text as bytes, however deep."""
    for is_kind, plain in _PLAIN_TYPES:
        if is_kind(kind):
            return plain(kind)
    return kind


def _fields(kind: Any) -> Any:
    return pa.struct([field.with_type(_plain_type(field.type)) for field in kind])


_PLAIN_TYPES: Sequence[tuple[Callable[[Any], bool], Callable[[Any], Any]]] = (
    (pa.types.is_timestamp, lambda kind: pa.timestamp("us", tz=kind.tz)),
    (pa.types.is_string, lambda _: pa.binary()),
    (pa.types.is_large_string, lambda _: pa.large_binary()),
    (pa.types.is_dictionary, lambda kind: _plain_type(kind.value_type)),
    (pa.types.is_list, lambda kind: pa.list_(_plain_type(kind.value_type))),
    (pa.types.is_map, lambda k: pa.map_(_plain_type(k.key_type), _plain_type(k.item_type))),
    (pa.types.is_struct, _fields),
)


def _value(value: Any, kind: Any) -> Any:
    """Bytes as text and maps as dictionaries, however deep."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if value is None or not _is_nested(kind):
        return value
    if _is_struct(kind):
        return {name: _value(value[name], kind.field(name).type) for name in value}
    if _is_map(kind):
        return {_value(key, kind.key_type): _value(item, kind.item_type) for key, item in value}
    return [_value(inner, kind.value_type) for inner in value]
