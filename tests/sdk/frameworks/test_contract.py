"""Every framework file is under this contract as soon as it exists: nothing is left out of it."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import threading
from typing import Any

import pytest
from tests.sdk.frameworks import (  # each declares its behaviours
    test_contract_failures,
    test_contract_runs,
    test_contract_streams,
)
from tests.sdk.frameworks.behaviours import CASES, CONTRACT, FILES, OWN
from tests.sdk.frameworks.contract import (
    FrameworkCases,
)
from tests.support.contracts import MODES

from spanledger._patches import registry
from spanledger._patches.patching import PatchState

_BEHAVIOURS = (test_contract_failures, test_contract_runs, test_contract_streams)

ALL = list(registry.available_frameworks().values())
#: No agents of their own: under tests of their own.
TOOLS_ONLY = {"mcp", "langchain"}


def test_every_framework_has_cases_and_every_mode_is_run_or_declared() -> None:
    """A file without cases, or a mode that nobody decided about, fails here."""
    files = {file.removeprefix("cases_") for file in FILES}
    assert {framework.name for framework in ALL} == files | TOOLS_ONLY
    for cases in CASES:
        assert {way.mode for way in cases.ways} | set(cases.lacks) == set(MODES), cases.name
    assert CONTRACT.gaps() == []


@pytest.mark.parametrize("cases", CASES, ids=OWN)
def test_uninstrument_puts_the_very_same_methods_back(cases: FrameworkCases) -> None:
    """Identity, not equality; also after instrumenting twice, and again."""
    framework = cases.framework
    targets = [one.target for one in (*framework.steps, *framework.bridges)]

    def now() -> list[Any]:
        found: list[Any] = []
        for target in targets:
            if importlib.util.find_spec(target.module.partition(".")[0]):
                owner: Any = importlib.import_module(target.module)
                *path, name = target.name.split(".")
                owner = functools.reduce(getattr, path, owner)
                if not (target.optional and not hasattr(owner, name)):
                    found.append(inspect.getattr_static(owner, name))
        return found

    before = now()
    for _ in range(2):
        registry.instrument()
        registry.instrument([framework.name])
        during = now()
        states = [one for one in registry.status() if one.client == framework.name]
        on = [one for one in states if one.state is PatchState.INSTALLED]
        joined = len(framework.registrations) + len(framework.models)
        assert len(on) == len(before) + joined, states
        registry.uninstrument()
        assert all(one is then for one, then in zip(now(), before, strict=True))
        assert not any(one is then for one, then in zip(during, before, strict=True))


def test_nothing_runs_in_a_thread_of_ours() -> None:
    """Instrumenting frameworks starts no thread."""
    before = set(threading.enumerate())
    registry.instrument([framework.name for framework in ALL])
    try:
        assert set(threading.enumerate()) <= before
    finally:
        registry.uninstrument()
