"""Patches come and go without a trace, and nobody has to be told what they do not cover."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry import context
from tests.sdk.instrumentors.cases_openai import CASES, MESSAGES, MODEL
from tests.sdk.instrumentors.conftest import Desk, Spans

from spanledger import _doctor
from spanledger._calls import attempts, draining
from spanledger._patches import registry
from spanledger._patches.instrumentor import Instrumentor, Method
from spanledger._patches.patching import Kind, Patch, PatchState, Target
from spanledger_collector.demo.provider import Answer

INSTRUMENTORS = list(registry.available().values())
IDS = [instrumentor.client for instrumentor in INSTRUMENTORS]


def _owner(target: Target) -> Any:
    owner: Any = importlib.import_module(target.module)
    for part in target.name.split(".")[:-1]:
        owner = getattr(owner, part)
    return owner


def _missing_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return True
    return False


def _present(instrumentor: Instrumentor) -> list[Method]:
    """The methods that the installed version has; only optional ones may be absent."""
    present: list[Method] = []
    for method in instrumentor.methods:
        absent = method.target.optional and _missing_module(method.target.module)
        if not absent:
            present.append(method)
    return present


def _patched(instrumentor: Instrumentor) -> list[Target]:
    """Those that are patched in the installed version: none that stands in for a better one."""
    targets = [method.target for method in _present(instrumentor)]
    return [one for one in targets if not hasattr(_owner(one), one.stands_in_for or "no such name")]


@pytest.mark.parametrize("instrumentor", INSTRUMENTORS, ids=IDS)
def test_uninstrument_puts_the_very_same_methods_back(instrumentor: Instrumentor) -> None:
    """Identity, not equality; also after instrumenting twice, and again."""
    targets = [
        *_patched(instrumentor),
        *(factory.target for factory in instrumentor.factories),
        *(one for one in instrumentor.deferring if not _missing_module(one.module)),
    ]
    assert targets
    before = [inspect.getattr_static(_owner(one), one.name.split(".")[-1]) for one in targets]
    for _ in range(2):
        registry.instrument()
        registry.instrument([instrumentor.client])
        during = [inspect.getattr_static(_owner(one), one.name.split(".")[-1]) for one in targets]
        spare = {str(one.target) for one in registry.status() if one.state is PatchState.SPARE}
        registry.uninstrument()
        after = [inspect.getattr_static(_owner(one), one.name.split(".")[-1]) for one in targets]
        assert all(now is then for now, then in zip(after, before, strict=True))
        # Another name of a function may hold ours since it was imported: by an earlier test, say.
        assert not [
            str(one)
            for one, now, then in zip(targets, during, before, strict=True)
            if now is then and str(one) not in spare
        ]


def test_a_method_that_is_gone_is_recorded_and_harms_nobody() -> None:
    """No exception, no patch, a reason in the status."""

    def wrapper(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    for name in ("OpenAI.there_is_no_such_method", "NoSuchClass.create"):
        patch = Patch(Target("openai", name, Kind.SYNC, optional=True), wrapper)
        patch.install()
        assert patch.state is PatchState.MISSING
        assert "no such method" in patch.detail
        patch.remove()


def test_a_module_imported_between_two_instrumentations_is_patched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import hook fires once; what it saw while we were off is not forgotten."""
    name = "spanledger_test_made_up_module"
    (tmp_path / f"{name}.py").write_text("class Thing:\n    def act(self): return 'theirs'\n")
    monkeypatch.syspath_prepend(tmp_path)

    def wrapper(_wrapped: Any, _instance: Any, _args: Any, _kwargs: Any) -> str:
        return "ours"

    patch = Patch(Target(name, "Thing.act", Kind.SYNC), wrapper)
    patch.install()
    patch.remove()
    thing: Any = importlib.import_module(name).Thing()
    try:
        assert thing.act() == "theirs"
        patch.install()
        assert patch.state is PatchState.INSTALLED
        assert thing.act() == "ours"
        patch.remove()
        assert thing.act() == "theirs"
    finally:
        del sys.modules[name]


