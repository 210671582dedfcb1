"""Every framework, every way to run an agent: found by discovery."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from tests.sdk.frameworks.contract import (
    FrameworkCases,
    attributes,
    is_held_here,
)
from tests.support.contracts import MODES, Contract, F, Mode, Row, under_contract

from spanledger import semconv

_HERE = Path(__file__).parent
FILES = sorted(
    f"cases_{name}"
    for name in under_contract(
        module.name.removeprefix("cases_")
        for module in pkgutil.iter_modules([str(_HERE)])
        if module.name.startswith("cases_")
    )
)


#: The files whose frameworks are held in this environment.
OWN = [file for file in FILES if is_held_here(file.removeprefix("cases_"))]


def _cases(file: str) -> FrameworkCases:
    cases: FrameworkCases = importlib.import_module(f"tests.sdk.frameworks.{file}").CASES
    return cases


CASES = [_cases(file) for file in OWN]


CONTRACT = Contract(
    "frameworks",
    ("cases", "way"),
    [Row(cases, way.name, way.mode, (cases, way)) for cases in CASES for way in cases.ways],
)


def behaviour(*modes: Mode, each: bool = True) -> Callable[[F], F]:
    """Run a test on every way of these modes (one way a mode, where ``each`` is false)."""
    return CONTRACT.behaviour(lambda row: row.mode in (modes or MODES), each=each)


def last_word(span: ReadableSpan) -> str:
    """The class of the error that the span tells; empty without an error."""
    return str(attributes(span).get(semconv.ERROR_TYPE, "")).rpartition(".")[2]
