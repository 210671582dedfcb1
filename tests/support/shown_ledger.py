"""A ledger worth looking at: five days, agents, tools, retries, rework, an asset.

Every figure comes from one seed and the real settler. The third agent has a name, a version, a
tenant, a model, a tool, an error and a span name that were made to run in a browser or in a
spreadsheet; a page that lets them sets ``window.hacked``.
"""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

from tests.collector.settle import scene

from spanledger_collector.store import Store

DAYS = 5
_DAY_SECONDS = 86_400
#: One for each attribute, so that what got through can be told.
XSS = {
    "agent_name": "<script>window.hacked='agent'</script>",
    "agent_version": '"><img src=x onerror="window.hacked=\'version\'">',
    "tenant": "'-window.hacked='tenant'-'",
    "request_model": "</td><svg onload=window.hacked='model'>{{7*7}}",
    "tool_name": "javascript:window.hacked='tool'",
    "error_type": '=HYPERLINK("http://evil/","e")</title><script>window.hacked=\'error\'</script>',
    "name": "@SUM(1)<a href=javascript:window.hacked='name'>x</a>",
    "run_id": "x' onmouseover='window.hacked=1",
    "service_name": "<svg/onload=window.hacked='service'>",
    "workflow_name": "<b onclick=window.hacked='workflow'>",
    "conversation_id": "</script><script>window.hacked='conversation'</script>",
}
#: The same of what one call tells.
XSS_CALL = {
    "provider": "<iframe srcdoc='<script>parent.hacked=1</script>'>",
    "response_model": "\u202e<script>window.hacked='answered'</script>",
    "response_id": "<details open ontoggle=window.hacked='response'>",
    "prompt_name": "<style onload=window.hacked='prompt'>",
    "prompt_version": "{{constructor.constructor('window.hacked=1')()}}",
    "service_tier": "<marquee onstart=window.hacked='tier'>",
    "region": "' autofocus onfocus='window.hacked=1",
}
#: Name, model, USD a token of input, share of runs that succeed, what such a run earns.
_AGENTS = (
    ("support", "small", Decimal("0.000002"), 0.8, "0.015"),
    ("analyst", "large", Decimal("0.00001"), 0.7, "2.50"),
)
_Agent = tuple[str, str, Decimal, float, str]
#: A trace of the hostile agent, and one of another.
XSS_TRACE = scene.hex32(900)
PLAIN_TRACE = scene.hex32(1000)
#: A trace whose run was charged its share of the asset ``tuned``.
CHARGED_TRACE = scene.hex32(1035)
#: Of a run whose margin is exactly 0, and of one with a value of whose cost nothing is known.
EVEN, UNPRICED = 950, 951


#: Ten minutes of two GPUs, as they were closed: calls, a cold start, idle time.
_WINDOW = {
    "pool": "lab", "window_start": scene.START,
    "window_end": scene.START + timedelta(minutes=10), "gpus": 2, "gpu_model": "h100-sxm5-80gb",
    "watts": 700, "calls": 3, "billed_gpu_seconds": Decimal(1200),
    "attributed_gpu_seconds": Decimal(500), "load_gpu_seconds": Decimal(40),
    "idle_gpu_seconds": Decimal(660), "billed_usd": Decimal("1.2"),
    "attributed_usd": Decimal("0.5"), "waste_usd": Decimal("0.02"), "load_usd": Decimal("0.04"),
    "idle_usd": Decimal("0.66"), "peak_flops": 989 * 10**12, "peak_format": "bf16",
    "bandwidth": 3350 * 10**9, "work_gpu_seconds": Decimal(450), "flops": 9 * 10**16,
    "flops_low": 8 * 10**16, "flops_high": 10**17, "flops_method": "approx",
    "read_bytes_low": 6 * 10**14, "read_bytes_high": 7 * 10**14, "version": 1,
}  # fmt: skip


def show(store: Store) -> None:
    """Put it into an empty, migrated ledger."""
    rng = random.Random(11)  # noqa: S311 - test data
    rows = [*_asset(), *_hostile(), *_even(), *_unpriced()]
    traces = [800, 801, 900, EVEN, UNPRICED]
    number = 1000
    for day in range(DAYS):
        for agent in _AGENTS:
            for _ in range(7):
                rows += _run(rng, number, day, agent)
                traces.append(number)
                number += 1
    with store.connect() as connection:
        scene.publish(connection, [_price(model, rate) for _, model, rate, _, _ in _AGENTS])
        scene.load(connection, rows)
        connection.insert_rows("gpu_windows", list(_WINDOW), [tuple(_WINDOW.values())])
    scene.settle(store, traces)


