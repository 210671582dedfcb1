"""How much may be received at once: decided before a body is read or unpacked."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from spanledger_collector.errors import OverloadedError
from spanledger_collector.receive.metrics import ReceiverMetrics
from spanledger_collector.signals import Signal


class Accept(Protocol):
    """Takes responsibility for a request: the journal's ``append``."""

    async def __call__(
        self,
        payload: bytes,
        *,
        workspace: str,
        tenant: str,
        span_count: int,
        received_at_ns: int,
        signal: Signal = "traces",
    ) -> int:
        """Store the request durably and return its number; raises a CollectorError if it cannot."""
        ...


class ByteBudget:
    """Bytes of all requests in progress together, over every transport.

    Args:
        limit_bytes: above it requests are refused.
        metrics: shows how much is in use.
    """

    def __init__(self, limit_bytes: int, metrics: ReceiverMetrics) -> None:
        self._limit_bytes = limit_bytes
        self._metrics = metrics
        self._used_bytes = 0

    @contextmanager
    def claim(self) -> Generator["Claim", None, None]:
        """The share of one request; given back at the end of the ``with`` block."""
        claim = Claim(self)
        try:
            yield claim
        finally:
            self.give_back(claim.size)

    def take(self, size: int) -> None:
        """Use ``size`` bytes more.

        Raises:
            OverloadedError: they are not free.
        """
        if self._used_bytes + size > self._limit_bytes:
            raise OverloadedError(
                f"{self._used_bytes} bytes of requests are in progress and {self._limit_bytes} "
                "are allowed: send again in a second, or with fewer requests at once."
            )
        self._change(size)

    def give_back(self, size: int) -> None:
        """Free ``size`` bytes."""
        self._change(-size)

    def _change(self, size: int) -> None:
        self._used_bytes += size
        self._metrics.bytes_in_flight.set(self._used_bytes)


class Claim:
    """The share of the budget one request uses.

    Attributes:
        size: bytes used so far.
    """

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.size = 0

    def add(self, size: int) -> None:
        """Use ``size`` bytes more.

        Raises:
            OverloadedError: they are not free.
        """
        self._budget.take(size)
        self.size += size
