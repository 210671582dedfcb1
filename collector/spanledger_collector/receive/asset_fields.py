"""An entry about an asset as JSON says it -> the attributes of the span that tells it.

The entries are those of the SDK's ``spanledger.assets``: costs, plans, write-offs, transfers. What
the ledger could not keep as it was sent is refused (:class:`FlawError`).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from spanledger import semconv

from .record_fields import Attributes, FlawError, Read, amount, currency, number, one_of, text

_KINDS: Final = ("training", "data_curation", "evaluation", "provisioning", "hosting")
_UNITS: Final = ("execution", "token", "flop", "success")
_UNIT_DECIMALS: Final = 6
#: Every entry may have these, and needs the first.
_COMMON: Final[Mapping[str, tuple[str, Read]]] = {
    "asset": (semconv.ASSET_ID, text),
    "record_id": (semconv.RECORD_ID, text),
    "reason": (semconv.RECORD_REASON, text),
}


def _units(value: object) -> str:
    told = number(value, _UNIT_DECIMALS)
    if told <= 0:
        raise FlawError("give a number above 0")
    return f"{told:f}"


def _taken(value: object) -> str:
    told = amount(value)
    if Decimal(told) <= 0:
        raise FlawError("give an amount above 0")
    return told


def _kept(value: object) -> str:
    told = amount(value)
    if Decimal(told) < 0:
        raise FlawError("give 0 or more")
    return told


#: Entry -> its own fields.
ENTRIES: Final[Mapping[str, Mapping[str, tuple[str, Read]]]] = {
    "asset_cost": {
        "amount": (semconv.ASSET_AMOUNT, amount),
        "currency": (semconv.ASSET_CURRENCY, currency),
        "asset_kind": (semconv.ASSET_KIND, one_of(*_KINDS)),
    },
    "asset_plan": {
        "expected_executions": ("", _units),
        "expected_units": ("", _units),
        "unit": (semconv.ASSET_UNIT, one_of(*_UNITS)),
        "life_days": (semconv.ASSET_LIFE_DAYS, _units),
        "executions_per_day": ("", _units),
        "low": (semconv.ASSET_EXPECTED_UNITS_LOW, _units),
        "high": (semconv.ASSET_EXPECTED_UNITS_HIGH, _units),
        "salvage": (semconv.ASSET_SALVAGE, _kept),
        "agent": (semconv.ASSET_AGENT_NAME, text),
        "version": (semconv.ASSET_AGENT_VERSION, text),
    },
    "asset_write_off": {"amount": (semconv.ASSET_AMOUNT, _taken)},
    "asset_transfer": {
        "amount": (semconv.ASSET_AMOUNT, _taken),
        "to": (semconv.ASSET_TO, text),
        "asset_kind": (semconv.ASSET_KIND, one_of(*_KINDS)),
    },
}
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "asset_cost": ("asset", "amount"),
    "asset_plan": ("asset",),
    "asset_write_off": ("asset",),
    "asset_transfer": ("asset", "to"),
}
_DEFAULT_KIND: Final = "training"


def takes_capital(told: Mapping[str, object]) -> bool:
    """Whether an entry that can be stored takes capital out: write-off, transfer or credit."""
    kind = told.get("kind")
    if kind == "asset_cost":
        return str(told.get("amount")).strip().startswith("-")
    return kind in ("asset_write_off", "asset_transfer")


def asset_attributes(kind: str, told: Mapping[str, object]) -> Attributes:
    """The attributes of an entry's span.

    Args:
        kind: one of :data:`ENTRIES`.
        told: its fields without ``kind`` and ``at``, none of them empty.

    Raises:
        FlawError: a field is unknown, missing or cannot be used.
    """
    fields = {**_COMMON, **ENTRIES[kind]}
    read = _read(kind, told, fields)
    result: Attributes = {
        semconv.OPERATION_NAME: semconv.OPERATION_RECORD,
        semconv.ASSET_ENTRY: kind.removeprefix("asset_"),
        **{fields[name][0]: value for name, value in read.items() if fields[name][0]},
    }
    if semconv.ASSET_AMOUNT in result:
        result.setdefault(semconv.ASSET_CURRENCY, "USD")
    if kind == "asset_plan":
        result |= _method(read)
    elif kind == "asset_cost":
        result.setdefault(semconv.ASSET_KIND, _DEFAULT_KIND)
    return result


def _read(
    kind: str, told: Mapping[str, object], fields: Mapping[str, tuple[str, Read]]
) -> dict[str, str | float]:
    """The fields by their names."""
    unknown = sorted(set(told) - set(fields))
    if unknown:
        raise FlawError(f"{kind} has no {', '.join(unknown)}; it has {', '.join(sorted(fields))}")
    missing = [name for name in _NEEDED[kind] if name not in told]
    if missing:
        raise FlawError(f"{kind} needs {' and '.join(missing)}")
    read: dict[str, str | float] = {}
    for name, value in told.items():
        try:
            read[name] = fields[name][1](value)
        except FlawError as error:
            raise FlawError(f"{name}: {error}") from None
    return read


def _method(read: Mapping[str, str | float]) -> Attributes:
    """How the plan charges: one of the three ways, which its fields tell."""
    ways = [name for name in ("expected_executions", "expected_units", "life_days") if name in read]
    if len(ways) != 1 or ("executions_per_day" in read) != (ways == ["life_days"]):
        raise FlawError(
            "give expected_executions, or expected_units of a unit, or life_days and "
            "executions_per_day"
        )
    unit = str(read.get("unit", "execution"))
    if ways == ["expected_units"]:
        method, units = "units_of_production", str(read["expected_units"])
    elif unit != "execution":
        raise FlawError(f"{ways[0]} is of executions; give expected_units of {unit}")
    elif ways == ["expected_executions"]:
        method, units = "straight_line_per_execution", str(read["expected_executions"])
    else:
        daily = Decimal(str(read["life_days"])) * Decimal(str(read["executions_per_day"]))
        method, units = "straight_line_per_time", f"{daily:f}"
    ends = [read.get("low", units), units, read.get("high", units)]
    if ends != sorted(ends, key=lambda end: Decimal(str(end))):
        raise FlawError("give low, expected and high in this order")
    return {
        semconv.ASSET_METHOD: method,
        semconv.ASSET_UNIT: unit,
        semconv.ASSET_EXPECTED_UNITS: units,
    }
