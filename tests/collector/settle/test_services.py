"""What a run costs and earns beside model calls: tools, people, expenses, and its margin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from spanledger_collector.query import DirectReader
from spanledger_collector.store import Store

from . import scene
from .told import agent_span, record_span


def _loading(span_id: int, parent: int, device: str, *, trace: int = 1) -> scene.Row:
    """A model was put on a device in half a minute."""
    return scene.span(
        span_id, parent, "task", trace=trace, operation="load_model", provider="transformers",
        request_model="m1", gpu_model=device, gpu_seconds=30,
    )  # fmt: skip


def test_what_a_run_costs_beside_model_calls_is_in_the_ledger(any_store: Store) -> None:
    """A paid tool, a load, a person's minutes, an expense: attempts of their own, in its cost."""
    with any_store.connect() as connection:
        scene.publish(
            connection,
            [
                scene.price(input="0.01"),
                scene.price("search", "tool", units={"calls": ("5", 1000)}),
                scene.price("reviewer", "human", units={"minutes": ("1.20", 1)}),
                scene.price("cpu", "gpu", units={"gpu_seconds": ("0.36", 3600)}),
            ],
        )
        scene.load(
            connection,
            [
                _loading(20, 1, "cpu"),
                _loading(21, 1, "a device without a rate"),
                _loading(22, 0, "cpu", trace=4),
                agent_span(1, run_id="r", tenant="acme"),
                scene.call(2, 1, (10, 0)),
                scene.span(3, 1, "tool", tool_name="search"),
                scene.span(4, 3, "tool", tool_name="search", scope_name="other"),
                scene.span(5, 1, "tool", tool_name="free"),
                record_span(6, 1, effort__minutes="12.5", effort__role="reviewer"),
                record_span(7, 1, effort__minutes="3", effort__role="lawyer"),
                record_span(8, 1, expense__amount="0.25", expense__category="sms"),
                record_span(9, trace=2, subject__run_id="r", record__id="x", expense__amount="9"),
            ],
        )
        scene.load(
            connection,
            [
                record_span(10, trace=3, subject__run_id="r", record__id="x", expense__amount="2")
                | {"received_at": scene.moment(scene.START.replace(day=9))}
            ],
        )
        scene.settle(any_store, (1, 4))
        (run,) = scene.runs(connection).values()
        (apart,) = scene.runs(connection, 4).values()
        rows = {
            (str(row["operation"]), str(row["request_model"])): (row["cost_usd"], row["tenant"])
            for row in scene.attempts(connection)
        }
    reader = DirectReader(any_store)
    [spent] = reader.rows("spending", {"workspace": "default", "per": "tenant", "key": "acme"})
    reader.close()
    assert spent == {
        "spent_usd": Decimal("17.358"),
        "model_usd": Decimal("0.103"),
        "tool_usd": Decimal("0.005"),
        "effort_usd": Decimal(15),
        "expense_usd": Decimal("2.25"),
        "calls": 1,
        "unknown_calls": 1,
    }
    assert rows == {
        ("chat", "m1"): (Decimal("0.10"), "acme"),
        ("execute_tool", "search"): (Decimal("0.005"), "acme"),
        ("load_model", "cpu"): (Decimal("0.003"), "acme"),
        ("effort", "reviewer"): (Decimal(15), "acme"),
        ("effort", "lawyer"): (None, "acme"),
        ("expense", "sms"): (Decimal("0.25"), "acme"),
        ("expense", ""): (Decimal(2), "acme"),
    }
    assert run["cost_usd"] == Decimal("17.358")
    assert (run["calls"], run["attempts"], run["unpriced_attempts"]) == (1, 7, 1)
    assert (apart["calls"], apart["attempts"], apart["agent_name"]) == (0, 1, "")
    assert apart["cost_usd"] == Decimal("0.003"), "a load outside of any agent has a run of its own"
    assert run["tool_cost_usd"] == Decimal("0.005")
    assert run["effort_cost_usd"] == Decimal(15)
    assert run["expense_cost_usd"] == Decimal("2.25")


