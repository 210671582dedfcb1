"""An agent that hands work on: the answers are about what calling it costs, not what it keeps."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from rich.console import Console
from tests.collector.settle import scene

from spanledger_collector.cli import agent as agent_verb
from spanledger_collector.cli import compare as compare_verb
from spanledger_collector.cli import frontier as frontier_verb
from spanledger_collector.estimate import Joint, Sample, mean_interval, ratio_interval
from spanledger_collector.query import DirectReader, Estimate, Ledger, Slice
from spanledger_collector.store import Store
from spanledger_collector.watch import Rules
from spanledger_collector.watch.evaluation import Readings

RATE = Decimal("0.01")
REVENUE = Decimal(3)
#: (tokens of its own, of its helper) of the runs of a version: 2 keeps a third of what 1 did, and
#: has a helper that costs more than what it gave away.
TOKENS = {
    "1": [(90 + n % 7, 0) for n in range(24)],
    "2": [(30 + n % 5, 100 + n % 11) for n in range(24)],
}
MODELS = {"1": "m1", "2": "m2"}


def _succeeded(number: int) -> bool:
    return number % 4 != 0


def _run(version: str, number: int, trace: int) -> list[scene.Row]:
    own, helped = TOKENS[version][number]
    told = {"spanledger.outcome": "success" if _succeeded(number) else "failure"}
    if _succeeded(number):
        told["spanledger.revenue.amount"] = str(REVENUE)
    rows = [
        scene.span(
            1, 0, "agent", agent_name="lead", agent_version=version, trace=trace, attributes=told
        ),
        scene.call(2, 1, (own, 0), trace=trace, request_model=MODELS[version]),
    ]
    if helped:
        rows += [
            scene.span(3, 1, "agent", agent_name="helper", trace=trace),
            scene.call(4, 3, (helped, 0), trace=trace),
        ]
    return rows


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    rows = [
        row
        for place, version in enumerate(TOKENS)
        for number in range(24)
        for row in _run(version, number, 1 + 24 * place + number)
    ]
    unknown = [
        scene.span(1, 0, "agent", agent_name="lead", agent_version="3", trace=99),
        scene.call(2, 1, (1, 0), trace=99),
        scene.span(3, 1, "agent", agent_name="helper", trace=99),
        scene.call(4, 3, (1, 0), trace=99, request_model="unknown-x"),
    ]
    with module_store.connect() as connection:
        prices = [scene.price(model, input=str(RATE)) for model in MODELS.values()]
        scene.publish(connection, prices)
        scene.load(connection, [*rows, *unknown])
    scene.settle(module_store, [*range(1, 49), 99])
    with Ledger(DirectReader(module_store)) as found:
        yield found


def _ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None, estimate.reason
    assert estimate.high is not None
    return float(estimate.low), float(estimate.high)


def test_a_version_that_delegates_more_does_not_look_cheaper(ledger: Ledger) -> None:
    """Of its own work it is; the answer is about what it costs with its helper."""
    report = ledger.compare("lead", "1", "2")
    verdicts = {figure.name: figure.verdict for figure in report.figures}
    assert report.figures[0].name == "inclusive_cost_per_success"
    assert verdicts["inclusive_cost_per_success"] == "dearer"
    assert verdicts["cost_per_success"] == "cheaper"
    assert verdicts["inclusive_margin_per_run"] != "higher"
    assert any("sub-agents carry 0% of what the old spends and 7" in c for c in report.caveats)


def test_inclusive_figures_are_those_of_the_runs(ledger: Ledger) -> None:
    """Value and interval, from what was drawn."""
    (group,) = [one for one in ledger.agent("lead").groups if one.key == "2"]
    costs = [(own + helped) * RATE for own, helped in TOKENS["2"]]
    won = [_succeeded(number) for number in range(24)]
    expected = mean_interval(Sample.of([float(cost) for cost in costs]), floor=0)
    assert group.inclusive_cost_per_run == group.inclusive_total_cost_per_run
    assert group.inclusive_cost_per_run.value == (sum(costs, Decimal(0)) / 24).quantize(
        Decimal("1e-12")
    )
    assert _ends(group.inclusive_cost_per_run) == pytest.approx((expected.low, expected.high))
    joint = Joint.of([float(cost) for cost in costs], [float(one) for one in won])
    expected = ratio_interval(joint, floor=0)
    assert _ends(group.inclusive_cost_per_success) == pytest.approx((expected.low, expected.high))
    left = [REVENUE * one - cost for one, cost in zip(won, costs, strict=True)]
    expected = mean_interval(Sample.of([float(one) for one in left]))
    assert _ends(group.inclusive_margin_per_run) == pytest.approx((expected.low, expected.high))
    assert group.sums.inclusive_margin_usd == sum(left)
    assert group.sums.margin_usd == sum(left) + sum(helped * RATE for _, helped in TOKENS["2"])


def test_a_run_whose_helper_has_no_price_is_in_no_inclusive_mean(ledger: Ledger) -> None:
    (group,) = [one for one in ledger.agent("lead").groups if one.key == "3"]
    assert (group.sums.costed_runs, group.sums.inclusive_costed_runs) == (1, 0)
    assert group.cost_per_run.value == RATE
    assert group.inclusive_cost_per_run.value is None


def test_an_option_that_delegates_more_is_not_efficient_for_that(ledger: Ledger) -> None:
    """As fast, and of its own work cheaper: with the helper it is dearer."""
    options = {point.model: point for point in ledger.frontier("lead")}
    keeps, hands_on = options["m1"], options["m2"]
    assert keeps.p50_latency.value == hands_on.p50_latency.value
    assert hands_on.cost_per_success.value is not None
    assert keeps.cost_per_success.value is not None
    assert hands_on.cost_per_success.value < keeps.cost_per_success.value
    # One run of m1 is of unknown cost: nobody can say, and what is known has m2 as the dearer one.
    assert (keeps.is_efficient, hands_on.is_efficient) == (None, None)
    known = "the cost of 1 of 25 runs is not wholly known"
    assert (keeps.why, hands_on.why) == (known, f"m1 is as fast and may be cheaper: {known}")
    costs = [(own + helped) * RATE for own, helped in TOKENS["2"]]
    joint = Joint.of([float(cost) for cost in costs], [float(_succeeded(n)) for n in range(24)])
    expected = ratio_interval(joint, floor=0)
    told = _ends(hands_on.inclusive_cost_per_success)
    assert told == pytest.approx((expected.low, expected.high))
    a_run = (sum(costs, Decimal(0)) / 24).quantize(Decimal("1e-12"))
    assert hands_on.inclusive_cost_per_run_usd == a_run
    margin = hands_on.inclusive_margin_per_run
    assert margin.value == Decimal("0.75") * REVENUE - a_run
    left = [REVENUE * _succeeded(n) - cost for n, cost in enumerate(costs)]
    expected = mean_interval(Sample.of([float(one) for one in left]))
    assert _ends(margin) == pytest.approx((expected.low, expected.high))
    # The run whose helper has no price is one more of m1, and in no inclusive figure of it.
    assert keeps.runs == 25
    kept = sum(own for own, _ in TOKENS["1"]) * RATE
    assert keeps.inclusive_cost_per_success.value == (kept / 18).quantize(Decimal("1e-12"))


@pytest.mark.parametrize("scope", [{"per": "agent", "of": "lead"}, {"per": "workspace"}])
def test_alerts_on_what_is_earned_see_what_was_delegated(
    ledger: Ledger, scope: dict[str, str]
) -> None:
    """Of an agent with its sub-agents; in the workspace each run is once, so margins are one.

    A success is one of those who asked: that the helper succeeded too makes none cheaper.
    """
    own = (sum(one for tokens in TOKENS.values() for one, _ in tokens) + 1) * RATE
    helped = sum(one for tokens in TOKENS.values() for _, one in tokens) * RATE
    margin = 36 * REVENUE - own - helped
    # With its own work alone the agent earns enough.
    losing = {"name": "a", "metric": "margin_usd", "below": str(margin + helped / 2), **scope}
    dear = {"name": "b", "metric": "cost_per_success_usd", "above": "0", **scope}
    rules = Rules.model_validate({"alerts": [losing, dear]})
    readings = Readings(ledger._reader.rows, scene.START + timedelta(hours=1))
    earned, cost = (next(iter(readings.of(condition))) for condition in rules.conditions())
    assert earned.value == margin
    assert earned.condition.fires(margin, firing=False)
    assert cost.value == ((own + helped) / 37).quantize(Decimal("1e-12"))


def test_a_value_in_a_currency_without_a_rate_is_not_zero(
    ledger: Ledger, module_store: Store
) -> None:
    """Its run is in no mean of what is earned; one that earned dollars says what a run earns."""
    del ledger  # it has published the prices
    rows: list[scene.Row] = []
    for trace, currency in ((1, "XTS"), (2, "USD")):
        told = {"spanledger.revenue.amount": "10", "spanledger.revenue.currency": currency}
        where = {"trace": trace, "workspace": "paid"}
        rows += [
            scene.span(1, 0, "agent", agent_name="paid", attributes=told, **where),
            scene.call(2, 1, (1, 0), request_model=MODELS["1"], **where),
        ]
    with module_store.connect() as connection:
        scene.load(connection, rows)
    scene.settle(module_store, [1, 2], "paid")
    with Ledger(DirectReader(module_store), workspace="paid") as paid:
        (group,) = paid.agent("paid").groups
    assert (group.sums.runs, group.sums.costed_runs, group.sums.inclusive_costed_runs) == (2, 2, 2)
    assert group.value_per_run.value == group.inclusive_value_per_run.value == Decimal(10)
    assert group.margin_per_run.value == Decimal(10) - RATE


def test_agents_show_what_calling_them_costs(ledger: Ledger) -> None:
    """Own costs sum to the ledger; inclusive ones are the callers', once more the callees'."""
    agents = {(row.agent_name, row.agent_version): row for row in ledger.agents()}
    lead, helper = agents["lead", "2"], agents["helper", ""]
    own, helped = (sum(one[place] for one in TOKENS["2"]) * RATE for place in (0, 1))
    assert (lead.total_cost_usd, lead.inclusive_total_cost_usd) == (own, own + helped)
    assert lead.inclusive_margin_usd == 18 * REVENUE - own - helped
    assert lead.inclusive_cost_per_run_usd == ((own + helped) / 24).quantize(Decimal("1e-12"))
    assert lead.inclusive_cost_per_success_usd == ((own + helped) / 18).quantize(Decimal("1e-12"))
    assert helper.inclusive_total_cost_usd == helper.total_cost_usd == helped
    rows = ledger.query("view:agent_unit_economics")
    by_view = {(row["agent_name"], row["agent_version"]): row for row in rows}
    for key, row in agents.items():
        for name in ("inclusive_total_cost_usd", "inclusive_margin_usd", "inclusive_value_usd",
                     "inclusive_cost_per_run_usd", "inclusive_cost_per_success_usd"):  # fmt: skip
            assert by_view[key][name] == getattr(row, name), (key, name)


def test_sums_of_the_overview_count_a_success_once(ledger: Ledger) -> None:
    """Of everything, a day or a tenant: over what was asked for, and inclusive is the same.

    Of an agent or version both stand there: as in `agents`.
    """
    own = (sum(one for tokens in TOKENS.values() for one, _ in tokens) + 1) * RATE
    helped = sum(one for tokens in TOKENS.values() for _, one in tokens) * RATE
    told = ledger.overview()
    for kind in ("total", "day", "tenant"):
        (row,) = told[kind]
        assert (row.successful_runs, row.successes) == (62, 37)
        assert row.total_cost_usd == row.inclusive_total_cost_usd == own + helped
        expected = ((own + helped) / 37).quantize(Decimal("1e-12"))
        assert row.total_cost_per_success_usd == row.inclusive_cost_per_success_usd == expected
        assert row.inclusive_margin_usd == row.margin_usd
    (lead,) = ledger.economics_by("total", Slice(agent_name="lead"))
    by_agent = {row.key: row for row in told["agent"]}
    assert lead.successes == by_agent["lead"].successes == 37
    assert by_agent["lead"].total_cost_usd == own
    assert by_agent["lead"].inclusive_total_cost_usd == own + helped
    assert lead.inclusive_cost_per_success_usd == expected
    by_version = {row.key: row for row in ledger.economics_by("version")}
    for row in ledger.agents():
        shown = by_version[f"{row.agent_name} {row.agent_version}".strip()]
        for name in ("total_cost_usd", "inclusive_total_cost_usd", "inclusive_margin_usd",
                     "inclusive_value_usd", "inclusive_cost_per_run_usd",
                     "inclusive_cost_per_success_usd", "inclusive_unpriced_attempts"):  # fmt: skip
            assert getattr(shown, name) == getattr(row, name), (shown.key, name)


def test_the_verbs_show_both(ledger: Ledger) -> None:
    """Own and inclusive, and the answer of the latter."""
    whole, compared = (Console(file=io.StringIO(), width=200, record=True) for _ in range(2))
    agent_verb.show(ledger.agent("lead"), whole)
    compare_verb.show(ledger.compare("lead", "1", "2"), compared)
    answer = compared.export_text(clear=False)
    assert "cheaper per success than 1 (24 runs)?  dearer" in answer
    columns = frontier_verb.columns(ledger.frontier("lead"))
    assert "inclusive cost a success" in " ".join(columns)
    for printed in (whole.export_text(), answer):
        assert "inclusive total cost" in printed
        assert "inclusive margin a run" in printed
