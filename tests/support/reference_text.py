"""How the engine reads and prints texts and numbers, told again in plain Python."""

import json
import math
import re
from decimal import ROUND_DOWN, Decimal
from typing import Any

from spanledger_collector.load.dialects import (
    JsonAttribute,
)

_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ADDRESS = re.compile(
    r"(?:[a-z0-9+.-]+://)?(?:[^/@]*@)?([^:/@]+|\[[^\]]*\])(?::[0-9]+)?(?:[/?].*)?", re.DOTALL
)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)


def cut(text: str) -> str:
    """At most 256 bytes, whole characters."""
    return text.encode()[:256].decode(errors="ignore") if len(text.encode()) > 256 else text


def float_text(number: float) -> str:
    """A double as the engine prints it."""
    if not math.isfinite(number):
        return repr(number)
    if number == 0:
        return "-0" if str(number).startswith("-") else "0"
    if 1e-6 <= abs(number) < 1e21:
        text = format(Decimal(repr(number)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    tail = "".join(map(str, digits[1:]))
    power = int(exponent) + len(digits) - 1
    return f"{'-' * sign}{digits[0]}{'.' + tail if tail else ''}e{power}"


def scalar_text(plain: Any) -> str | None:
    """Text of a scalar; None for what is not read."""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, str):
        return cut(plain)
    if isinstance(plain, int):
        return str(plain)
    return float_text(plain) if isinstance(plain, float) else None


def elements(plain: Any) -> list[str]:
    """Texts of an array's elements; nested ones are empty."""
    return [scalar_text(e) or "" for e in plain[:128]] if isinstance(plain, list) else []


def text_of(plain: Any) -> str | None:
    """Text of an attribute's value; None when it counts as not sent."""
    return cut(",".join(elements(plain))) if isinstance(plain, list) else scalar_text(plain)


def leaves(attribute: JsonAttribute, text: str) -> list[tuple[str, str]]:
    """Scalars inside a text that is an object, four levels deep; else the text itself."""
    if attribute.format == "python":
        for printed, meant in (("'", '"'), ("None", "null"), ("True", "true"), ("False", "false")):
            text = text.replace(printed, meant)
    if not text.startswith("{"):
        return [(f"{attribute.key}/", _unquoted(text))]
    try:
        whole_object = json.loads(text, parse_int=Decimal)
    except ValueError:
        return []
    found: list[tuple[str, str]] = []
    _collect(whole_object, f"{attribute.key}/", 4, found)
    return found


def _collect(inside: dict[str, Any], path: str, levels: int, found: list[tuple[str, str]]) -> None:
    for name, value in inside.items():
        if isinstance(value, dict):
            if levels > 1:
                _collect(value, f"{path}{name}.", levels - 1, found)
        elif isinstance(value, bool):
            found.append((path + name, "true" if value else "false"))
        elif isinstance(value, float):
            found.append((path + name, float_text(value)))
        elif isinstance(value, (str, Decimal)):
            found.append((path + name, str(value)))


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return ""
    return value if isinstance(value, str) else ""


def real(text: str) -> float | None:
    """A number, or None."""
    if _REAL.fullmatch(text) or text.lstrip("+-").lower() in ("inf", "nan", "infinity"):
        return float(text)
    return None


def wait(text: str) -> float:
    """Seconds waited: finite and not negative."""
    number = real(text) or 0.0
    return max(number, 0.0) if abs(number) < float("inf") else 0.0


def whole(text: str) -> int:
    """A whole number; -1 when it is none."""
    if _WHOLE.fullmatch(text) and -(2**63) <= int(text) < 2**63:
        return int(text)
    number = real(text)
    return int(number) if number is not None and abs(number) < 9.2e18 else -1


def lower(text: str) -> str:
    """Lower case of ASCII letters only, as the engine does it."""
    return "".join(c.lower() if c.isascii() else c for c in text)


def host(address: str) -> str:
    """The host in an address, as it is where it is none."""
    found = _ADDRESS.fullmatch(lower(address))
    return found[1] if found else lower(address)


def amount(text: str) -> Decimal | None:
    """A quantity with six decimals; None when it is none, negative or impossibly large."""
    number = real(text)
    if number is None or not math.isfinite(number):
        return None
    if not -1 < (exact := Decimal(text)) < 2**40:
        return None
    cut_off = exact.quantize(Decimal("1e-6"), rounding=ROUND_DOWN)
    return cut_off if cut_off >= 0 else None
