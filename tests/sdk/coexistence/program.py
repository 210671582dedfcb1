"""An application that uses other instrumentations beside ours, in whatever order.

    python -m tests.sdk.coexistence.program < plan > results

A plan is a line of JSON: where the provider and the collector are, and the cases. Each case runs in
a fork of its own, because not every instrumentation can be taken off again; what takes long to
import is imported once, before. A case gives a line of JSON: its calls.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, cast

from tests.sdk.coexistence import calls
from tests.sdk.coexistence.forks import each_in_a_fork, tell
from tests.sdk.coexistence.peers import PEERS, TAKES_OURS_OFF, Off, load

import spanledger
from spanledger._patches import registry

#: In which phase of a case a call was made.
Phase = Literal["bare", "both", "theirs alone", "both again", "ours alone"]
Plan = Mapping[str, Any]


class _Application:
    """One case in a process of its own."""

    def __init__(self, plan: Plan, peers: Sequence[str], number: int) -> None:
        self._plan = plan
        self._peers = peers
        self._number = number
        self._clients: calls.Clients | None = None
        self._offs: list[Off | None] = []
        self.made: list[dict[str, Any]] = []

    def ours(self) -> None:
        """Begin to use us."""
        spanledger.init(endpoint=self._plan["collector"], protocol="http/protobuf")

    def theirs(self) -> None:
        """Begin to use the others."""
        self._offs = [PEERS[name]() for name in self._peers]

    def clients(self) -> None:
        """Make the clients."""
        urls = cast("tuple[str, str]", (self._plan["openai"], self._plan["anthropic"]))
        self._clients = calls.make_clients(*urls)

    def close(self) -> None:
        """End the threads of the event loop, which a fork could not share."""
        assert self._clients is not None
        loop = self._clients.loop
        loop.run_until_complete(self._clients.async_openai.close())
        loop.run_until_complete(self._clients.async_anthropic.close())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    def call(self, phase: Phase, names: Sequence[str]) -> None:
        """Make these calls, each in a run and a trace of its own."""
        assert self._clients is not None
        for name in names:
            self._number += 1
            prompt = f"question {self._number}"
            with spanledger.agent("planner") as span:
                told = calls.CALLS[name](self._clients, prompt)
                trace_id = f"{span.get_span_context().trace_id:032x}"
            self.made.append(
                {
                    "name": name,
                    "phase": phase,
                    "number": self._number,
                    "trace_id": trace_id,
                    "told": told,
                }
            )

    def take_off(self) -> None:
        """Take ours off and put them on again, then take theirs off where they can be.

        Calls ``init()`` again after one that is known to take ours off with its own.
        """
        registry.uninstrument()
        self.call("theirs alone", calls.AGAIN)
        registry.instrument()
        self.call("both again", calls.AGAIN)
        if None not in self._offs:
            for off in reversed(self._offs):
                cast("Off", off)()
            if TAKES_OURS_OFF in self._peers:
                self.ours()
            self.call("ours alone", calls.AGAIN)


_ORDERS: Final[Mapping[str, Sequence[Callable[[_Application], None]]]] = {
    "ours first": (_Application.ours, _Application.theirs, _Application.clients),
    "theirs first": (_Application.theirs, _Application.ours, _Application.clients),
    "theirs late": (_Application.ours, _Application.clients, _Application.theirs),
}


def run(plan: Plan, case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One case, in this process."""
    application = _Application(plan, case["peers"], case["number"])
    for step in _ORDERS[case["order"]]:
        step(application)
    application.call("both", case["calls"])
    application.take_off()
    assert spanledger.flush(60)
    return application.made


def _load_ours() -> None:
    """Import what we import late, without switching anything on."""
    registry.available()
    registry.available_frameworks()
    for module in ("_calls.tokens", "_delivery.http_sender", "_delivery.processor"):
        importlib.import_module(f"spanledger.{module}")


def main() -> None:
    """Every case of the plan, each in a fork."""
    sys.stdout = sys.stderr  # some of the others print
    logging.basicConfig(level=logging.WARNING)  # on stderr, which the tests look at
    plan: Plan = json.loads(sys.stdin.readline())
    for name in {name for case in plan["cases"] for name in case["peers"]}:
        load(name)
    _load_ours()
    bare = _Application(plan, (), 0)
    bare.clients()
    bare.call("bare", list(calls.CALLS))  # also imports what the clients import late, once
    bare.close()
    tell(bare.made)
    each_in_a_fork(plan["cases"], lambda case: run(plan, case))


if __name__ == "__main__":
    main()
