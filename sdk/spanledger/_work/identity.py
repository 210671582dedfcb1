"""The span processor that stamps identity on every span, whoever made it.

Spans of other people's instrumentations know nothing of runs or tenants; at their start the
baggage of their context does. What a span says about itself is never overwritten. Values can come
from a remote caller, so they are cleaned and cut again here.
"""

from __future__ import annotations

from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from spanledger import semconv
from spanledger._guard import guarded
from spanledger._work import scope


class IdentityProcessor(SpanProcessor):
    """Copies identity from baggage to span attributes at the start of each span.

    Args:
        tenant: Stamped where neither the span nor its context names a tenant; empty for none.
    """

    def __init__(self, tenant: str = "") -> None:
        self.tenant = scope.clean(tenant)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Stamp the span."""
        self._stamp(span, parent_context)

    @guarded(None)
    def _stamp(self, span: Span, parent_context: Context | None) -> None:
        entries = baggage.get_all(parent_context)
        if not entries and not self.tenant:
            return
        own = span.attributes or {}
        found = {
            key: scope.clean(value)
            for key, value in entries.items()
            if (key in scope.IDENTITY or key.startswith(semconv.TAG_PREFIX)) and key not in own
        }
        if self.tenant and semconv.TENANT_ID not in own:
            found.setdefault(semconv.TENANT_ID, self.tenant)
        if found:
            span.set_attributes(found)

    def on_end(self, span: ReadableSpan) -> None:
        """Nothing: identity belongs to the start."""

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 -- the interface
        """Nothing is buffered."""
        return True
