"""An application of every client beside other instrumentations, in whatever order.

    python -m tests.sdk.coexistence.every_client < plan > results

As ``program``, for the clients that it does not use: the calls are those of the contract
(``tests/sdk/instrumentors``), the first whole answer and the first stream of each client, in both
modes. The clients are imported once, and each case runs in a fork of its own.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, TextIO, cast

from tests.sdk.coexistence.peers import load_for_clients, switch_on_for_clients
from tests.sdk.instrumentors.contract import STREAMING, ClientCases, Mode, Operation, perform

import spanledger
from spanledger import _registry

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


def _tell(plan: Plan, calls: Sequence[Call]) -> list[dict[str, Any]]:
    url = plan["provider"]
    provider = SimpleNamespace(url=url, openai_url=f"{url}/v1", anthropic_url=url)
    made: list[dict[str, Any]] = []
    for cases, operation, mode in calls:
        with spanledger.agent("planner") as span:
            told = asyncio.run(_make((cases, operation, mode), provider))
        trace_id = f"{span.get_span_context().trace_id:032x}"
        name = f"{cases.name}: {operation.name}, {mode}"
        made.append({"name": name, "client": cases.name, "trace_id": trace_id, "told": told})
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
    made = _tell(plan, calls)
    assert spanledger.flush(60)
    return made


def main() -> None:
    """Every case of the plan, each in a fork; before them the calls without anybody."""
    sys.stdout = sys.stderr  # some of the others print
    logging.basicConfig(level=logging.WARNING)  # on stderr, which the test looks at
    plan: Plan = json.loads(sys.stdin.readline())
    calls = list(_calls())
    for name in {name for case in plan["cases"] for name in case["peers"]}:
        load_for_clients(name)
    _registry.available()
    _registry.available_frameworks()
    _print(_tell(plan, calls))
    gc.freeze()  # no fork looks through all the modules for garbage
    for case in plan["cases"]:
        child = os.fork()
        if not child:
            _print(_run(plan, case, calls))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"failed: {case}")


def _print(made: Sequence[Mapping[str, Any]]) -> None:
    results = cast("TextIO", sys.__stdout__)
    results.write(json.dumps(made) + "\n")
    results.flush()


if __name__ == "__main__":
    main()
