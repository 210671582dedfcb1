"""Settle: spans become runs, attempts and cost, trace by trace, as often as needed.

``settlement`` runs the SQL transforms over a bounded set of traces, ``aliases`` asks the price book
about model ids it has not seen, ``due`` decides when a trace is quiet, ``passes`` does all of it,
``cursor`` remembers how far it came and ``parked`` what it went on without; ``settler`` is the
thread.
"""

from .aliases import ModelMatch, Resolve
from .settlement import TraceKey
from .settler import Settler

__all__ = ["ModelMatch", "Resolve", "Settler", "TraceKey"]
