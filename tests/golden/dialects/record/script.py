"""What the script of a recording says of itself: its case, and the versions it runs with."""

import re
from pathlib import Path
from typing import Final

_CASE: Final = re.compile(r"case: (\w+/\w+)")
_PIN: Final = re.compile(r"\"([\w@/.\[\],-]+(?:==|\": \")\d[\w.]*)\"")


def case_of(script: Path) -> str:
    """``<dialect>/<name>``, as its line ``case:`` says.

    Raises:
        ValueError: it has no such line.
    """
    named = _CASE.search(script.read_text(encoding="utf-8"))
    if not named:
        raise ValueError(f"{script} has no line `case: <dialect>/<name>`")
    return named[1]


def pins_of(script: Path) -> list[str]:
    """Package and version, of a Python script from its header, of another from package.json."""
    source = script if script.suffix == ".py" else script.with_name("package.json")
    return [pin.replace('": "', "@") for pin in _PIN.findall(source.read_text(encoding="utf-8"))]
