"""What ``opentelemetry-instrument`` loads: its entry point, one for all clients and frameworks.

The launcher has a provider and an exporter of its own by then; identity is added to that provider
and the clients are patched, so their spans leave by the launcher's exporter, once. Where a launcher
set no provider (``opentelemetry-distro`` is not installed) the application's later one is used for
the clients, and ``spanledger.init()`` adds identity to it.

The class has the methods of ``opentelemetry.instrumentation.instrumentor.BaseInstrumentor`` without
being one: the SDK does not depend on that package, whose version must match the rest of an
application's OpenTelemetry exactly. ``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=spanledger`` leaves it
out. An error that left it would stop the launcher from loading what comes next, so none does.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any, ClassVar

from opentelemetry import trace

from spanledger import _configure, config
from spanledger._patches import registry

_log = logging.getLogger("spanledger")


class SpanledgerInstrumentor:
    """Patches every client that is known. There is one instance, as launchers expect."""

    _instance: ClassVar[SpanledgerInstrumentor | None] = None
    _instrumented = False

    def __new__(cls) -> SpanledgerInstrumentor:  # noqa: PYI034 - never subclassed, and Self is not in 3.10
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    @property
    def is_instrumented_by_opentelemetry(self) -> bool:
        """Whether :meth:`instrument` is in force."""
        return self._instrumented

    def instrumentation_dependencies(self) -> Collection[str]:
        """Nothing has to be installed: a client is patched if and when it is imported."""
        return ()

    def instrument(self, **kwargs: Any) -> None:
        """Add identity to the provider and patch the clients; never raises.

        Args:
            kwargs: ``tracer_provider``, the application's by default; the rest is the launcher's.
        """
        if self._instrumented or config.disabled():
            return
        provider = kwargs.get("tracer_provider")
        try:
            _configure.join(provider or trace.get_tracer_provider())
            registry.instrument(tracer_provider=provider)
        except Exception:  # noqa: BLE001 -- would end the launcher's work; told with its traceback
            _log.warning("client libraries are not measured", exc_info=True)
            return
        self._instrumented = True

    def uninstrument(self, **_kwargs: Any) -> None:
        """Remove the patches."""
        if self._instrumented:
            registry.uninstrument()
            self._instrumented = False
