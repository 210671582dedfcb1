"""What other calculators answered: asked in environments of their own, kept in ``answers.json``.

The environments are made when missing (``tests.support.environments``), from ``pins/<name>.txt``;
``make bench-pins`` resolves those. The file is what the page is written from, so that nobody needs
the calculators to check the page.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any, Final

from tests.support.environments import Environments

_ROOT: Final = Path(__file__).parents[2]
CALCULATORS: Final = Environments(
    pins=Path(__file__).with_name("pins"),
    folder=_ROOT / ".bench-peers" / "conformance",
    layered=False,
)
FILE: Final = Path(__file__).with_name("answers.json")


@dataclass(frozen=True, slots=True)
class Calculator:
    """The answers of one calculator.

    Attributes:
        version: of its package.
        asked_on: the day it was asked (ISO).
        answers: by case; ``usd`` an amount, ``refused`` its words, ``not_asked`` why.
    """

    version: str
    asked_on: str
    answers: Mapping[str, Mapping[str, str]]


def ask(cases: Sequence[Mapping[str, str]]) -> dict[str, Calculator]:
    """Ask every calculator for every case; those that lack an environment get one first.

    Raises:
        RuntimeError: an environment cannot be made.
    """
    return {name: _ask(name, cases) for name in CALCULATORS.names()}


def _ask(name: str, cases: Sequence[Mapping[str, str]]) -> Calculator:
    print(f"  asking {name}", flush=True)
    done = subprocess.run(  # noqa: S603 -- our own program
        [str(CALCULATORS.python(name)), "-m", "benchmarks.conformance.worker", name],
        cwd=_ROOT,
        input=json.dumps(list(cases)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Calculator(told["version"], _today().isoformat(), told["answers"])


def _today() -> date:
    return datetime.now(timezone.utc).date()


def save(calculators: Mapping[str, Calculator]) -> None:
    """Write the file."""
    plain = {name: asdict(calculator) for name, calculator in calculators.items()}
    FILE.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load() -> dict[str, Calculator]:
    """Read the file."""
    plain: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: Calculator(**told) for name, told in plain.items()}