def test_other_currencies_are_converted_at_the_rate_of_the_day(store: Store) -> None:
    day = "2026-11-01 00:00:00.000"
    with store.connect() as connection:
        connection.insert_rows(
            "fx",
            ("currency", "valid_from", "valid_to", "known_from", "usd"),
            [("EUR", day, "2026-11-09 00:00:00.000", day, Decimal("1.1"))],
        )
        scene.load(
            connection,
            [
                agent_span(1),
                record_span(2, 1, revenue__amount="20", revenue__currency="EUR"),
                record_span(3, 1, expense__amount="3", expense__currency="EUR"),
                record_span(4, 1, expense__amount="3", expense__currency="CHF"),
            ],
        )
        scene.settle(store)
        (run,) = scene.runs(connection).values()
        statuses = [
            (str(row["currency"]), row["cost_usd"], row["currency_cost"], str(row["price_status"]))
            for row in scene.attempts(connection)
        ]
    assert run["revenue_usd"] == Decimal(22)
    assert statuses == [
        ("EUR", Decimal("3.3"), Decimal(3), "priced"),
        ("CHF", None, Decimal(3), "unpriced"),
    ]


def test_the_margin_of_a_run_and_of_its_agent(store: Store) -> None:
    """Value less variable and amortized cost; unknown where nobody said what a run was worth."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        scene.load(
            connection,
            [
                agent_span(1, run_id="good"),
                scene.call(2, 1, (10, 0)),
                record_span(3, 1, outcome="success", value__amount="3"),
                record_span(4, 1, revenue__amount="1.5"),
                agent_span(11, run_id="bad"),
                scene.call(12, 11, (20, 0)),
                record_span(13, 11, outcome="failure"),
            ],
        )
        scene.settle(store)
        runs = connection.rows(
            "SELECT succeeded, total_cost_usd, value_usd, margin_usd FROM run_economics "
            "ORDER BY run_id DESC"
        )
        (agent,) = connection.rows("SELECT * FROM agent_unit_economics")
    assert [tuple(row.values()) for row in runs] == [
        (1, Decimal("0.1"), Decimal("4.5"), Decimal("4.4")),
        (0, Decimal("0.2"), None, None),
    ]
    assert (agent["runs"], agent["successful_runs"], agent["judged_runs"]) == (2, 1, 2)
    assert (agent["total_cost_usd"], agent["value_usd"]) == (Decimal("0.3"), Decimal("4.5"))
    assert (agent["margin_usd"], agent["margin_per_run_usd"]) == (Decimal("4.2"), Decimal("2.1"))
    assert agent["cost_per_success_usd"] == Decimal("0.3")


def test_a_tool_that_is_paid_and_tells_usage_costs_both(store: Store) -> None:
    usage = {"provider": "acme", "request_model": "m1", "usage_source": "provider"}
    with store.connect() as connection:
        scene.publish(
            connection,
            [
                scene.price(input="0.01"),
                scene.price("search", "tool", units={"calls": ("5", 1000)}),
            ],
        )
        scene.load(
            connection,
            [
                agent_span(1),
                scene.span(2, 1, "tool", tool_name="search", input_uncached_tokens=3, **usage),
            ],
        )
        scene.settle(store)
        (run,) = scene.runs(connection).values()
        assert scene.cost(connection, "attempts") == run["cost_usd"] == Decimal("0.035")


def _search(span_id: int, parent: int, kind: str, scope: str, **told: Any) -> scene.Row:
    names = {"call": "gen_ai.tool.call.id", "request": "jsonrpc.request.id"}
    return scene.span(
        span_id, parent, "tool", tool_name="search", kind=kind, scope_name=scope,
        attributes={names[name]: str(value) for name, value in told.items()},
    )  # fmt: skip


#: What is told below an agent (span 1) -> how many calls of the tool were paid.
_TOLD_TOOLS: tuple[tuple[str, int, list[scene.Row]], ...] = (
    ("client, HTTP, server", 1, [
        _search(2, 1, "client", "mcp"), scene.span(3, 2), scene.span(4, 3),
        _search(5, 4, "server", "mcp"),
    ]),
    ("framework, client, HTTP, server, its function", 1, [
        _search(2, 1, "internal", "langchain"), _search(3, 2, "client", "spanledger.mcp"),
        scene.span(4, 3), _search(5, 4, "server", "other"), _search(6, 5, "internal", "spanledger"),
    ]),
    ("recursion of a function", 3, [
        _search(2, 1, "internal", "spanledger"), _search(3, 2, "internal", "spanledger"),
        scene.span(4, 3, "task"), _search(5, 4, "internal", "spanledger"),
    ]),
    ("recursion through a server", 2, [
        _search(2, 1, "client", "mcp", request=1), _search(3, 2, "server", "mcp", request=1),
        _search(4, 3, "client", "mcp", request=2), scene.span(5, 4),
        _search(6, 5, "server", "mcp", request=2),
    ]),
    ("recursion through a server of another instrumentation", 2, [
        _search(2, 1, "client", "spanledger.mcp"), _search(3, 2, "server", "other"),
        _search(4, 3, "client", "spanledger.mcp"), _search(5, 4, "server", "other"),
    ]),
    ("recursion through an agent", 2, [
        _search(2, 1, "internal", "spanledger"), scene.span(3, 2, "agent"),
        _search(4, 3, "client", "mcp"),
    ]),
    ("another tool between", 2, [
        _search(2, 1, "internal", "a"), scene.span(3, 2, "tool", tool_name="plan"),
        _search(4, 3, "internal", "b"),
    ]),
    ("one call by its id, of one instrumentation", 1, [
        _search(2, 1, "internal", "a", call="c1"), scene.span(3, 2),
        _search(4, 3, "internal", "a", call="c1"),
    ]),
    ("two calls by their ids", 2, [
        _search(2, 1, "internal", "a", call="c1"), _search(3, 2, "internal", "b", call="c2"),
    ]),
    ("two requests by their numbers", 2, [
        _search(2, 1, "client", "mcp", request=1), _search(3, 2, "server", "mcp", request=2),
    ]),
    ("a function that asks the server twice", 2, [
        _search(2, 1, "internal", "spanledger"), _search(3, 2, "client", "mcp"),
        _search(4, 2, "client", "mcp"),
    ]),
)  # fmt: skip


def test_a_paid_tool_is_paid_once_however_many_tell_it(store: Store) -> None:
    """By what is nested in what: client and server, frameworks; a tool that calls itself is not."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price("search", "tool", units={"calls": ("5", 1000)})])
        for trace, (_, _, told) in enumerate(_TOLD_TOOLS, 1):
            rows = [agent_span(1), *told]
            scene.load(connection, [row | {"trace_id": scene.hex32(trace)} for row in rows])
        scene.settle(store, range(1, len(_TOLD_TOOLS) + 1))
        paid = {
            name: len(scene.attempts(connection, trace))
            for trace, (name, _, _) in enumerate(_TOLD_TOOLS, 1)
        }
    assert paid == {name: calls for name, calls, _ in _TOLD_TOOLS}


def test_a_paid_tool_that_failed_is_rework(store: Store) -> None:
    with store.connect() as connection:
        scene.publish(connection, [scene.price("search", "tool", units={"calls": ("5", 1000)})])
        scene.load(
            connection,
            [agent_span(1), scene.span(2, 1, "tool", tool_name="search", status="error")],
        )
        scene.settle(store)
        (run,) = scene.runs(connection).values()
        (paid,) = scene.attempts(connection)
    assert (paid["outcome"], paid["rework_reason"]) == ("error", "failed")
    assert run["rework_cost_usd"] == run["cost_usd"] == Decimal("0.005")
    assert run["failed_attempts"] == 1
