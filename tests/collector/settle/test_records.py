"""What applications say of their runs: found by run, span, trace, key; early, late, amended."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

from . import scene


def _record(
    span_id: int, parent: int = 0, *, trace: int = 1, at: int = 5, **told: Any
) -> scene.Row:
    """The span of one record; names of attributes with ``_`` for ``.`` behind ``spanledger.``."""
    attributes = {
        "spanledger." + name.replace("__", "."): str(value) for name, value in told.items()
    }
    return scene.span(span_id, parent, "record", trace=trace, at=at, lasts=0, attributes=attributes)


def _agent(span_id: int, parent: int = 0, *, trace: int = 1, **given: Any) -> scene.Row:
    return scene.span(span_id, parent, "agent", trace=trace, agent_name="a", lasts=60, **given)


def _loading(span_id: int, parent: int, device: str, *, trace: int = 1) -> scene.Row:
    """A model was put on a device in half a minute."""
    return scene.span(
        span_id, parent, "task", trace=trace, operation="load_model", provider="transformers",
        request_model="m1", gpu_model=device, gpu_seconds=30,
    )  # fmt: skip


def _told(run: scene.Row) -> tuple[str, Decimal | None, Decimal | None, int]:
    return (run["outcome"], run["revenue_usd"], run["outcome_value_usd"], run["records"])


def test_a_record_without_a_subject_is_of_the_run_around_it(any_store: Store) -> None:
    with any_store.connect() as connection:
        scene.load(
            connection,
            [
                _agent(1, run_id="outer"),
                _agent(2, 1, run_id="inner", parent_run_id="outer"),
                _record(3, 2, outcome="success", value__amount="4.50", value__currency="USD"),
                _record(4, 1, revenue__amount="20.000000000001", revenue__currency="USD"),
                _record(5, 1, revenue__amount="-1", revenue__currency="USD"),
            ],
        )
        scene.settle(any_store)
        runs = scene.runs(connection)
    assert _told(runs["inner"]) == ("success", None, Decimal("4.5"), 1)
    assert _told(runs["outer"]) == ("", Decimal("19.000000000001"), None, 2)


def test_attributes_of_an_agents_own_span_are_records_too(store: Store) -> None:
    """How a program in another language tells them."""
    told = {"spanledger.outcome": "failure", "spanledger.revenue.amount": "3"}
    with store.connect() as connection:
        scene.load(connection, [_agent(1, attributes=told)])
        scene.settle(store)
        (run,) = scene.runs(connection).values()
    assert _told(run) == ("failure", Decimal(3), None, 2)


def test_a_record_names_a_run_in_another_trace_before_or_after_it_came(store: Store) -> None:
    """By run id, by external key (the topmost run that carries it) and by trace id."""
    key = {"spanledger.external_key": "ticket-77"}
    records = [
        _record(11, trace=9, subject__run_id="inner", outcome="success"),
        _record(12, trace=9, subject__external_key="ticket-77", revenue__amount="7"),
        _record(13, trace=9, subject__trace_id=scene.hex32(1), revenue__amount="8"),
        _record(14, trace=9, subject__external_key="nobody", revenue__amount="9"),
    ]
    runs = [
        _agent(1, run_id="outer"),
        _agent(2, 1, run_id="middle", parent_run_id="outer", attributes=key),
        _agent(3, 2, run_id="inner", parent_run_id="middle", attributes=key),
    ]
    for batches in ((records, runs), (runs, records)):
        with store.connect() as connection:
            for table in ("spans", "arrivals", "records", "run_keys", "run_records", "runs"):
                connection.execute(f"TRUNCATE TABLE {table}")
            one = scene.settler(store, quiet_seconds=0)
            for batch in batches:
                scene.load(connection, batch)
                one.settle_due(everything=True)
            one.stop(drain=False)
            told = {name: _told(run) for name, run in scene.runs(connection).items()}
        assert told == {
            "outer": ("", Decimal(8), None, 1),
            "middle": ("", Decimal(7), None, 1),
            "inner": ("success", None, None, 1),
        }


def test_what_is_said_of_a_trace_is_said_of_its_outermost_agent(store: Store) -> None:
    """Of the one agent below a workflow; of the top run where several stand side by side, or none.

    An agent inside an agent is not outermost, also with a workflow between the two.
    """

    def of(span_id: int, parent: int = 0, *, trace: int, role: str = "agent") -> scene.Row:
        given = {"agent_name": "a"} if role == "agent" else {"workflow_name": "w"}
        name = f"{trace}.{span_id}"
        return scene.span(span_id, parent, role, trace=trace, lasts=60, run_id=name, **given) | (
            {"parent_run_id": f"{trace}.{parent}"} if parent else {}
        )

    with store.connect() as connection:
        scene.load(
            connection,
            [
                *(of(1, trace=1, role="workflow"), of(2, 1, trace=1)),
                *(of(3, 2, trace=1, role="workflow"), of(4, 3, trace=1)),
                *(of(1, trace=2, role="workflow"), of(2, 1, trace=2), of(3, 1, trace=2)),
                *(of(1, trace=3, role="workflow"), scene.call(2, 1, (1, 0), trace=3)),
            ],
        )
        records = [
            _record(90 + trace, trace=9, subject__trace_id=scene.hex32(trace), outcome="success")
            for trace in (1, 2, 3)
        ]
        scene.load(connection, records)
        scene.settle(store, [1, 2, 3, 9])
        told = [
            name
            for trace in (1, 2, 3)
            for name, run in scene.runs(connection, trace).items()
            if run["outcome"] == "success"
        ]
        [row] = connection.rows(
            "SELECT sum(runs) AS runs, sum(successful_runs) AS won, sum(failed_runs) AS lost "
            "FROM agent_unit_economics WHERE agent_name = ''"
        )
    with Ledger(DirectReader(store)) as ledger:
        [outside] = [agent for agent in ledger.agents() if not agent.agent_name]
    assert told == ["1.2", "2.1", "3.1"]
    # Four workflows: the two that somebody called a success are; the others are nothing.
    assert (row["runs"], row["won"], row["lost"]) == (4, 2, 0)
    assert (outside.runs, outside.successful_runs, outside.failed_runs) == (4, 2, 0)


def test_the_newest_telling_of_a_record_counts_and_all_are_kept(store: Store) -> None:
    with store.connect() as connection:
        scene.load(connection, [_agent(1, run_id="r")])
        scene.load(connection, [_record(2, 1, record__id="sale", revenue__amount="10")])
        later = _record(3, trace=2, subject__run_id="r", record__id="sale", revenue__amount="6.5")
        later["received_at"] = scene.moment(scene.START.replace(day=20))
        scene.load(connection, [later])
        scene.settle(store)
        (run,) = scene.runs(connection).values()
        kept = connection.rows("SELECT amount FROM records FINAL ORDER BY amount")
        (told,) = connection.rows("SELECT tellings FROM run_records FINAL")
    assert run["revenue_usd"] == Decimal("6.5")
    assert [row["amount"] for row in kept] == [Decimal("6.5"), Decimal(10)]
    assert told["tellings"] == 2


def test_a_telling_that_comes_again_undoes_no_amendment(store: Store) -> None:
    """A sender in doubt repeats the first telling after it was amended: recognised, not counted."""
    first = _record(2, 1, record__id="sale", revenue__amount="10")
    later = _record(3, trace=2, subject__run_id="r", record__id="sale", revenue__amount="6.5")
    with store.connect() as connection:
        for place, telling in enumerate((first, later, first), 20):
            at = scene.moment(scene.START.replace(day=place))
            scene.load(connection, [_agent(1, run_id="r"), telling | {"received_at": at}])
            scene.settle(store)
        (run,) = scene.runs(connection).values()
        (told,) = connection.rows("SELECT tellings, received_at FROM run_records FINAL")
    assert run["revenue_usd"] == Decimal("6.5")
    assert told["tellings"] == 2
    assert str(told["received_at"]).startswith("2026-11-21")


_SAID = "2026-11-02T12:00:00.00000000{}Z"
_TELLINGS: tuple[dict[str, Any], ...] = (
    {"outcome": "failure", "record__id": "end", "record__recorded_at": _SAID.format(1)},
    {"outcome": "partial", "record__id": "end", "record__recorded_at": _SAID.format(2)},
    {"outcome": "success", "record__id": "end"},  # said when it happened: before the others
)


def test_the_telling_that_was_said_last_counts_in_whatever_order_they_come(store: Store) -> None:
    """Every order of arrival, each in a trace of its own; of two said at once the later name."""
    orders = list(permutations(range(len(_TELLINGS))))
    with store.connect() as connection:
        traces = range(1, len(orders) + 1)
        scene.load(connection, [_agent(1, trace=trace) for trace in traces])
        for turn in range(len(_TELLINGS)):
            at = scene.moment(scene.START.replace(day=20 + turn))
            rows: list[scene.Row] = []
            for trace, order in zip(traces, orders, strict=True):
                number = order[turn]
                rows.append(_record(2 + number, 1, trace=trace, **_TELLINGS[number]))
                rows.append(
                    _record(
                        5 + number, 1, trace=trace, record__id="sale", revenue__amount=10 + number
                    )
                )
            scene.load(connection, [row | {"received_at": at} for row in rows])
            scene.settle(store, traces)
        runs = [run for trace in traces for run in scene.runs(connection, trace).values()]
    assert [(run["outcome"], run["revenue_usd"]) for run in runs] == [
        ("partial", Decimal(12)) for _ in orders
    ]


def test_amounts_that_cannot_be_used_are_in_no_sum(store: Store) -> None:
    """No number is no amount; a currency without a rate is counted as such."""
    with store.connect() as connection:
        scene.load(
            connection,
            [
                _agent(1),
                _record(2, 1, revenue__amount="much"),
                _record(3, 1, revenue__amount="5", revenue__currency="XTS"),
            ],
        )
        scene.settle(store)
        (run,) = scene.runs(connection).values()
    assert _told(run) == ("", None, None, 2)
    assert run["unconverted_records"] == 1


def test_a_judged_answer_marks_its_run(store: Store) -> None:
    with store.connect() as connection:
        scene.load(
            connection,
            [
                _agent(1, run_id="r"),
                scene.call(2, 1, (1, 1)),
                _record(
                    3,
                    trace=2,
                    subject__trace_id=scene.hex32(1),
                    subject__span_id=scene.hex16(2),
                    evaluation__verdict="hallucinated",
                ),
            ],
        )
        scene.settle(store)
        (run,) = scene.runs(connection).values()
        (told,) = connection.rows("SELECT run_id, subject_span_id FROM run_records FINAL")
    assert run["judged_wrong"]
    assert told == {"run_id": "r", "subject_span_id": scene.hex16(2)}


def test_a_label_says_right_or_wrong_by_one_rule(store: Store) -> None:
    """Where the judge gives no verdict; what its own words may mean stays open."""
    said = {
        ("", "Hallucinated"): "hallucinated",
        ("hallucination_check", "yes"): "hallucinated",
        ("hallucination", "fail"): "hallucinated",
        ("correctness", "yes"): "",
        ("correctness", "FAIL"): "wrong",
        ("qa", "incorrect"): "wrong",
        ("qa", "correct"): "acceptable",
        ("hallucination", "factual"): "acceptable",
        ("relevance", "not_relevant"): "",
        ("tone", ""): "",
    }
    records = [
        scene.span(number, 1, "record", attributes={
            "gen_ai.evaluation.name": name, "gen_ai.evaluation.score.label": label,
        })
        for number, (name, label) in enumerate(said, 2)
    ]  # fmt: skip
    own = _record(99, 1, evaluation__verdict="acceptable")
    own["attributes"]["gen_ai.evaluation.score.label"] = "fail"
    with store.connect() as connection:
        scene.load(connection, [_agent(1), *records, own])
        found = connection.rows("SELECT name, label, verdict, span_id FROM records")
    told = {(str(row["name"]), str(row["label"])): row["verdict"] for row in found if row["name"]}
    told[("", "Hallucinated")] = next(
        row["verdict"] for row in found if row["label"] == "Hallucinated"
    )
    assert told == said
    assert next(row["verdict"] for row in found if row["span_id"] == scene.hex16(99)) == (
        "acceptable"
    )


def test_a_trace_of_records_alone_is_no_run(store: Store) -> None:
    with store.connect() as connection:
        scene.load(connection, [_record(1, outcome="success")])
        scene.settle(store)
        assert not scene.runs(connection)


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
                _agent(1, run_id="r", tenant="acme"),
                scene.call(2, 1, (10, 0)),
                scene.span(3, 1, "tool", tool_name="search"),
                scene.span(4, 3, "tool", tool_name="search", scope_name="other"),
                scene.span(5, 1, "tool", tool_name="free"),
                _record(6, 1, effort__minutes="12.5", effort__role="reviewer"),
                _record(7, 1, effort__minutes="3", effort__role="lawyer"),
                _record(8, 1, expense__amount="0.25", expense__category="sms"),
                _record(9, trace=2, subject__run_id="r", record__id="x", expense__amount="9"),
            ],
        )
        scene.load(
            connection,
            [
                _record(10, trace=3, subject__run_id="r", record__id="x", expense__amount="2")
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
                _agent(1),
                _record(2, 1, revenue__amount="20", revenue__currency="EUR"),
                _record(3, 1, expense__amount="3", expense__currency="EUR"),
                _record(4, 1, expense__amount="3", expense__currency="CHF"),
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
                _agent(1, run_id="good"),
                scene.call(2, 1, (10, 0)),
                _record(3, 1, outcome="success", value__amount="3"),
                _record(4, 1, revenue__amount="1.5"),
                _agent(11, run_id="bad"),
                scene.call(12, 11, (20, 0)),
                _record(13, 11, outcome="failure"),
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
                _agent(1),
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
            rows = [_agent(1), *told]
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
            [_agent(1), scene.span(2, 1, "tool", tool_name="search", status="error")],
        )
        scene.settle(store)
        (run,) = scene.runs(connection).values()
        (paid,) = scene.attempts(connection)
    assert (paid["outcome"], paid["rework_reason"]) == ("error", "failed")
    assert run["rework_cost_usd"] == run["cost_usd"] == Decimal("0.005")
    assert run["failed_attempts"] == 1
