"""Each patched method is a row of the matrix, or is tried beside it, where it says.

Each method gets a reading of its own that tells that it was asked; then every row is run once.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.instrumentors.behaviours import CASES
from tests.sdk.instrumentors.beside_the_matrix import BESIDE, UNTRIED
from tests.sdk.instrumentors.contract import ClientCases, Mode, perform
from tests.support.contracts import OLDEST

from spanledger import _draining, _fetch, _registry
from spanledger._api import Api
from spanledger._gaps import covers
from spanledger._instrumentor import Instrumentor, Method
from spanledger._patching import PatchState
from spanledger_collector.demo.provider import Provider

_HERE = Path(__file__).parent
INSTALLED = PatchState.INSTALLED
DECLARED = {*BESIDE, *UNTRIED}
#: What the installed versions of the clients have.
_INSTALLED: set[str] = set()
Note = Callable[[], None]
_ALONE = "SPANLEDGER_TESTS_ALONE"
_INNER = "test_every_patched_method_is_tried_alone"


def _noting(method: Method, note: Note) -> Method:
    """The same method, which tells when it is asked."""
    api: Any = method.api
    if isinstance(api, _fetch.Fetch):
        return dataclasses.replace(
            method, api=dataclasses.replace(api, read=_after(note, api.read))
        )
    if isinstance(api, Api):
        changed: dict[str, Any] = {"request": _after(note, api.request)}
        if api.adapt is not None:
            changed["adapt"] = _after(note, api.adapt)
        return dataclasses.replace(method, api=dataclasses.replace(api, **changed))
    return method


def _after(note: Note, function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        note()
        return function(*args, **kwargs)

    return run


def _followed(instrumentor: Instrumentor, asked: set[str]) -> Instrumentor:
    def note_of(name: str) -> Note:
        return lambda: asked.add(name)

    methods = tuple(_noting(method, note_of(str(method.target))) for method in instrumentor.methods)
    return dataclasses.replace(instrumentor, methods=methods)


@pytest.fixture(name="asked")
async def _asked(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Mapping[str, set[str]]]:
    """By client, the patched methods that the rows of the matrix call."""
    found: dict[str, set[str]] = {name: set() for name in _registry.available()}
    followed = {name: _followed(one, found[name]) for name, one in _registry.available().items()}
    monkeypatch.setattr(_registry, "available", lambda: followed)
    monkeypatch.setattr(_registry, "_patches", {})
    _registry.instrument()
    for cases in CASES:
        for mode in ("sync", "async"):
            if mode not in cases.lacks:
                await _run(cases, mode, provider)
    assert _draining.drain(120)
    _INSTALLED.update(one.target for one in _registry.status() if one.state is INSTALLED)
    yield found
    _registry.uninstrument()


async def _run(cases: ClientCases, mode: Mode, provider: Provider) -> None:
    client = cases.make(mode, provider)
    for operation in cases.operations:
        if operation.in_oldest or not OLDEST:
            provider.enqueue(operation.answer)
            await perform(operation, client, mode)
    closed = client.close()
    if mode == "async":
        await closed


def _sister(name: str) -> str:
    """The synchronous method of the same name."""
    return name.replace(".Async", ".").removesuffix("_async")


def _is_asked(name: str, asked: set[str]) -> bool:
    """By this name, or by that under which an application calls it.

    Which of LiteLLM's two names a call comes by depends on what of it was imported before.
    """
    return not asked.isdisjoint({name, name.replace("litellm.main.", "litellm.")})


def test_every_patched_method_is_tried() -> None:
    """In a process of its own: by which of several names a call comes depends on the past."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{__file__}::{_INNER}"],
        env={**alone, _ALONE: "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "1 passed" in done.stdout


@pytest.mark.skipif(_ALONE not in os.environ, reason="run by the test above, alone")
def test_every_patched_method_is_tried_alone(asked: Mapping[str, set[str]]) -> None:
    """One that is declared and is a row all the same fails, too."""
    wrong = {
        name
        for client, instrumentor in _registry.available().items()
        for name in {str(method.target) for method in instrumentor.methods} & _INSTALLED
        if _is_asked(name, asked[client]) == any(covers(gap, _sister(name)) for gap in DECLARED)
    }
    assert not wrong, "\n".join(sorted(wrong))


def test_what_is_tried_beside_the_matrix_is_tried_where_it_says() -> None:
    """The file is there, and names the method."""
    patched = {
        _sister(str(method.target))
        for instrumentor in _registry.available().values()
        for method in instrumentor.methods
    }
    for gap in DECLARED:
        assert any(covers(gap, name) for name in patched), gap
    for gap, (file, word) in BESIDE.items():
        assert word in (_HERE / file).read_text(encoding="utf-8"), (gap, file)
