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

#: By environment: who is switched on there, all at the same time.
_PEERS: Final[Mapping[str, tuple[str, ...]]] = {
    "client-instrumentations": ("openllmetry", "openinference", "otel-genai"),
    "openlit": ("openlit",),
}
#: What cannot be called beside somebody, whether spanledger is there or not.
_LEFT_OUT: Final[Mapping[str, tuple[str, ...]]] = {
    "client-instrumentations": (),
    # OpenLIT awaits a stream that is not to be awaited.
    "openlit": ("cohere: cohere chat stream, async",),
}
ORDERS: Final = ("ours first", "theirs first")
ANSWER: Final = Answer(text="the answer", input_tokens=1000, output_tokens=70)
_LINGER_SECONDS: Final = 1
#: What nobody tells beside us.
_ALONE: Final[Mapping[str, set[str]]] = {
    "client-instrumentations": {"huggingface_hub"},
    "openlit": {"huggingface_hub", "mistralai", "together"},
}
CASES: Final = [(environment, order) for environment in _PEERS for order in ORDERS]

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
def _made(collector: RunningCollector) -> dict[tuple[str, str], Calls]:
    """The calls by environment and order; under ``bare`` those without anybody."""
    with Provider(default=lambda _: ANSWER, routes=ROUTES) as provider:
        return {
            (environment, order): calls
            for environment in _PEERS
            for order, calls in _made_in(environment, provider, collector).items()
        }


def _made_in(environment: str, provider: Provider, collector: RunningCollector) -> dict[str, Calls]:
    plan = {
        "provider": provider.url,
        "collector": f"http://127.0.0.1:{collector.http_port}",
        "cases": [{"peers": _PEERS[environment], "order": order} for order in ORDERS],
        "left_out": _LEFT_OUT[environment],
    }
    program = ("-W", "ignore", "-m", "tests.sdk.coexistence.every_client")
    done = subprocess.run(
        [ENVIRONMENTS.python(environment), *program],
        cwd=Path(__file__).parents[3],
        env={**ENVIRONMENTS.variables(), "LITELLM_LOCAL_MODEL_COST_MAP": "true"},
        input=json.dumps(plan) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "WARNING:spanledger" not in done.stderr, done.stderr[-4000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(zip(("bare", *ORDERS), told, strict=True))


@pytest.fixture(scope="module", name="attempts")
def _attempts(collector: RunningCollector, made: dict[tuple[str, str], Calls]) -> Rows:
    """By trace, once every span that was received has been loaded and judged."""
    wanted = {call["trace_id"] for case in CASES for call in made[case]}
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
    told = {row["trace_id"] for row in collector.rows(ours)}
    missing = [
        (case, call) for case in CASES for call in made[case] if call["trace_id"] not in told
    ]
    assert not missing
    return found


@pytest.mark.parametrize(("environment", "order"), CASES)
def test_every_call_is_counted_once_with_the_servers_numbers(
    made: dict[tuple[str, str], Calls], attempts: Rows, environment: str, order: str
) -> None:
    told_by_others: set[str] = set()
    for call in made[environment, order]:
        rows = attempts[call["trace_id"]]
        counted = [row for row in rows if row["counted"]]
        if len(rows) > 1:
            told_by_others.add(call["client"])
        assert len(counted) == 1, (call, rows)
        numbers = (counted[0]["input_uncached_tokens"], counted[0]["output_tokens"])
        assert numbers == (ANSWER.input_tokens, ANSWER.output_tokens), (call, rows)
        assert counted[0]["agent_name"] == "planner"
    clients = {call["client"] for call in made[environment, order]}
    assert told_by_others == clients - _ALONE[environment]


@pytest.mark.parametrize(("environment", "order"), CASES)
def test_the_application_gets_every_piece(
    made: dict[tuple[str, str], Calls], environment: str, order: str
) -> None:
    """The others change the class of a stream, so what is compared is what comes out of it."""
    for call, bare in zip(made[environment, order], made[environment, "bare"], strict=True):
        assert call["told"][1:] == bare["told"][1:], (call, bare)
