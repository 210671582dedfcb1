"""A call is counted once beside other instrumentations, whoever came first.

Real packages at exact versions, real clients, a local server of their wire formats, and the spans
of everybody through a real collector into its ledger. The oracle is the server: each call has token
counts of its own, and a cost that is worked out here from list prices.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from tests.sdk.coexistence.calls import AGAIN, CALLS, UNMETERED
from tests.support.environments import ENVIRONMENTS
from tests.support.launching import launch
from tests.support.running import RunningCollector

import spanledger
from spanledger_collector.demo.provider import Answer, Provider, Request

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ORDERS: Final = ("ours first", "theirs first", "theirs late")
TOGETHER: Final = ("openllmetry", "openinference", "otel-genai", "logfire")
#: Environment -> the instrumentations in it that are on at the same time.
PEERS: Final[Mapping[str, Sequence[Sequence[str]]]] = {
    "instrumentations": [*[[name] for name in TOGETHER], TOGETHER],
    "otel-openai-v2": [["otel-openai-v2"]],
    "openlit": [["openlit"]],
}
CASES: Final = [
    (environment, tuple(peers), order)
    for environment, chosen in PEERS.items()
    for peers in chosen
    for order in ORDERS
]
#: Each order has a third of the calls, so all of them are made beside each set of peers.
CALLS_IN: Final = {order: list(CALLS)[first :: len(ORDERS)] for first, order in enumerate(ORDERS)}
#: USD a million tokens: fresh input, cached input, output.
PRICES: Final = {
    "chat": ("0.40", "0.10", "1.60"),
    "embeddings": ("0.02", "0", "0"),
    "message": ("3", "0.30", "15"),
}
_OURS: Final = ("spanledger.openai", "spanledger.anthropic")
#: Traces with a call that was received after the newest attempt of theirs.
UNSETTLED: Final = """
SELECT count()
FROM (
    SELECT trace_id, max(received_at) AS last FROM spans FINAL
    WHERE role = 'call' GROUP BY trace_id
) AS s
LEFT JOIN (
    SELECT trace_id, max(received_at) AS last FROM attempts FINAL GROUP BY trace_id
) AS a USING (trace_id)
WHERE s.last > a.last
"""
#: How long what was received waits to be loaded: few batches cost less.
_LINGER_SECONDS: Final = 3
#: Brings a provider of its own, which takes no spans of ours and gives none, where ours was first.
_APART: Final = "logfire"


@dataclass(frozen=True)
class Truth:
    """What the server said that a call used."""

    fresh: int
    cached: int
    output: int

    def cost_usd(self, call: str) -> Decimal:
        """By list prices."""
        kind = call.partition(" ")[0]
        prices = PRICES.get({"response": "chat", "langchain": "chat"}.get(kind, kind))
        assert prices is not None
        counts = (self.fresh, self.cached, self.output)
        millionths = sum(n * Decimal(p) for n, p in zip(counts, prices, strict=True))
        return Decimal(millionths) / 1_000_000


def _truth(call: str, number: int) -> Truth:
    if call == "embeddings":
        return Truth(1000 + number, 0, 0)
    return Truth(1000 + number, number, 20 + number)


def _answer(request: Request) -> Answer:
    asked = re.search(r"question (\d+)", json.dumps(request.body))
    assert asked, request.body
    number = int(asked[1])
    truth = _truth("embeddings" if "embedding" in request.model else "", number)
    return Answer(
        text="the answer",
        input_tokens=truth.fresh + truth.cached,
        cache_read_tokens=truth.cached,
        output_tokens=truth.output,
    )


@dataclass
class Outcome:
    """Everything that happened, by case and by trace."""

    made: dict[tuple[tuple[str, ...], str], list[dict[str, Any]]]
    bare: dict[str, list[str]]
    stderr: str
    attempts: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, Any])
    #: By span, in its trace.
    scopes: dict[str, dict[str, str]] = field(default_factory=dict[str, Any])


def _run(environment: str, provider: Provider, collector: RunningCollector) -> Outcome:
    """Let the program of one environment make the calls of all its cases."""
    cases = [(peers, order) for name, peers, order in CASES if name == environment]
    plan = {
        "openai": provider.openai_url,
        "anthropic": provider.anthropic_url,
        "collector": f"http://127.0.0.1:{collector.http_port}",
        "cases": [
            {"peers": peers, "order": order, "number": 100 * place, "calls": CALLS_IN[order]}
            for place, (peers, order) in enumerate(cases, 1)
        ],
    }
    done = subprocess.run(
        [ENVIRONMENTS.python(environment), "-W", "ignore", "-m", "tests.sdk.coexistence.program"],
        cwd=Path(__file__).parents[3],
        env=ENVIRONMENTS.variables(),
        input=json.dumps(plan) + "\n",
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    bare, *made = [json.loads(line) for line in done.stdout.splitlines()]
    told = {call["name"]: call["told"] for call in bare}
    return Outcome(dict(zip(cases, made, strict=True)), told, done.stderr)


@pytest.fixture(scope="module", name="collector")
def _collector(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningCollector]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPANLEDGER_LOAD_LINGER_SECONDS", str(_LINGER_SECONDS))
        started = RunningCollector(tmp_path_factory.mktemp("coexistence") / "data")
    with started as running:
        running.wait_ready()
        yield running


@pytest.fixture(scope="module", name="outcomes")
def _outcomes(collector: RunningCollector) -> dict[str, Outcome]:
    """Every environment's calls, settled."""
    with Provider(default=_answer) as provider:
        outcomes = {environment: _run(environment, provider, collector) for environment in PEERS}
    _wait_until_settled(collector)
    attempts: dict[str, list[dict[str, Any]]] = {}
    for row in collector.rows("SELECT * FROM attempts FINAL ORDER BY started_at"):
        attempts.setdefault(row["trace_id"], []).append(row)
    scopes: dict[str, dict[str, str]] = {}
    for row in collector.rows("SELECT trace_id, span_id, scope_name FROM spans FINAL"):
        scopes.setdefault(row["trace_id"], {})[row["span_id"]] = row["scope_name"]
    for outcome in outcomes.values():
        outcome.attempts, outcome.scopes = attempts, scopes
    return outcomes


