"""One trace computed by hand: every attempt's cost to the last digit, and the sums above it."""

from decimal import Decimal

from spanledger_collector.store import Store

from . import scene


def _load(store: Store) -> None:
    """Two agents, a sub-agent in a tool, a 429 retry, a failed call, an unpriced model."""
    with store.connect() as connection:
        scene.publish(
            connection,
            [
                scene.price(
                    "large",
                    input="0.0000031",
                    output="0.0000157",
                    cache_read_usd_per_token="0.00000031",
                    cache_write_5m_usd_per_token="0.000003875",
                    cache_write_1h_usd_per_token="0.0000062",
                    units={"web_searches": ("10", 1000)},
                ),
                scene.price("small", input="0.000000000123456789012345", output="0.0000000007"),
            ],
        )
        scene.load(
            connection,
            [
                scene.span(1, 0, "workflow", workflow_name="report", lasts=60, tenant="customer"),
                scene.span(2, 1, "agent", run_id="run-a", agent_name="planner", lasts=30),
                scene.call(
                    3,
                    2,
                    (1001, 203),
                    run_id="run-a",
                    request_model="large",
                    streaming=True,
                    ttft_ns=250_000_000,
                    cache_read_tokens=4000,
                    cache_write_5m_tokens=77,
                    cache_write_1h_tokens=13,
                    units={"web_searches": 2},
                    retry_reasons=["429"],
                    retry_wait_seconds=[0.5],
                    attempt_number=2,
                ),
                scene.span(4, 2, "tool", run_id="run-a", tool_name="ask_expert", lasts=9),
                scene.span(
                    5, 4, "agent", run_id="run-b", parent_run_id="run-a", agent_name="expert"
                ),
                scene.call(6, 5, (333, 7), run_id="run-b", request_model="small"),
                scene.call(7, 5, (10, 10), run_id="run-b", request_model="unknown-model"),
                scene.span(
                    8, 1, "agent", run_id="run-c", agent_name="writer", status="error", lasts=4
                ),
                scene.call(
                    9,
                    8,
                    run_id="run-c",
                    request_model="large",
                    status="error",
                    error_type="openai.InternalServerError",
                    usage_source="missing",
                ),
                scene.call(10, 8, (5, 5), run_id="run-c", request_model="large", retry_of=9),
            ],
        )
    assert scene.settle(store) == 1


LARGE = (  # 1001 x 3.1e-6 + 4000 x 3.1e-7 + 77 x 3.875e-6 + 13 x 6.2e-6 + 203 x 1.57e-5 + 2 x 0.01
    Decimal("0.0031031")
    + Decimal("0.00124")
    + Decimal("0.000298375")
    + Decimal("0.0000806")
    + Decimal("0.0031871")
    + Decimal("0.02")
)
SMALL = Decimal("0.000000046011")  # 333 x 1.23456789012345e-10 + 7 x 7e-10 = 4.6011110741110885e-8
WRITER = Decimal("0.000094")  # 5 x 3.1e-6 + 5 x 1.57e-5


def test_every_attempt_costs_what_was_computed_by_hand(any_store: Store) -> None:
    _load(any_store)
    with any_store.connect() as connection:
        rows = {
            (int(row["span_id"], 16), row["attempt_number"]): (
                row["outcome"],
                row["price_status"],
                row["cost_usd"],
                row["rework_reason"],
            )
            for row in scene.attempts(connection)
        }
        first = scene.attempt(connection, 3, 1)
        parts = scene.attempt(connection, 3, 2)
    assert rows == {
        (3, 1): ("retried", "not_billed", Decimal(0), "transport_retry"),
        (3, 2): ("ok", "priced", LARGE, ""),
        (6, 1): ("ok", "priced", SMALL, ""),
        (7, 1): ("ok", "unpriced", None, ""),
        (9, 1): ("error", "not_billed", Decimal(0), "application_retry"),
        (10, 1): ("ok", "priced", WRITER, ""),
    }
    assert (first["error_type"], first["wait_seconds"]) == ("429", 0.5)
    assert first["input_uncached_tokens"] == first["output_tokens"] == 0
    assert parts["input_cost_usd"] == Decimal("0.0031031")
    assert parts["cache_read_cost_usd"] == Decimal("0.00124")
    assert parts["cache_write_cost_usd"] == Decimal("0.000378975")
    assert parts["output_cost_usd"] == Decimal("0.0031871")
    assert parts["units_cost_usd"] == Decimal("0.02")
    assert parts["cost_low_usd"] == parts["cost_high_usd"] == LARGE


def test_runs_sum_up_to_the_trace(store: Store) -> None:
    _load(store)
    with store.connect() as connection:
        runs = scene.runs(connection)
        total = scene.cost(connection, "attempts")
        assert total == scene.cost(connection, "runs") == LARGE + SMALL + WRITER
    trace_run = runs[scene.hex32(1)]
    planner, expert, writer = runs["run-a"], runs["run-b"], runs["run-c"]
    assert (trace_run["kind"], trace_run["cost_usd"], trace_run["inclusive_cost_usd"]) == (
        "workflow",
        Decimal(0),
        total,
    )
    assert (planner["cost_usd"], planner["inclusive_cost_usd"]) == (LARGE, LARGE + SMALL)
    assert (expert["cost_usd"], expert["parent_run_id"]) == (SMALL, "run-a")
    assert (expert["agent_name"], expert["unpriced_attempts"], expert["calls"]) == ("expert", 1, 2)
    assert (writer["status"], writer["failed_attempts"], writer["attempts"]) == ("error", 1, 2)
    assert writer["rework_cost_usd"] == 0
    assert (planner["retries"], planner["attempts"], planner["calls"]) == (1, 2, 1)
    assert (planner["tool_calls"], planner["parent_run_id"]) == (1, scene.hex32(1))
    # the call starts one second into the run and streams 0.25 s later
    assert (planner["ttft_ns"], planner["duration_ns"]) == (1_250_000_000, 30_000_000_000)
    assert {run["tenant"] for run in runs.values()} == {"customer"}
    assert {run["workflow_name"] for run in runs.values()} == {"report"}


def test_calls_below_a_tool_name_it_and_inherit_the_identity_of_their_run(store: Store) -> None:
    _load(store)
    with store.connect() as connection:
        expert_call = scene.attempt(connection, 6)
    assert (expert_call["tool_name"], expert_call["agent_name"], expert_call["tenant"]) == (
        "ask_expert",
        "expert",
        "customer",
    )


def test_settling_twice_gives_the_same_rows(store: Store) -> None:
    _load(store)
    with store.connect() as connection:
        before = (scene.attempts(connection), scene.runs(connection), scene.placed(connection))
        assert scene.settle(store) == 1
        after = (scene.attempts(connection), scene.runs(connection), scene.placed(connection))
    assert before == after
    assert before[0]
