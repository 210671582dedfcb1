"""Each patched method gets a reading that tells that it was asked; then every row is run once.

Run by ``test_all_patched`` in a process of its own, hence no name that pytest collects: by which of
several names a call comes depends on what was imported and patched before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import pytest
from tests.sdk.instrumentors.behaviours import CASES
from tests.sdk.instrumentors.beside_the_matrix import DECLARED, sister
from tests.sdk.instrumentors.contract import ClientCases, Mode, perform
from tests.support.contracts import OLDEST

from spanledger._calls import draining, fetch
from spanledger._calls.api import Api
from spanledger._patches import registry
from spanledger._patches.gaps import covers
from spanledger._patches.instrumentor import Instrumentor, Method
from spanledger._patches.patching import PatchState
from spanledger_collector.demo.provider import Provider

INSTALLED = PatchState.INSTALLED
#: What the installed versions of the clients have.
_INSTALLED: set[str] = set()
Note = Callable[[], None]


def _noting(method: Method, note: Note) -> Method:
    """The same method, which tells when it is asked."""
    api: Any = method.api
    if isinstance(api, fetch.Fetch):
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
    found: dict[str, set[str]] = {name: set() for name in registry.available()}
    followed = {name: _followed(one, found[name]) for name, one in registry.available().items()}
    monkeypatch.setattr(registry, "available", lambda: followed)
    monkeypatch.setattr(registry, "_patches", {})
    registry.instrument()
    for cases in CASES:
        for mode in ("sync", "async"):
            if mode not in cases.lacks:
                await _run(cases, mode, provider)
    assert draining.drain(120)
    _INSTALLED.update(one.target for one in registry.status() if one.state is INSTALLED)
    yield found
    registry.uninstrument()


async def _run(cases: ClientCases, mode: Mode, provider: Provider) -> None:
    client = cases.make(mode, provider)
    for operation in cases.operations:
        if operation.in_oldest or not OLDEST:
            provider.enqueue(operation.answer)
            await perform(operation, client, mode)
    closed = client.close()
    if mode == "async":
        await closed


def _is_asked(name: str, asked: set[str]) -> bool:
    """By this name, or by that under which an application calls it.

    Which of LiteLLM's two names a call comes by depends on what of it was imported before.
    """
    return not asked.isdisjoint({name, name.replace("litellm.main.", "litellm.")})


def test_every_patched_method_is_asked(asked: Mapping[str, set[str]]) -> None:
    """One that is declared and is a row all the same fails, too."""
    wrong = {
        name
        for client, instrumentor in registry.available().items()
        for name in {str(method.target) for method in instrumentor.methods} & _INSTALLED
        if _is_asked(name, asked[client]) == any(covers(gap, sister(name)) for gap in DECLARED)
    }
    assert not wrong, "\n".join(sorted(wrong))
