"""How much may be received at once: decided before a body is read or unpacked.

No sender has more than a part of it, so that one who is slow, or sends much, holds up no other; and
half of it is kept for senders who have little, so that a few of them together do not either.
"""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, Protocol

from spanledger_collector.access import Identity, source
from spanledger_collector.errors import OverloadedError
from spanledger_collector.receive.metrics import ReceiverMetrics
from spanledger_collector.signals import Signal

#: One sender has no more than one part in so many of what all have together.
SHARES: Final = 4
#: So many senders have room in the half that is kept for those who have little.
_SENDERS_KEPT_FOR: Final = 32


def sender_name(identity: Identity, address: str) -> str:
    """Who shares: a key, or without keys the address that a request comes from.

    Args:
        identity: whose request it is.
        address: an IP address, or as gRPC calls a peer.
    """
    return f"key {identity.key_id}" if identity.key_id else source(address)


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
        largest_bytes: what one request may have; it is taken where nothing else is in progress.
        metrics: shows how much is in use.
    """

    def __init__(self, limit_bytes: int, largest_bytes: int, metrics: ReceiverMetrics) -> None:
        self._limit_bytes = limit_bytes
        self._share_bytes = max(limit_bytes // SHARES, largest_bytes)
        self._common_bytes = min(limit_bytes, max(limit_bytes // 2, largest_bytes))
        self._little_bytes = limit_bytes // (2 * _SENDERS_KEPT_FOR)
        self._metrics = metrics
        self._used_bytes = 0
        self._used_by: Counter[str] = Counter()

    @contextmanager
    def claim(self, sender: str) -> Generator["Claim", None, None]:
        """What one request of a sender uses; given back at the end of the ``with`` block."""
        claim = Claim(self, sender)
        try:
            yield claim
        finally:
            self.give_back(claim.size, sender)

    def take(self, size: int, sender: str) -> None:
        """Use ``size`` bytes more.

        Raises:
            OverloadedError: they are not free, or more than the sender's part of all.
        """
        used = self._used_by[sender]
        if used + size > self._share_bytes:
            raise OverloadedError(
                f"{used} bytes of this sender's requests are in progress and {self._share_bytes} "
                "are allowed: send again in a second, or with fewer requests at once."
            )
        has_little = used + size <= self._little_bytes
        limit_bytes = self._limit_bytes if has_little else self._common_bytes
        if self._used_bytes + size > limit_bytes:
            raise OverloadedError(
                f"{self._used_bytes} bytes of requests are in progress and {limit_bytes} are "
                "allowed: send again in a second, or with smaller or fewer requests at once."
            )
        self._change(size, sender)

    def give_back(self, size: int, sender: str) -> None:
        """Free ``size`` bytes."""
        self._change(-size, sender)

    def _change(self, size: int, sender: str) -> None:
        self._used_by[sender] += size
        if not self._used_by[sender]:
            del self._used_by[sender]
        self._used_bytes += size
        self._metrics.bytes_in_flight.set(self._used_bytes)


class Claim:
    """What one request uses of the budget.

    Attributes:
        size: bytes used so far.
    """

    def __init__(self, budget: ByteBudget, sender: str) -> None:
        self._budget = budget
        self._sender = sender
        self.size = 0

    def add(self, size: int) -> None:
        """Use ``size`` bytes more.

        Raises:
            OverloadedError: they are not free, or more than the sender's part of all.
        """
        self._budget.take(size, self._sender)
        self.size += size
