"""What is instrumented: clients and frameworks, found by discovery, switched by name."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from opentelemetry.trace import TracerProvider

from spanledger import engines, frameworks, instrumentors
from spanledger._calls import attempts
from spanledger._calls.capture import CAPTURE
from spanledger._calls.maker import KEEPERS
from spanledger._frameworks import patches
from spanledger._frameworks.framework import Framework
from spanledger._patches.drivers import Tracing, around_of
from spanledger._patches.factories import FactoryPatch
from spanledger._patches.instrumentor import Instrumentor, Readable
from spanledger._patches.light import Around
from spanledger._patches.patching import Hook, Kind, Patch, PatchState, Target, wrapping
from spanledger._patches.renaming import renamed_at_once
from spanledger._process_lock import ProcessLock

#: Name under which the HTTP libraries stand in :func:`status`.
HTTP: Final = "http"

_lock: Final = ProcessLock()
_tracing: Final = Tracing()
_patches: Final[dict[str, tuple[Patch | FactoryPatch | Hook, ...]]] = {}
_active: Final[set[str]] = set()


@dataclass(frozen=True, slots=True)
class PatchStatus:
    """One patch as it is now; ``client`` is the name of the client or framework."""

    client: str
    target: str
    state: PatchState
    detail: str
    optional: bool
    """Not in every version of the client."""


@functools.cache
def available() -> dict[str, Instrumentor]:
    """Every instrumentor there is, by client name. Imports no client library."""
    return {each.client: each for each in _files_of(instrumentors, "INSTRUMENTOR")}


@functools.cache
def available_frameworks() -> dict[str, Framework]:
    """Every agent framework there is a file for, by name. Imports no framework."""
    return {each.name: each for each in _files_of(frameworks, "FRAMEWORK")}


@functools.cache
def available_engines() -> dict[str, Instrumentor]:
    """Every engine there is a file for that runs in this process, by name. Imports none."""
    return {each.client: each for each in _files_of(engines, "INSTRUMENTOR")}


def _files_of(package: ModuleType, name: str) -> Iterator[Any]:
    """What the modules of a package call so."""
    for module in pkgutil.iter_modules(package.__path__):
        yield getattr(importlib.import_module(f"{package.__name__}.{module.name}"), name)


def instrument(
    names: Sequence[str] | None = None, *, tracer_provider: TracerProvider | None = None
) -> None:
    """Patch these clients and frameworks (all by default), now or as soon as each is imported.

    Calling it again changes nothing. What is not installed costs nothing.

    Args:
        names: as in :func:`available` and :func:`available_frameworks`.
        tracer_provider: where spans go; the application's provider when None.

    Raises:
        ValueError: for a name that no instrumentor has.
    """
    known = [*available(), *available_frameworks(), *available_engines()]
    chosen = list(known) if names is None else list(names)
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise ValueError(f"no instrumentor for {', '.join(unknown)}; there are {', '.join(known)}")
    with _lock():
        CAPTURE.read_environment()
        _tracing.use(tracer_provider)
        with renamed_at_once():
            for name in chosen:
                _install(name)
            if chosen:
                _install(HTTP)


def uninstrument(names: Sequence[str] | None = None) -> None:
    """Put the original methods back, the very same objects (all by default)."""
    with _lock(), renamed_at_once():
        chosen = list(_active) if names is None else [name for name in names if name in _active]
        for name in chosen:
            for patch in _patches[name]:
                patch.remove()
            _active.discard(name)
        if _active == {HTTP}:
            uninstrument([HTTP])


def active() -> bool:
    """Whether any client or framework is measured."""
    return bool(_active)


def status() -> list[PatchStatus]:
    """Every patch that was ever asked for, in a stable order."""
    with _lock():
        return [
            PatchStatus(client, str(patch.target), patch.state, patch.detail, patch.optional)
            for client in sorted(_patches)
            for patch in _patches[client]
        ]


def import_waiting(name: str) -> str:
    """Import every module that a patch of this client, framework or :data:`HTTP` waits for.

    Returns:
        Why an import failed, where it did so for another reason than that there is no such module.
    """
    reason = ""
    for patch in _patches.get(name, ()):
        try:
            importlib.import_module(patch.module)
        except ModuleNotFoundError as error:
            patch.give_up(f"not in the installed version: {error}")
        except Exception as error:  # noqa: BLE001 -- somebody else's import; told as the reason
            reason = f"{type(error).__name__}: {error}"
            patch.give_up(reason)
    return reason


def _install(name: str) -> None:
    if name not in _patches:
        _patches[name] = _patches_of(name)
    _active.add(name)
    for patch in _patches[name]:
        patch.install()


def _patches_of(name: str) -> tuple[Patch | FactoryPatch | Hook, ...]:
    if name == HTTP:
        return _http_patches()
    framework = available_frameworks().get(name)
    if framework is not None:
        return patches.patches_of(framework, _tracing)
    engine = available_engines().get(name)
    return _client_patches(available()[name] if engine is None else engine)


def _client_patches(instrumentor: Instrumentor) -> tuple[Patch | FactoryPatch | Hook, ...]:
    def around(api: Readable, kind: Kind) -> Around:
        return around_of(api, kind, instrumentor, _tracing)

    methods = (
        _light(method.target, around(method.api, method.target.kind))
        for method in instrumentor.methods
    )
    factories = (
        FactoryPatch(
            factory,
            {
                name: wrapping(around(api, factory.target.kind))
                for name, api in factory.methods.items()
            },
        )
        for factory in instrumentor.factories
    )
    # Last: a method that stands in for a private one is told itself, and keeps its maker.
    deferring = (Patch(one, KEEPERS[one.kind]) for one in instrumentor.deferring)
    hooks = (Hook(module, attach) for module, attach in instrumentor.joined.items())
    return (*methods, *factories, *deferring, *hooks)


def _http_patches() -> tuple[Patch, ...]:
    return tuple(_light(target, around) for target, around in attempts.PATCHED)


def _light(target: Target, around: Around) -> Patch:
    """A patch that is a function where it can be one."""
    return Patch(target, wrapping(around), around)
