"""Identity of the running work: which run, agent, workflow, tenant, conversation and tags.

It lives in the OpenTelemetry Context as baggage, one entry an attribute name, so it follows
contextvars inside a process and the W3C ``baggage`` header between services. A value is cleaned
once, here, to what every propagator can carry: valid Unicode, no control characters, no blanks at
the ends, at most :data:`MAX_VALUE_CHARACTERS`. Tags that would make the header too long are left
out with one warning (the header may have 8192 bytes; identity keeps to half of that).
"""

from __future__ import annotations

import functools
import itertools
import logging
import re
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Token
from types import TracebackType
from typing import Final, Literal, ParamSpec, TypeVar
from urllib.parse import quote_plus

from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.context import Context

from spanledger import semconv

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("spanledger")

MAX_VALUE_CHARACTERS: Final = 256
MAX_TAGS: Final = 32
_MAX_TAGS_BYTES: Final = 4096
#: What a tag's name may be: the token characters that need no encoding in a baggage key.
_TAG_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

Purpose = Literal["work", "appraisal", "prevention"]

#: Baggage keys (equal to the attribute names) that are stamped on every span.
IDENTITY: Final = frozenset(
    {
        semconv.RUN_ID,
        semconv.AGENT_NAME,
        semconv.AGENT_VERSION,
        semconv.AGENT_ID,
        semconv.WORKFLOW_NAME,
        semconv.WORKFLOW_VERSION,
        semconv.WORKFLOW_ID,
        semconv.TENANT_ID,
        semconv.CONVERSATION_ID,
        semconv.EXTERNAL_KEY,
        semconv.PURPOSE,
        semconv.PROMPT_NAME,
        semconv.PROMPT_VERSION,
    }
)


def clean(value: object) -> str:
    """The value as it can travel in a header and stand on a span; may come out empty."""
    text = str(value)
    if text.isprintable() and len(text) <= MAX_VALUE_CHARACTERS and text == text.strip():
        return text  # nearly always; every span has several of these
    text = text.encode("utf-8", "replace").decode("utf-8")
    return _UNPRINTABLE.sub(" ", text).strip()[:MAX_VALUE_CHARACTERS].strip()


class _RunIds:
    """Fresh run ids, 32 hex digits, from the system's generator.

    Not from ``random``: programs that seed it would give the same id to different runs.
    """

    __slots__ = ("counter",)

    def __init__(self) -> None:
        self.counter: Iterator[int] | None = None

    def __call__(self) -> str:
        if self.counter is not None:
            return f"{next(self.counter):032x}"
        return secrets.token_hex(16)


#: ``new_run_id()`` gives a run id; the test tools make it count.
new_run_id: Final = _RunIds()


@contextmanager
def counted_run_ids(*, enabled: bool) -> Generator[None]:
    """Run ids 1, 2, 3, ... inside the block (test tools)."""
    before = new_run_id.counter
    new_run_id.counter = itertools.count(1) if enabled else before
    try:
        yield
    finally:
        new_run_id.counter = before


def current_run_id(context: Context | None = None) -> str | None:
    """Id of the run that the current code belongs to, or None outside any agent."""
    value = baggage.get_baggage(semconv.RUN_ID, context)
    return value if isinstance(value, str) else None


def with_entries(context: Context, entries: Mapping[str, str | None]) -> Context:
    """The context with these baggage entries; None or an empty value removes one."""
    present = baggage.get_all(context)
    for key, value in entries.items():
        if value:
            context = baggage.set_baggage(key, value, context)
        elif key in present:
            context = baggage.remove_baggage(key, context)
    return context


def without_identity(context: Context) -> Context:
    """The context for somebody else: without runs, tenants and tags; other baggage stays."""
    for key in baggage.get_all(context):
        if key in IDENTITY or key.startswith(semconv.TAG_PREFIX):
            context = baggage.remove_baggage(key, context)
    return context