def _wait_until_settled(collector: RunningCollector) -> None:
    """Every span that was received has been loaded, then judged."""
    collector.wait_until(lambda: collector.reader.health()["journal"]["records"] == 0)
    collector.wait_until(lambda: collector.count(UNSETTLED) == 0)


def _is_apart(peers: tuple[str, ...], order: str) -> bool:
    return peers == (_APART,) and order != "theirs first"


def _calls(outcome: Outcome, peers: tuple[str, ...], order: str, *phases: str) -> list[Any]:
    return [call for call in outcome.made[peers, order] if call["phase"] in phases]


@pytest.mark.parametrize(("environment", "peers", "order"), CASES)
class TestBeside:
    """One case: some instrumentations, one order."""

    def test_every_call_is_counted_once_with_the_servers_numbers(
        self, outcomes: dict[str, Outcome], environment: str, peers: tuple[str, ...], order: str
    ) -> None:
        """Tokens, cost and agent; what was removed names the row that counts, and why."""
        outcome = outcomes[environment]
        made = _calls(outcome, peers, order, "both", "both again", "ours alone")
        assert {call["name"] for call in made} == {*CALLS_IN[order], *AGAIN}
        others = 0
        for call in made:
            rows = outcome.attempts[call["trace_id"]]
            (counted,) = [row for row in rows if row["counted"]]
            removed = [row for row in rows if not row["counted"]]
            others += len(removed)
            assert {row["duplicate_of"] for row in removed} <= {counted["span_id"]}
            assert all(row["excluded_reason"].startswith("duplicate_") for row in removed)
            assert (counted["agent_name"], counted["outcome"]) == ("planner", "ok"), call
            if call["name"] == UNMETERED:
                assert counted["usage_source"] == "estimated", call
                assert outcome.scopes[call["trace_id"]][counted["span_id"]] in _OURS
                continue
            truth = _truth(call["name"], call["number"])
            names = ("input_uncached_tokens", "cache_read_tokens", "output_tokens")
            assert Truth(*(counted[name] for name in names)) == truth, call
            assert counted["cost_usd"] == truth.cost_usd(call["name"]), call
        assert others >= len(CALLS_IN[order]) / 2 or _is_apart(peers, order), (
            "the others told next to nothing"
        )

    def test_nobody_changes_what_the_application_gets(
        self, outcomes: dict[str, Outcome], environment: str, peers: tuple[str, ...], order: str
    ) -> None:
        outcome = outcomes[environment]
        for call in outcome.made[peers, order]:
            assert call["told"] == outcome.bare[call["name"]], call

    def test_whoever_is_taken_off_leaves_the_others_on(
        self, outcomes: dict[str, Outcome], environment: str, peers: tuple[str, ...], order: str
    ) -> None:
        outcome = outcomes[environment]
        both = _calls(outcome, peers, order, "both", "both again", "ours alone")
        assert all({*_OURS} & {*outcome.scopes[call["trace_id"]].values()} for call in both)
        for call in _calls(outcome, peers, order, "theirs alone"):
            scopes = {*outcome.scopes[call["trace_id"]].values()} - {"spanledger"}
            assert not scopes & {*_OURS}
            if _is_apart(peers, order) or (
                call["name"].startswith("message") and peers == ("otel-openai-v2",)
            ):
                continue
            assert scopes - {"com.anthropic.sdk.python"}, call
            counted = [row["counted"] for row in outcome.attempts[call["trace_id"]]]
            assert counted.count(True) == 1, call


