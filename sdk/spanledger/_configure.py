"""``init``, ``flush``, ``shutdown`` and ``delivery``: the SDK's one piece of process-wide state.

The application's own TracerProvider is always kept: processors are added to it. Only where there
is none does ``init`` set one. An application that sets its provider *after* ``init`` gets the
OpenTelemetry API's own refusal ("Overriding of current TracerProvider is not allowed"): call
``init`` after it.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import propagate, trace

from spanledger._budgets.in_force import PROCESS
from spanledger._guard import tell_repeated
from spanledger._process_lock import ProcessLock
from spanledger._work.past_sampling import close_way, open_way
from spanledger._work.scope import tracer
from spanledger.budgets import budget, of_process
from spanledger.config import Settings, default_tenant, disabled, own_rates
from spanledger.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from spanledger._delivery.backlog import Delivery
    from spanledger._delivery.processor import DeliveryProcessor
    from spanledger._work.identity import IdentityProcessor

_log = logging.getLogger("spanledger")
_EXIT_DRAIN_SECONDS: Final = 2.0
#: Arguments of ``init`` that are no settings of the delivery.
_NO_SETTINGS: Final = frozenset({"instrument", "exporter", "budgets", "rates"})


class _State:
    """What ``init`` has built in this process."""

    def __init__(self) -> None:
        self.lock = ProcessLock()
        self.arguments: dict[str, Any] | None = None
        self.outlets: list[DeliveryProcessor] = []
        self.identity: IdentityProcessor | None = None
        self.provider: trace.TracerProvider | None = None
        self.on = False
        self.exit_registered = False
        self.instrumented = False
        #: The provider of a launcher, which exports as the environment says.
        self.joined: trace.TracerProvider | None = None


_state: Final = _State()


def init(
    *,
    service_name: str | None = None,
    endpoint: str | None = None,
    protocol: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_seconds: float | None = None,
    compression: str | None = None,
    tenant: str | None = None,
    budgets: Iterable[budget] | budget = (),
    rates: Mapping[str, Mapping[str, object]] | None = None,
    instrument: bool | Sequence[str] = True,
    exporter: str | Sequence[str] | SpanExporter | None = None,
    queue_size: int | None = None,
    queue_bytes: int | None = None,
    batch_size: int | None = None,
    schedule_delay_seconds: float | None = None,
    spool: str | None = None,
    spool_bytes: int | None = None,
    give_up_seconds: float = 300.0,
    exit_timeout_seconds: float = 5.0,
) -> None:
    """Start telemetry. Every argument may stay away; the ``OTEL_*`` variables are read then.

    Calling it again only puts back patches that somebody else took off (a warning tells which
    arguments differ). It never raises: what cannot be used is one warning, and telemetry stays off
    until ``init`` is called otherwise.

    Args:
        service_name: Name of this service; ignored if the application has its own provider.
        endpoint: Base URL of the collector. Default ``http://localhost:4318``.
        protocol: ``http/protobuf`` (default) or ``grpc`` (default endpoint then port 4317).
        headers: Sent with each request; an API key goes here.
        timeout_seconds: Bound of one request. Default 10.
        compression: ``none`` (default), ``gzip`` or ``deflate``.
        tenant: On whose behalf this whole process works.
        budgets: What model calls of this process may cost: :class:`spanledger.budget`, one or
            several; what is none is left out with a warning.
        rates: For budgets, rates of models that the rate card lacks, or has otherwise: model or
            ``provider/model`` -> ``input``, ``output``, ``cache_read``, ``cache_write``,
            ``cache_write_1h`` in USD per million tokens.
        instrument: True patches every client library that is known, False none, else names.
        exporter: ``otlp`` (default), ``console``, ``none``, several of them, or an exporter object.
        queue_size: Spans kept in memory until they are delivered. Default 16384.
        queue_bytes: Memory that they may take. Default 64 MiB.
        batch_size: Spans in one request. Default 512.
        schedule_delay_seconds: How long a span waits for others. Default 1.
        spool: Folder that keeps records and runs of agents on disk until they are delivered, also
            by a later process. Default none.
        spool_bytes: What it may take. Default 64 MiB.
        give_up_seconds: How long a batch is tried that gets no whole answer (read timeouts).
        exit_timeout_seconds: How long the end of the process waits for the last spans.
    """
    arguments = dict(locals())
    arguments["budgets"] = held = of_process(budgets)
    with _state.lock():
        if not disabled():
            _begin(arguments)
        in_force = _state.on and _state.instrumented and PROCESS.budgets == held
        if held and not in_force:
            _log.warning(
                "%d budgets are not in force: telemetry is off, no client is instrumented, or "
                "init() was called before with others",
                len(held),
            )


def _begin(arguments: dict[str, Any]) -> None:
    if _state.arguments == arguments:
        if _state.instrumented:
            _instrument(arguments["instrument"])
        return
    if _state.on and _state.arguments is not None:
        if arguments["budgets"] and not PROCESS.budgets:
            _add_budgets(_state.arguments, arguments)
        _warn_if_different(_state.arguments, arguments)
        return
    _state.arguments = arguments
    try:
        _state.on = _start(arguments)
    except ConfigurationError as error:
        _log.warning("telemetry is off: %s", error)
        return
    except Exception:  # noqa: BLE001 -- init() never raises; told with its traceback
        _log.warning("telemetry is off: init() failed", exc_info=True)
        return
    if _state.on:
        _instrument(arguments["instrument"])


def join(provider: trace.TracerProvider) -> None:
    """Add identity to the spans of a launcher's provider, and nothing else.

    Its own exporter, made from the standard variables, sends them. A later ``init`` that names
    neither exporter nor address asks for the same, and so adds no second delivery.

    Args:
        provider: Where the launcher's spans go; one that takes no processors stays as it is.
    """
    with _state.lock():
        adding: Any = getattr(provider, "add_span_processor", None)
        if adding is None:
            _log.debug("no identity on spans: %s takes no processors", type(provider).__qualname__)
            return
        _state.joined = provider
        open_way(provider, _identify(provider, default_tenant()), ())


def flush(timeout_seconds: float = 10.0) -> bool:
    """Wait until every span that has ended is delivered or given up.

    Returns:
        False when the time ran out first.
    """
    deadline = time.monotonic() + timeout_seconds
    done = _end_spans_in_background(timeout_seconds)
    for outlet in _state.outlets:
        left_seconds = max(deadline - time.monotonic(), 0)
        done = outlet.force_flush(int(left_seconds * 1000)) and done
    return done


def shutdown() -> None:
    """Deliver what is left (bounded by ``exit_timeout_seconds``), stop, and remove the patches.

    ``init`` may be called again afterwards.
    """
    with _state.lock():
        if not _state.on:
            return
        if _state.instrumented:
            from spanledger._patches import registry

            registry.uninstrument()
        _close_outlets()
        _state.arguments, _state.on = None, False
        PROCESS.budgets = ()
        close_way()


def delivery() -> Delivery:
    """What became of the spans of this process; all zero before ``init``.

    With several exporters these are the counts of the first one that was named.
    """
    from spanledger._delivery.backlog import Delivery

    return _state.outlets[0].delivery() if _state.outlets else Delivery()


def _warn_if_different(first: Mapping[str, Any], again: Mapping[str, Any]) -> None:
    different = sorted(name for name, value in again.items() if value != first[name])
    if different:
        _log.warning(
            "init() was called before with other values of %s; the first call stays in force",
            ", ".join(different),
        )


def _start(arguments: Mapping[str, Any]) -> bool:
    """Build everything but the patches; False (after a warning) when there is no way to.

    Raises:
        ConfigurationError: a setting that cannot be used.
    """
    exporter: Any = "none" if _is_launchers_job(arguments) else arguments["exporter"]
    given = exporter if hasattr(exporter, "export") else None
    reading = {k: v for k, v in arguments.items() if k not in _NO_SETTINGS}
    settings = Settings.read(**reading, exporter=exporter if given is None else "none")
    provider = _provider(settings)
    if provider is None:
        return False
    identity = _identify(provider, settings.tenant)
    _use_budgets(arguments["budgets"], arguments["rates"], settings.tenant)
    for outlet in _state.outlets:
        outlet.retire()
    from spanledger._delivery.outlets import outlets

    _state.outlets = outlets(settings, given, _end_open_spans)
    for outlet in _state.outlets:
        provider.add_span_processor(outlet)
    open_way(provider, identity, _state.outlets)
    # Made now, not at the first span: making one takes a lock of the OpenTelemetry SDK, at which a
    # handler of a signal that came then would wait for its own thread.
    tracer()
    if not _state.exit_registered:
        atexit.register(_close_outlets)
        _state.exit_registered = True
    if "baggage" not in propagate.get_global_textmap().fields:
        _log.warning(
            "the global propagator carries no baggage (OTEL_PROPAGATORS): calls to other services "
            "will not know the run they belong to"
        )
    return True


def _use_budgets(
    budgets: tuple[budget, ...], rates: Mapping[str, Mapping[str, object]] | None, tenant: str
) -> None:
    """Put budgets in force; rates are read also for those that are made later.

    Raises:
        ConfigurationError: rates that cannot be used.
    """
    PROCESS.tenant = tenant
    given = own_rates(rates)
    if given:
        from spanledger._budgets import budgeting

        budgeting.use_rates(given)
    PROCESS.budgets = budgets


def _add_budgets(first: dict[str, Any], again: Mapping[str, Any]) -> None:
    """Budgets of a later ``init`` hold where the first had none: the launcher's, for one."""
    try:
        _use_budgets(again["budgets"], again["rates"], PROCESS.tenant)
    except ConfigurationError as error:
        _log.warning("%s", error)
    else:
        first.update(budgets=again["budgets"], rates=again["rates"])


