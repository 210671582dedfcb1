"""What is instrumented here, what is not, and why: facts for ``spanledger doctor`` to print.

Installed versions come from package metadata, settings from the environment, patches from the
registry: as it is (:func:`report`), or after each was tried (:func:`examine`). Header values are
secrets and are never shown.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import os
import re
import warnings
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Final

from spanledger import config
from spanledger._frameworks.framework import Framework
from spanledger._guard import internal_errors
from spanledger._patches import registry
from spanledger._patches.gaps import costly_first
from spanledger._patches.instrumentor import Instrumentor
from spanledger._patches.registry import PatchStatus
from spanledger.errors import ConfigurationError
from spanledger.hosts import PROVIDERS_VARIABLE

#: Settings worth showing, in the order of their effect.
_SETTINGS: Final = (
    config.OTEL_SDK_DISABLED,
    config.OTEL_TRACES_EXPORTER,
    config.OTEL_EXPORTER_OTLP_PROTOCOL,
    config.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    config.OTEL_EXPORTER_OTLP_ENDPOINT,
    config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    config.OTEL_EXPORTER_OTLP_HEADERS,
    config.OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    config.OTEL_SERVICE_NAME,
    config.SPANLEDGER_TENANT,
    config.SPANLEDGER_SPOOL,
    PROVIDERS_VARIABLE,
)
_SECRET: Final = re.compile(r"=[^,]*")
#: User and password of a URL, wherever the user put one.
_USERINFO: Final = re.compile(r"://[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class ClientReport:
    """One client library, agent framework or engine as it stands in this process.

    Attributes:
        client: name of the client (its distribution) or of the framework.
        version: installed version; None when it is not installed.
        minimum: oldest version that is supported.
        supported: the installed version is new enough (False also when not installed).
        patches: every patch asked for, with its state and, where it is off, the reason.
        not_metered: public methods that make a request (of a framework: run an agent or a tool)
            which is not told, with the reason; those that cost money come first.
        notes: what else one should know about this client.
    """

    client: str
    version: str | None
    minimum: str
    supported: bool
    patches: tuple[PatchStatus, ...]
    not_metered: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """Everything :func:`report` found.

    Attributes:
        clients: one entry a client there is an instrumentor for.
        frameworks: the same for agent frameworks.
        engines: the same for engines that run models in this process; whether a load of a model is
            told stands among the patches.
        http: patches that count HTTP attempts.
        exporter: protocol and address that ``init`` would send to, or what is wrong with them.
        settings: exporter settings that are set in the environment, secrets hidden.
        internal_errors: errors of ours that were swallowed, by place.
    """

    clients: tuple[ClientReport, ...]
    frameworks: tuple[ClientReport, ...]
    engines: tuple[ClientReport, ...]
    http: tuple[PatchStatus, ...]
    exporter: str
    settings: Mapping[str, str]
    internal_errors: Mapping[str, int]


def report() -> DoctorReport:
    """Look at this process. Imports no client library and changes nothing."""
    patches = registry.status()
    return DoctorReport(
        clients=tuple(
            _client(instrumentor, patches) for instrumentor in registry.available().values()
        ),
        frameworks=tuple(
            _framework(framework, patches) for framework in registry.available_frameworks().values()
        ),
        engines=tuple(_client(engine, patches) for engine in registry.available_engines().values()),
        http=tuple(patch for patch in patches if patch.client == registry.HTTP),
        exporter=_exporter(),
        settings={name: _shown(name) for name in _SETTINGS if name in os.environ},
        internal_errors=internal_errors(),
    )


def examine() -> DoctorReport:
    """The same after every installed client was imported, so that each patch was tried.

    For a process of its own, and slow: instrumentation is switched on before and off after. A
    client that cannot be imported has the reason among its notes. No network is asked.
    """
    registry.instrument()
    try:
        with warnings.catch_warnings(), _offline():
            warnings.simplefilter("ignore")
            registry.import_waiting(registry.HTTP)
            found = report()
            everything = (*found.clients, *found.frameworks, *found.engines)
            tried = {one.client: _tried(one) for one in everything}
        found = report()
        return dataclasses.replace(
            found,
            clients=_with_reasons(found.clients, tried),
            frameworks=_with_reasons(found.frameworks, tried),
            engines=_with_reasons(found.engines, tried),
        )
    finally:
        registry.uninstrument()


@contextlib.contextmanager
def _offline() -> Generator[None]:
    """Clients that fetch something when they are imported do not, inside the block.

    What the user has set stays.
    """
    wanted = {
        name: value
        for one in registry.available().values()
        for name, value in one.offline.items()
        if name not in os.environ
    }
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)


def _tried(client: ClientReport) -> str:
    return registry.import_waiting(client.client) if client.version else ""


def _with_reasons(
    reports: tuple[ClientReport, ...], tried: Mapping[str, str]
) -> tuple[ClientReport, ...]:
    return tuple(_with_reason(one, tried[one.client]) for one in reports)


def _with_reason(client: ClientReport, reason: str) -> ClientReport:
    if not reason:
        return client
    return dataclasses.replace(client, notes=(*client.notes, f"It cannot be imported: {reason}"))


def _client(instrumentor: Instrumentor, patches: list[PatchStatus]) -> ClientReport:
    name = instrumentor.client
    return _report(name, name, instrumentor, costly_first(instrumentor.not_metered), patches)


def _framework(framework: Framework, patches: list[PatchStatus]) -> ClientReport:
    return _report(framework.name, framework.distribution, framework, framework.not_told, patches)


def _report(
    name: str,
    distribution: str,
    found: Instrumentor | Framework,
    not_metered: Mapping[str, str],
    patches: list[PatchStatus],
) -> ClientReport:
    minimum, notes = found.minimum, found.notes
    version = _installed(distribution)
    supported = version is not None and _numbers(version) >= _numbers(minimum)
    if version is not None and not supported:
        notes = (*notes, f"version {version} is older than {minimum}: not supported")
    return ClientReport(
        client=name,
        version=version,
        minimum=minimum,
        supported=supported,
        patches=tuple(patch for patch in patches if patch.client == name),
        not_metered=not_metered,
        notes=notes,
    )


def _installed(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """The release numbers of a version, enough to compare with a minimum."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _exporter() -> str:
    try:
        settings = config.Settings.read()
    except ConfigurationError as error:
        return str(error)
    if config.disabled():
        return f"off: {config.OTEL_SDK_DISABLED} is set"
    return f"{settings.protocol} to {_USERINFO.sub('://***@', settings.endpoint)}"


def _shown(name: str) -> str:
    value = os.environ[name]
    if name.endswith("HEADERS"):
        return _SECRET.sub("=***", value)
    return _USERINFO.sub("://***@", value)
