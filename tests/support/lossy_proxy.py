"""A bad network between a sender and a collector: a TCP proxy that does harm on purpose.

Each connection has one fault of a seeded sequence. A reset is a real one (RST), so that what was
on its way is gone, as after a router's restart.
"""

from __future__ import annotations

import enum
import random
import socket
import struct
import threading
import time
from contextlib import suppress

from typing_extensions import Self

_PIECE_BYTES = 65536
_SLOW_PIECE_BYTES = 700
_SLOW_SECONDS = 0.02
_RESET = struct.pack("ii", 1, 0)
#: A connection without another fault is reset after so many pieces of answers.
_LIFE = 4


class Fault(enum.Enum):
    """What happens to a connection."""

    NONE = "all goes through"
    SLOW = "all goes through in small pieces, late"
    CUT_REQUEST = "some of the request, then a reset"
    CUT_ANSWER = "the request, then a reset instead of the answer"
    HALF_ANSWER = "the request and half of the answer, then a reset"
    HALF_CLOSED = "the request, then the sender's half is closed"


class LossyProxy:
    """``with LossyProxy(port, seed) as proxy``: listens on ``proxy.port``.

    Args:
        to_port: of the collector.
        seed: of the faults.

    Attributes:
        met: the faults of the connections so far.
    """

    def __init__(self, to_port: int, seed: int) -> None:
        self._to_port = to_port
        self._chance = random.Random(seed)  # noqa: S311 -- a fault, no secret
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.met: list[Fault] = []

    def _accept(self) -> None:
        order: list[Fault] = []
        with suppress(OSError):  # the listener is closed: the end
            while True:
                client, _ = self._listener.accept()
                # All of them come once before any comes again.
                order = order or self._chance.sample(list(Fault), len(Fault))
                fault = order.pop()
                self.met.append(fault)
                server = socket.create_connection(("127.0.0.1", self._to_port))
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._open.append(one)
                _Link(client, server, fault, self._chance.randrange(1, 1500)).start()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            one.close()


class _Link:
    """One connection through the proxy."""

    def __init__(
        self, client: socket.socket, server: socket.socket, fault: Fault, cut_at: int
    ) -> None:
        self._client, self._server = client, server
        self._fault, self._cut_at = fault, cut_at
        self._requested = False
        self._answered = 0

    def start(self) -> None:
        for pump in (self._there, self._back):
            threading.Thread(target=self._run, args=(pump,), daemon=True).start()

    def _run(self, pump: object) -> None:
        with suppress(OSError):  # an end went away, or was reset
            assert callable(pump)
            pump()

    def _there(self) -> None:
        passed = 0
        while piece := self._client.recv(_PIECE_BYTES):
            if self._answered >= _LIFE:
                self._reset()
                return
            if self._fault is Fault.CUT_REQUEST and passed + len(piece) > self._cut_at:
                self._server.sendall(piece[: self._cut_at - passed])
                self._reset()
                return
            self._send(self._server, piece)
            passed += len(piece)
            self._requested = passed > self._cut_at
            if self._fault is Fault.HALF_CLOSED and self._requested:
                self._server.shutdown(socket.SHUT_WR)
                return
        self._server.shutdown(socket.SHUT_WR)

    def _back(self) -> None:
        while piece := self._server.recv(_PIECE_BYTES):
            if self._requested and self._fault in (Fault.CUT_ANSWER, Fault.HALF_ANSWER):
                if self._fault is Fault.HALF_ANSWER:
                    self._client.sendall(piece[: len(piece) // 2])
                self._reset()
                return
            self._send(self._client, piece)
            self._answered += 1
        self._client.shutdown(socket.SHUT_WR)

    def _send(self, to: socket.socket, piece: bytes) -> None:
        if self._fault is not Fault.SLOW:
            to.sendall(piece)
            return
        for at in range(0, len(piece), _SLOW_PIECE_BYTES):
            time.sleep(_SLOW_SECONDS)
            to.sendall(piece[at : at + _SLOW_PIECE_BYTES])

    def _reset(self) -> None:
        for one in (self._client, self._server):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            # Closed while the other thread reads would keep it open: wake that one first.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RD)
            one.close()