#: The last frame of a traceback: where the exception was raised.
_RAISED_IN: Final = re.compile(r'^  File "([^"]+)".*\n(?:    .*\n)*(?=\S)', re.MULTILINE)


@pytest.mark.parametrize("environment", PEERS)
def test_ours_says_nothing_on_the_way(outcomes: dict[str, Outcome], environment: str) -> None:
    """What the others say is theirs, also where our code is on the way to what they failed at."""
    stderr = outcomes[environment].stderr
    assert not re.findall(r"^[A-Z]+:spanledger.*", stderr, re.MULTILINE)
    ours = Path(spanledger.__file__).parent
    assert not [file for file in _RAISED_IN.findall(stderr) if Path(file).is_relative_to(ours)]


_LAUNCHED: Final = """
import openai
from opentelemetry import trace

for stream in ({}, {"stream": True, "stream_options": {"include_usage": True}}):
    with trace.get_tracer("app").start_as_current_span("root") as root:
        print(f"{root.get_span_context().trace_id:032x}")
        made = openai.OpenAI().chat.completions.create(
            model="gpt-4.1-mini", messages=[{"role": "user", "content": "x"}], **stream
        )
        [chunk for chunk in made] if stream else made
"""


def test_the_launcher_loads_ours_and_anothers_entry_point(
    collector: RunningCollector, tmp_path: Path
) -> None:
    """``opentelemetry-instrument``: both tell each call, and it is counted once."""
    python = ENVIRONMENTS.python("otel-openai-v2")
    endpoint = f"http://127.0.0.1:{collector.http_port}"
    done = launch(tmp_path, _LAUNCHED, endpoint, python=python, **ENVIRONMENTS.variables())
    trace_ids = done.stdout.split()
    assert len(trace_ids) == 2
    _wait_until_settled(collector)
    for trace_id in trace_ids:
        of_it = f"WHERE trace_id = '{trace_id}'"
        told = collector.rows(f"SELECT scope_name FROM spans FINAL {of_it}")
        assert sorted(row["scope_name"] for row in told) == [
            "app", "opentelemetry.util.genai.handler", "spanledger.openai",
        ]  # fmt: skip
        rows = collector.rows(f"SELECT counted, input_uncached_tokens FROM attempts FINAL {of_it}")
        assert sorted((row["counted"], row["input_uncached_tokens"]) for row in rows) == [
            (0, 5),
            (1, 5),
        ]