def tag_entries(tags: Mapping[str, object] | None) -> dict[str, str | None]:
    """Baggage entries for user tags, cut to what a header can carry."""
    entries: dict[str, str | None] = {}
    used_bytes = 0
    for name, value in (tags or {}).items():
        cleaned = clean(value)
        size = len(semconv.TAG_PREFIX) + len(name) + len(quote_plus(cleaned)) + 2
        if not _TAG_NAME.fullmatch(name):
            _log.warning("tag %r left out: a name is 1 to 64 of A-Z a-z 0-9 _ . -", name)
        elif len(entries) >= MAX_TAGS or used_bytes + size > _MAX_TAGS_BYTES:
            _log.warning(
                "tag %r left out: at most %d tags and %d encoded bytes travel with a run",
                name,
                MAX_TAGS,
                _MAX_TAGS_BYTES,
            )
        else:
            entries[semconv.TAG_PREFIX + name] = cleaned
            used_bytes += size
    return entries


def leave(token: Token[Context]) -> bool:
    """Undo an ``attach``.

    Returns:
        False where that context never was current: a coroutine, generator or block that is ended
        elsewhere (by the garbage collector, say) has nothing to undo there. OpenTelemetry's own
        ``detach`` logs an error with a traceback then.
    """
    try:
        token.var.reset(token)
    except ValueError:
        return False
    return True


class _TracerOfProvider:
    """The tracer of the current provider, kept until the provider changes."""

    __slots__ = ("_provider", "_tracer")

    def __init__(self) -> None:
        self._provider: trace.TracerProvider | None = None
        self._tracer: trace.Tracer = trace.NoOpTracer()

    def __call__(self) -> trace.Tracer:
        provider = trace.get_tracer_provider()
        if provider is not self._provider:
            self._tracer = provider.get_tracer("spanledger")
            self._provider = provider
        return self._tracer


#: ``tracer()`` gives the tracer that every span of the SDK is made with.
tracer: Final = _TracerOfProvider()


class context:  # noqa: N801 -- reads as a statement: ``with spanledger.context(tenant=...)``
    """``with spanledger.context(tenant="acme", conversation="c-1", tags={"plan": "pro"}):``.

    Everything inside, in this process and in the services it calls, carries these values.

    Args:
        tenant: On whose behalf the work is done.
        conversation: Id of the conversation or session.
        external_key: The application's own key of the work (a ticket, an order): revenue and
            outcomes that are known later may name the run by it.
        purpose: What the work is for: ``appraisal`` judges answers, ``prevention`` guards against
            bad ones, both are costs of quality; ``work`` inside such a block is work again.
        prompt: Name of the prompt that is used inside.
        prompt_version: Its version: rework is told by it.
        tags: Free names and values for cost allocation; added to the tags around.
    """

    __slots__ = ("_entries", "_tokens")

    def __init__(
        self,
        *,
        tenant: str | None = None,
        conversation: str | None = None,
        external_key: str | None = None,
        purpose: Purpose | None = None,
        prompt: str | None = None,
        prompt_version: str | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> None:
        self._entries: dict[str, str | None] = tag_entries(tags)
        for key, value in (
            (semconv.TENANT_ID, tenant),
            (semconv.CONVERSATION_ID, conversation),
            (semconv.EXTERNAL_KEY, external_key),
            (semconv.PURPOSE, purpose),
            (semconv.PROMPT_NAME, prompt),
            (semconv.PROMPT_VERSION, prompt_version),
        ):
            if value is not None:
                self._entries[key] = clean(value)
        self._tokens: list[Token[Context]] = []

    def __enter__(self) -> None:
        changed = with_entries(otel_context.get_current(), self._entries)
        self._tokens.append(otel_context.attach(changed))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for token in self._tokens[::-1]:
            if leave(token):
                self._tokens.remove(token)
                return
        self._tokens.pop()


def propagate_context(function: Callable[P, R]) -> Callable[P, R]:
    """A function that runs with the context of the moment it was wrapped.

    For plain threads and pools, which start with an empty context::

        pool.submit(spanledger.propagate_context(work), item)

    The same wrapped function may run in several threads at once.
    """
    captured = otel_context.get_current()

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        token = otel_context.attach(captured)
        try:
            return function(*args, **kwargs)
        finally:
            leave(token)

    return run
