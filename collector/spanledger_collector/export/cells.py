"""Arrow columns as the text of a CSV file: all digits, UTC, nothing for NULL, no formulas."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from spanledger_collector.formulas import shown

# Arrow is Any below: its stubs have no one name for a column of any type.
_Values = Sequence[Any]
_compute: Any = pc


def cells(column: Any) -> _Values:
    """The values of a column as the csv module writes them."""
    if column.null_count == len(column):
        return [None] * len(column)
    write = next((write for is_kind, write in _WRITERS if is_kind(column.type)), None)
    return write(column) if write else column.to_pylist()


def _texts(column: Any) -> _Values:
    try:
        told = column.to_pylist()
    except UnicodeDecodeError:
        raw = column.cast(pa.binary()).to_pylist()
        told = [value if value is None else value.decode(errors="replace") for value in raw]
    return [value if value is None else shown(value) for value in told]


def _decimals(column: Any) -> _Values:
    return [value if value is None else f"{value:f}" for value in column.to_pylist()]


def _moments(column: Any) -> _Values:
    """ISO 8601 with as many digits of a second as it has."""
    told = _compute.cast(column.cast(pa.timestamp(column.type.unit, tz="UTC")), pa.string())
    for pattern, kept in ((r"^(\S+) ", r"\1T"), (r"(\.\d*[1-9])0+Z$", r"\1Z"), (r"\.0+Z$", "Z")):
        told = _compute.replace_substring_regex(told, pattern, kept)
    values: _Values = told.to_pylist()
    return values


def _bools(column: Any) -> _Values:
    return [value if value is None else ("false", "true")[value] for value in column.to_pylist()]


def _maps(column: Any) -> _Values:
    return [value if value is None else _json(dict(value)) for value in column.to_pylist()]


def _nested(column: Any) -> _Values:
    return [value if value is None else _json(value) for value in column.to_pylist()]


def _json(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


_WRITERS: Sequence[tuple[Callable[[Any], bool], Callable[[Any], _Values]]] = (
    (_is_text, _texts),
    (pa.types.is_decimal, _decimals),
    (pa.types.is_timestamp, _moments),
    (pa.types.is_boolean, _bools),
    (pa.types.is_map, _maps),
    (pa.types.is_nested, _nested),
)