def _identify(provider: Any, tenant: str) -> IdentityProcessor:
    """Stamp identity on every span of the provider, once."""
    if _state.provider is provider and _state.identity is not None:
        _state.identity.tenant = tenant
        return _state.identity
    from spanledger._work.identity import IdentityProcessor

    identity = _state.identity = IdentityProcessor(tenant)
    _state.provider = provider
    provider.add_span_processor(identity)
    return identity


def _is_launchers_job(arguments: Mapping[str, Any]) -> bool:
    """Whether a launcher exports already what this ``init`` asks for."""
    named = ("exporter", "endpoint", "protocol", "headers")
    return (
        _state.joined is not None
        and _state.joined is trace.get_tracer_provider()
        and all(arguments[name] is None for name in named)
    )


def _provider(settings: Settings) -> Any:
    """The application's provider, or a new one; None (and a warning) if it takes no processors."""
    provider: Any = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider):
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider

        own = {SERVICE_NAME: settings.service_name} if settings.service_name else {}
        provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
        trace.set_tracer_provider(provider)
    elif not hasattr(provider, "add_span_processor"):
        _log.warning(
            "telemetry is off: the application's %s takes no span processors; give it an "
            "opentelemetry.sdk.trace.TracerProvider, or none",
            type(provider).__qualname__,
        )
        return None
    return provider


def _instrument(names: bool | Sequence[str]) -> None:
    if names is False:
        return
    from spanledger._patches import registry

    try:
        registry.instrument(None if names is True else names)
    except ValueError as error:
        _log.warning("client libraries are not measured: %s", error)
    except Exception:  # noqa: BLE001 -- init() never raises; told with its traceback
        _log.warning("client libraries are not measured", exc_info=True)
    else:
        _state.instrumented = True


def _end_spans_in_background(timeout_seconds: float) -> bool:
    """Wait for the spans of model calls, which end in the instrumentation's own thread."""
    if not _state.instrumented:
        return True
    from spanledger._calls.draining import drain

    return drain(timeout_seconds)


def _end_open_spans(timeout_seconds: float) -> bool:
    """The same at the end of the process, where streams that are still open end too."""
    if not _state.instrumented:
        return True
    from spanledger._calls.draining import drain_at_exit

    return drain_at_exit(timeout_seconds)


def _close_outlets() -> None:
    if _state.outlets:
        _end_open_spans(_EXIT_DRAIN_SECONDS)
    for outlet in _state.outlets:
        outlet.shutdown()
    tell_repeated()
