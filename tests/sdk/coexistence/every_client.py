"""An application of every client beside other instrumentations, in whatever order.

    python -m tests.sdk.coexistence.every_client < plan > results

As ``program``, for the clients that it does not use: the calls are those of the contract
(``tests/sdk/instrumentors``), the first whole answer and the first stream of each client, in both
modes. The clients are imported once, and each case runs in a fork of its own.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

from tests.sdk.coexistence.forks import each_in_a_fork, tell
from tests.sdk.coexistence.peers import load_for_clients, switch_on_for_clients
from tests.sdk.instrumentors.contract import STREAMING, ClientCases, Mode, Operation, perform

import spanledger
from spanledger._patches import registry

#: Those that ``program`` uses are left out.
FILES: Final = (
    "boto3",
    "cohere",
    "google_genai",
    "groq",
    "huggingface_hub",
    "litellm",
    "mistralai",
    "ollama",
    "together",
)
Plan = Mapping[str, Any]
Call = tuple[ClientCases, Operation, Mode]


def _name(call: Call) -> str:
    cases, operation, mode = call
    return f"{cases.name}: {operation.name}, {mode}"


def _calls() -> Iterator[Call]:
    for file in FILES:
        cases: ClientCases = importlib.import_module(f"tests.sdk.instrumentors.cases_{file}").CASES
        for streams in (False, True):
            operations = (one for one in cases.operations if (one.shape in STREAMING) == streams)
            operation = next(operations)
            told = {row.values[2] for row in cases.rows() if row.values[1] is operation}
            for mode in sorted(told):
                yield cases, operation, mode


async def _make(call: Call, provider: Any) -> list[str]:
    """What the application sees of the call: the classes of the result and of its pieces."""
    cases, operation, mode = call
    client = cases.make(mode, provider)
    chunks: list[Any] = []
    made = await perform(operation, client, mode, chunks=chunks)
    if hasattr(client, "close"):
        closed = client.close()
        if inspect.isawaitable(closed):
            await closed
    return [type(one).__name__ for one in (made, *chunks)]


def _call_all(plan: Plan, calls: Sequence[Call]) -> list[dict[str, Any]]:
    url = plan["provider"]
    openai_url = f"{url.replace('127.0.0.1', 'localhost')}/v1"
    provider = SimpleNamespace(url=url, openai_url=openai_url, anthropic_url=url)
    made: list[dict[str, Any]] = []
    for call in calls:
        with spanledger.agent("planner") as span:
            told = asyncio.run(_make(call, provider))
        trace_id = f"{span.get_span_context().trace_id:032x}"
        client = call[0].name
        made.append({"name": _name(call), "client": client, "trace_id": trace_id, "told": told})
    return made


def _run(plan: Plan, case: Mapping[str, Any], calls: Sequence[Call]) -> list[dict[str, Any]]:
    """One case, in this process."""

    def ours() -> None:
        spanledger.init(endpoint=plan["collector"], protocol="http/protobuf")

    def theirs() -> None:
        for name in case["peers"]:
            switch_on_for_clients(name)

    for step in (theirs, ours) if case["order"] == "theirs first" else (ours, theirs):
        step()
    made = _call_all(plan, calls)
    assert spanledger.flush(60)
    return made


def main() -> None:
    """Every case of the plan, each in a fork; before them the calls without anybody."""
    sys.stdout = sys.stderr  # some of the others print
    logging.basicConfig(level=logging.WARNING)  # on stderr, which the test looks at
    plan: Plan = json.loads(sys.stdin.readline())
    calls = [call for call in _calls() if _name(call) not in plan["left_out"]]
    for name in {name for case in plan["cases"] for name in case["peers"]}:
        load_for_clients(name)
    registry.available()
    registry.available_frameworks()
    tell(_call_all(plan, calls))
    each_in_a_fork(plan["cases"], lambda case: _run(plan, case, calls))


if __name__ == "__main__":
    main()
