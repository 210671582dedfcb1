"""Every client that others instrument is counted once beside them, whoever came first.

The clients and calls of the contract (``tests/sdk/instrumentors``), real packages at exact
versions, and the spans of everybody through a real collector into its ledger.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from tests.sdk.coexistence.test_coexistence import UNSETTLED
from tests.sdk.instrumentors.conftest import ROUTES
from tests.support.environments import ENVIRONMENTS
from tests.support.running import RunningCollector

from spanledger_collector.demo.provider import Answer, Provider

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_ENVIRONMENT: Final = "client-instrumentations"
#: All at the same time.
_PEERS: Final = ("openllmetry", "openinference", "otel-genai")
ORDERS: Final = ("ours first", "theirs first")
ANSWER: Final = Answer(text="the answer", input_tokens=1000, output_tokens=70)
_LINGER_SECONDS: Final = 1
#: Nobody tells it beside us.
_ALONE: Final = "huggingface_hub"

Rows = Mapping[str, list[dict[str, Any]]]
Calls = list[dict[str, Any]]


@pytest.fixture(scope="module", name="collector")
def _collector(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningCollector]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPANLEDGER_LOAD_LINGER_SECONDS", str(_LINGER_SECONDS))
        started = RunningCollector(tmp_path_factory.mktemp("every-client") / "data")
    with started as running:
        running.wait_ready()
        yield running


@pytest.fixture(scope="module", name="made")
def _made(collector: RunningCollector) -> dict[str, Calls]:
    """The calls by order; under ``bare`` those without anybody."""
    with Provider(default=lambda _: ANSWER, routes=ROUTES) as provider:
        plan = {
            "provider": provider.url,
            "collector": f"http://127.0.0.1:{collector.http_port}",
            "cases": [{"peers": _PEERS, "order": order} for order in ORDERS],
        }
        program = ("-W", "ignore", "-m", "tests.sdk.coexistence.every_client")
        done = subprocess.run(
            [ENVIRONMENTS.python(_ENVIRONMENT), *program],
            cwd=Path(__file__).parents[3],
            env={**ENVIRONMENTS.variables(), "LITELLM_LOCAL_MODEL_COST_MAP": "true"},
            input=json.dumps(plan) + "\n",
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "WARNING:spanledger" not in done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(zip(("bare", *ORDERS), told, strict=True))


@pytest.fixture(scope="module", name="attempts")
def _attempts(collector: RunningCollector, made: dict[str, Calls]) -> Rows:
    """By trace, once every span that was received has been loaded and judged."""
    wanted = {call["trace_id"] for order in ORDERS for call in made[order]}
    seen = (-1, -1)

    def still() -> bool:
        nonlocal seen
        time.sleep(_LINGER_SECONDS + 0.5)
        before = seen
        seen = (collector.count("SELECT count() FROM spans"), collector.count(UNSETTLED))
        return before == seen and seen[1] == 0

    collector.wait_until(still)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in collector.rows("SELECT * FROM attempts FINAL"):
        found.setdefault(row["trace_id"], []).append(row)
    assert wanted <= set(found)
    ours = "SELECT DISTINCT trace_id FROM spans FINAL WHERE startsWith(scope_name, 'spanledger.')"
    assert wanted <= {row["trace_id"] for row in collector.rows(ours)}
    return found


@pytest.mark.parametrize("order", ORDERS)
def test_every_call_is_counted_once_with_the_servers_numbers(
    made: dict[str, Calls], attempts: Rows, order: str
) -> None:
    told_by_others: set[str] = set()
    for call in made[order]:
        rows = attempts[call["trace_id"]]
        counted = [row for row in rows if row["counted"]]
        if len(rows) > 1:
            told_by_others.add(call["client"])
        assert len(counted) == 1, (call, rows)
        numbers = (counted[0]["input_uncached_tokens"], counted[0]["output_tokens"])
        assert numbers == (ANSWER.input_tokens, ANSWER.output_tokens), (call, rows)
        assert counted[0]["agent_name"] == "planner"
    assert told_by_others == {call["client"] for call in made[order]} - {_ALONE}


@pytest.mark.parametrize("order", ORDERS)
def test_the_application_gets_every_piece(made: dict[str, Calls], order: str) -> None:
    """The others change the class of a stream, so what is compared is what comes out of it."""
    for call, bare in zip(made[order], made["bare"], strict=True):
        assert call["told"][1:] == bare["told"][1:], (call, bare)