def _price(model: str, rate: Decimal) -> scene.Row:
    return scene.price(
        model, input=f"{rate:f}", output=f"{rate * 5:f}", source_url="https://prices.example/list"
    )


def _asset() -> list[scene.Row]:
    cost = {"entry": "cost", "kind": "training", "amount": "60"}
    plan = {"entry": "plan", "method": "units_of_production", "unit": "execution"}
    plan |= {"expected_units": "400", "agent.name": "analyst", "agent.version": "2"}
    return [
        scene.span(
            1, role="record", trace=trace, lasts=0, received_at=scene.moment(scene.START),
            attributes={f"spanledger.asset.{k}": v for k, v in {"id": "tuned", **told}.items()},
        )
        for trace, told in ((800, cost), (801, plan))
    ]  # fmt: skip


def _run(rng: random.Random, trace: int, day: int, agent: _Agent) -> list[scene.Row]:
    """An agent that searches by a tool, and sometimes answers twice."""
    name, model, _, chance, amount = agent
    at = day * _DAY_SECONDS + rng.randrange(36_000)
    succeeded = rng.random() < chance
    told = {"spanledger.outcome": "success" if succeeded else "failure"}
    if succeeded:
        told["spanledger.revenue.amount"] = amount
    who = {
        "agent_name": name, "agent_version": "1" if day < 2 else "2",
        "tenant": rng.choice(["acme", "globex"]), "run_id": f"r{trace}", "trace": trace,
    }  # fmt: skip
    seconds = rng.randrange(4, 40)
    rows = [
        scene.span(1, 0, "agent", at=at, lasts=seconds, name=f"invoke_agent {name}",
                   attributes=told, **who),
        scene.span(2, 1, "tool", at=at + 1, lasts=2, tool_name="search", name="search", **who),
        scene.call(3, 2, _tokens(rng), at=at + 1, request_model=model, name=f"chat {model}", **who),
        scene.call(4, 1, _tokens(rng), at=at + 3, lasts=seconds - 3, request_model=model,
                   name=f"chat {model}", **who),
    ]  # fmt: skip
    if rng.random() < 0.25:
        again = {"rework_of": 4, "rework_reason": "regenerated", "name": f"chat {model}"}
        rows.append(scene.call(5, 1, _tokens(rng), at=at + 3, request_model=model, **again, **who))
    if rng.random() < 0.2:
        rows[3] |= {"attempt_number": 2, "retry_reasons": ["429"], "retry_wait_seconds": [0.1]}
    return rows


def _even() -> list[scene.Row]:
    who = {"agent_name": "even", "agent_version": "1", "run_id": "even", "trace": EVEN}
    earned = {"spanledger.outcome": "success", "spanledger.revenue.amount": "0.0002"}
    return [
        scene.span(1, 0, "agent", at=70, lasts=9, attributes=earned, **who),
        scene.call(2, 1, (100, 0), at=71, request_model="small", **who),
    ]


def _unpriced() -> list[scene.Row]:
    who = {"agent_name": "unpriced", "agent_version": "1", "run_id": "unpriced", "trace": UNPRICED}
    earned = {"spanledger.outcome": "success", "spanledger.revenue.amount": "1.5"}
    return [
        scene.span(1, 0, "agent", at=80, lasts=9, attributes=earned, **who),
        scene.call(2, 1, (100, 10), at=81, request_model="nobody-knows", **who),
    ]


def _tokens(rng: random.Random) -> tuple[int, int]:
    return int(rng.lognormvariate(8.5, 0.6)), int(rng.lognormvariate(6, 0.5))


def _hostile() -> list[scene.Row]:
    everywhere = (
        "agent_name",
        "agent_version",
        "tenant",
        "run_id",
        "service_name",
        "workflow_name",
        "conversation_id",
    )
    who = {key: XSS[key] for key in everywhere}
    mine = {**who, "trace": 900, "name": XSS["name"]}
    failed = {"status": "error", "error_type": XSS["error_type"]}
    return [
        scene.span(1, 0, "agent", at=60, lasts=9, **mine, **failed),
        scene.span(2, 1, "tool", at=61, tool_name=XSS["tool_name"], **mine),
        scene.call(3, 2, (10, 10), at=62, request_model=XSS["request_model"], **XSS_CALL, **mine,
                   **failed),
        scene.call(4, 1, (10, 10), at=63, request_model="small", **mine),
    ]  # fmt: skip
