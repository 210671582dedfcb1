"""The facts of a finished call onto its span, without what ``set_attributes`` does to each value.

OpenTelemetry's span looks at every value and puts them in one by one, two calls of Python each: of
all that a metered call costs, the largest part that is not the call's own. Our values are plain by
construction, and a look at their types shows it; they go into the span's dictionary at once, under
its locks. A span of another class, one with limits on lengths or without room, one that ended, a
value of another type, a name inside OpenTelemetry that moved: ``set_attributes`` is asked as ever.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Span

from spanledger._calls.facts import Attributes

_PLAIN: Final = frozenset({str, int, float, bool, tuple})
_ITEMS: Final = frozenset({str, float})
#: Where the class of recording spans is whose insides are known, and what holds their attributes.
_SDK: Final = "opentelemetry.sdk.trace"
_HOLDERS: Final = frozenset({BoundedAttributes})


def write(span: Span, attributes: Attributes) -> None:
    """Set the attributes, as ``span.set_attributes(attributes)`` would."""
    if not (type(span).__module__ == _SDK and _plain(attributes) and _put(span, attributes)):
        span.set_attributes(attributes)


def _plain(attributes: Attributes) -> bool:
    values = attributes.values()
    if not _PLAIN.issuperset(map(type, values)):
        return False
    for value in values:
        if type(value) is tuple and not _ITEMS.issuperset(map(type, value)):
            return False
    return True


def _put(span: Any, attributes: Attributes) -> bool:
    """Whether they are in; nothing is changed where they are not."""
    try:
        held = span._attributes  # noqa: SLF001 -- see the module
        if type(held) not in _HOLDERS or held.max_value_len is not None:
            return False
        with span._lock, held._lock:  # noqa: SLF001 -- in the order in which the span takes them
            inside: dict[str, Any] = held._dict  # noqa: SLF001
            room = len(inside) + len(attributes)
            if span._end_time is None and (held.maxlen is None or room <= held.maxlen):  # noqa: SLF001
                inside.update(attributes)
                return True
    except AttributeError:
        pass
    return False