def test_importing_and_instrumenting_imports_no_client() -> None:
    """Not even the HTTP libraries: an application that uses no model pays nothing."""
    program = (
        "import json, sys, spanledger;"
        "from spanledger import _doctor; from spanledger._calls import draining;"
        "from spanledger._patches import registry;"
        "registry.instrument(); draining.drain(120); _doctor.report();"
        "targets = {method.target.module"
        " for client in registry.available().values() for method in client.methods};"
        "parents = {name.rpartition('.')[0] for name in targets};"
        "others = {'httpx', 'httpx2', 'aiohttp', 'botocore', 'tiktoken'};"
        "names = targets | parents | others | set(registry.available());"
        "print(json.dumps([name for name in names if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert json.loads(done.stdout) == []


def test_an_unknown_client_is_named() -> None:
    """The message says what there is."""
    with pytest.raises(ValueError, match=r"no instrumentor for nothing; there are .*openai"):
        registry.instrument(["nothing"])


def test_the_doctor_tells_versions_patches_and_gaps(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions without an import, patch states, and settings with their secrets hidden."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=very-secret,b=also-secret")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hidden@collector:4318")
    registry.import_waiting("openai")
    found = _doctor.report()
    assert {client.client for client in found.clients} == set(IDS)
    assert all(client.supported and client.version for client in found.clients)
    states = {patch.state for client in found.clients for patch in client.patches}
    assert PatchState.INSTALLED in states
    assert "very-secret" not in repr(found)
    assert "also-secret" not in repr(found)
    assert "hidden" not in repr(found)
    assert "collector:4318" in found.exporter
    assert not spans()


@pytest.mark.slow
def test_the_doctor_finds_every_patch_in_a_fresh_process() -> None:
    """Of every client; what is missing lies in a module of another version's layout."""
    program = (
        "import json; from spanledger import _doctor;"
        "print(json.dumps([[client.client, patch.state.value, str(patch.detail)]"
        " for client in _doctor.examine().clients for patch in client.patches]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    found: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    on = {client for client, state, _ in found if state == PatchState.INSTALLED.value}
    assert on >= set(IDS)
    missing = [patch for patch in found if patch[1] == PatchState.MISSING.value]
    assert [patch for patch in missing if "No module named" not in patch[2]] == []


async def test_markers_and_generators_are_left_alone(desk: Desk) -> None:
    """``omit`` is not recorded as text; a generator of messages reaches the provider unread."""
    openai = importlib.import_module("openai")
    client = desk.make(CASES, "sync")
    client.chat.completions.create(
        model=MODEL, messages=(m for m in MESSAGES), temperature=openai.omit, n=openai.NOT_GIVEN
    )
    [span] = desk.spans()
    assert desk.provider.requests[0].body["messages"] == MESSAGES
    assert not [name for name in span.attributes or {} if "temperature" in name or "choice" in name]


async def test_other_traffic_of_the_http_client_is_not_counted(desk: Desk) -> None:
    """Outside a call, and after it, requests belong to nobody."""
    client = desk.make(CASES, "sync")
    client.chat.completions.create(model=MODEL, messages=MESSAGES)
    with httpx2.Client(verify=False) as other:
        other.post(f"{desk.provider.openai_url}/nothing", json={})
    assert attempts.current.get() is None
    [span] = desk.spans()
    assert (span.attributes or {})["spanledger.attempt.number"] == 1


async def test_a_coroutine_that_is_never_finished_leaves_the_context_as_it_was(desk: Desk) -> None:
    """Closing a call's coroutine half-way ends its span and detaches it."""
    before = context.get_current()
    desk.provider.enqueue(Answer(hang=True))
    task = asyncio.ensure_future(
        desk.make(CASES, "async").chat.completions.create(model=MODEL, messages=MESSAGES)
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert context.get_current() == before
    assert draining.drain(120)


async def test_a_stream_can_be_left_and_read_on(desk: Desk) -> None:
    """Breaking out of a loop is no end: the rest is read later and all of it counts."""
    stream = desk.make(CASES, "sync").chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    for _ in stream:
        break
    assert not desk.spans()
    rest = list(stream)
    assert rest[-1].usage is not None
    [span] = desk.spans()
    assert (span.attributes or {})["spanledger.usage.source"] == "provider"
