"""Wrong keys are counted by the address they come from: whoever tries many is answered 429.

A key has 256 random bits, so guessing one is hopeless at any rate. The limit makes a flood cheap
and seen: a metric counts it, the log names the address. A right key is never refused for what its
neighbours do: it is looked up first. Memory is fixed, whatever addresses come: they share a number
of accounts, chosen by a hash that nobody outside can know.
"""

import hashlib
import ipaddress
import logging
import re
import secrets
import time
from array import array
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from prometheus_client import CollectorRegistry, Counter

from spanledger_collector.errors import CollectorError, TooManyWrongKeysError, WrongKeyError

_LOG = logging.getLogger(__name__)
#: Wrong keys of one address that are answered as such at once, and how many a second from then on.
BURST: Final = 50
PER_SECOND: Final = 1.0
_ACCOUNTS: Final = 65_536
_LOG_SECONDS: Final = 60.0
#: What gRPC calls a peer: ``ipv4:10.0.0.5:4711``, ``ipv6:%5B::1%5D:4711``.
_PEER: Final = re.compile(r"ipv[46]:\[?([0-9a-fA-F.:]+?)(?:%25\w+)?\]?:\d+")
#: Of an IPv6 address this part is one customer's.
_IPV6_BITS: Final = 64


class WrongKeys:
    """Counts them, and says how the next one is answered. Used by one event loop.

    Args:
        registry: where the counter is shown; a private one if not given.
        now: the clock, in seconds.
        salt: of the hash; by default nobody knows it.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        now: Callable[[], float] = time.monotonic,
        salt: bytes = b"",
    ) -> None:
        self._now = now
        self._salt = salt or secrets.token_bytes(16)
        self._left = array("d", [BURST]) * _ACCOUNTS
        self._seen_at = array("d", [now()]) * _ACCOUNTS
        self._log_at = float("-inf")
        self._counter = Counter(
            "spanledger_access_wrong_keys",
            "Requests with a key that is not known or was revoked",
            ["answer"],
            registry=registry or CollectorRegistry(),
        )
        for told in ("unauthenticated", "too_many"):  # from 0 on: the first one is an increase
            self._counter.labels(told)

    def answer(self, error: CollectorError, address: str) -> CollectorError:
        """What is told to whoever sent a request that was refused.

        Args:
            error: why it was refused; what is no wrong key is told as it is.
            address: whom it came from, an IP address or as gRPC calls a peer.
        """
        if not isinstance(error, WrongKeyError):
            return error
        if self._has_room(source(address)):
            self._counter.labels("unauthenticated").inc()
            return error
        self._counter.labels("too_many").inc()
        self._tell(address)
        return TooManyWrongKeysError(
            "too many wrong API keys came from this address: correct the key, and send again later"
        )

    def _has_room(self, sender: str) -> bool:
        hashed = hashlib.blake2b(sender.encode(), key=self._salt, digest_size=8).digest()
        account = int.from_bytes(hashed, "big") % _ACCOUNTS
        now = self._now()
        grown = self._left[account] + (now - self._seen_at[account]) * PER_SECOND
        left = min(grown, float(BURST))
        self._seen_at[account] = now
        self._left[account] = left - 1 if left >= 1 else left
        return left >= 1

    def _tell(self, address: str) -> None:
        now = self._now()
        if now - self._log_at >= _LOG_SECONDS:
            self._log_at = now
            _LOG.warning("%s sends wrong API keys, many a second: answered 429", source(address))


def source(address: str) -> str:
    """The address of a peer without port; of IPv6 the network. What is none is one together."""
    peer = _PEER.fullmatch(unquote(address))
    try:
        found = ipaddress.ip_address(peer.group(1) if peer else address)
    except ValueError:
        return "an unknown address"
    if found.version == 6:  # noqa: PLR2004 -- the version of IP
        mapped = found.ipv4_mapped
        if mapped is None:
            return str(ipaddress.ip_network((found, _IPV6_BITS), strict=False))
        return str(mapped)
    return str(found)
