"""The time machine: as billed, as known at a time, as if; the same figures as settling gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from types import SimpleNamespace

import pytest
from tests.collector.settle import scene

from spanledger_collector.errors import NotFoundError, PermanentError
from spanledger_collector.query import DirectReader, Ledger, RepricedRow, Scenario
from spanledger_collector.query.named import DEFAULTS
from spanledger_collector.query.parsing import parse_rows
from spanledger_collector.store import Connection, Store, parametrized_views

CENT = Decimal("0.01")


def _hours(*pairs: tuple[int, int]) -> list[dict[str, int]]:
    return [{"from": start, "until": end} for start, end in pairs]


#: Rates with more digits than costs have, thresholds, tiers, hours, parts, units, a currency.
_PRICES = [
    scene.price(input="0.0000000000001", output="0.01", cache_read_usd_per_token="0.001"),
    scene.price(input="0.02", output="0.02", context_over_tokens=1000),
    scene.price(input="0.005", output="0.005", service_tier="batch"),
    scene.price("m2", input="0.03", output="0.03", hours=_hours((0, 720), (1440, 10_000))),
    scene.price("m2", input="0.01", output="0.01", hours=_hours((720, 1440), (10_000, 10_080))),
    scene.price("m3", input="0.07", output="0.07", valid_to="2026-11-02 10:20:07.000",
                units={"reasoning": ("0.5", 1), "requests": ("25", 1000)}),
    scene.price("m3", input="0.09", output="0.09", valid_from="2026-11-02 10:20:07.000",
                cache_read_usd_per_token="0.009", units={"web_searches": ("10", 1000)}),
    scene.price("m4", input="0.01", output="0.02", cache_read_usd_per_token="0.001",
                units={"audio_seconds": ("0.1", 7), "audio_input": ("0.3", 1)}),
    scene.price("m4", input="0.005", output="0.01", region="eu"),
]  # fmt: skip
_UNITS = (
    {},
    {},
    {"web_searches": 2},
    {"audio_input": 3},
    {"audio_seconds": 1.5},
    {"image_input": 2},
)


def _calls(*, seed: int, **changed: object) -> list[scene.Row]:
    """Some hundred calls of every kind, the same for one seed; ``changed`` is set on each."""
    draw = random.Random(seed)  # noqa: S311 - test data
    found: list[scene.Row] = []
    for number in range(1, 301):
        usage = {
            "cache_read_tokens": draw.choice([0, 0, 7, 600]),
            "reasoning_tokens": draw.choice([0, 0, 3]),
            "units": draw.choice(_UNITS),
        }
        row = scene.call(
            number,
            0,
            (draw.randrange(5, 1200), draw.randrange(0, 30)),
            at=draw.randrange(0, 200_000),
            request_model=draw.choice(["m1", "m2", "m3", "m4", "unknown-x"]),
            service_tier=draw.choice(["", "", "batch", "flex"]),
            attributes={"spanledger.inference.region": draw.choice(["", "eu", "us"])},
            **usage,
        )
        row["usage_source"] = draw.choice(["provider", "provider", "estimated", "missing"])
        found.append(row | changed)
    return found


def _knows_all(provider: str, model: str) -> SimpleNamespace:
    return SimpleNamespace(provider=provider, model=model, method="exact")


def _settle(store: Store, connection: Connection, workspace: str, calls: list[scene.Row]) -> None:
    scene.load(connection, [{**call, "workspace": workspace} for call in calls])
    scene.settle(store, workspace=workspace)


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Ledger]:
    """Calls as they were in ``default``, the same ones made otherwise in other workspaces."""
    with module_store.connect() as connection:
        scene.publish(connection, _PRICES)
        _settle(module_store, connection, "default", _calls(seed=1))
        _settle(module_store, connection, "moved", _calls(seed=1, request_model="m4"))
        _settle(module_store, connection, "batch", _calls(seed=1, service_tier="batch"))
        _settle(module_store, connection, "cached", [_cached(call) for call in _calls(seed=1)])
    with Ledger(DirectReader(module_store)) as found:
        yield found


def _cached(call: scene.Row) -> scene.Row:
    total = call["input_uncached_tokens"] + call["cache_read_tokens"]
    read = total * 9 // 10
    return call | {"cache_read_tokens": read, "input_uncached_tokens": total - read}


def _billed(ledger: Ledger, workspace: str) -> tuple[Decimal, int]:
    rows = ledger.query("coverage", workspace=workspace)
    unknown = {"unpriced", "unmetered"}
    cost = sum((row["cost_usd"] for row in rows if row["cost_usd"] is not None), Decimal(0))
    return cost, sum(row["attempts"] for row in rows if row["price_status"] in unknown)


def _total(ledger: Ledger, **asked: object) -> RepricedRow:
    (row,) = ledger.reprice(**asked)  # type: ignore[arg-type] -- by name, from the tables above
    return row


@pytest.mark.slow
def test_what_is_known_now_is_what_was_billed(ledger: Ledger) -> None:
    """Nothing has changed: every digit of every day, and no call lost in between."""
    total = _total(ledger)
    assert (total.billed_usd, total.billed_unknown_attempts) == _billed(ledger, "default")
    assert total.repriced_usd == total.billed_usd
    assert total.repriced_unknown_attempts == total.billed_unknown_attempts > 0
    assert total.repriced_partial_attempts == total.billed_partial_attempts > 0
    assert total.repriced_stand_in_attempts == total.billed_stand_in_attempts > 0
    assert total.billed_stand_in_attempts < total.billed_partial_attempts
    models = ledger.models()
    assert sum(row.attempts for row in models) == total.attempts
    unpriced = sum(row.unpriced_attempts for row in models)
    assert unpriced == total.billed_unknown_attempts + total.billed_partial_attempts
    assert sum(row.stand_in_attempts for row in models) == total.billed_stand_in_attempts
    doubtful = total.billed_unknown_attempts + total.repriced_partial_attempts
    assert total.compared_attempts == total.attempts - doubtful
    for by in ("day", "month", "agent", "tenant", "model", "tier"):
        rows = ledger.reprice(by=by)
        assert all(row.difference_usd in (0, None) for row in rows), by
        assert sum(row.attempts for row in rows) == total.attempts
        known = [row.repriced_usd for row in rows if row.repriced_usd is not None]
        assert sum(known, Decimal(0)) == total.repriced_usd


@pytest.mark.parametrize(
    ("workspace", "scenario"),
    [
        ("moved", Scenario(provider="acme", model="m4")),
        ("batch", Scenario(tier="batch")),
        ("cached", Scenario(cache_read_share=Decimal("0.9"))),
    ],
)
def test_as_if_is_what_the_ledger_says_had_it_been_so(
    ledger: Ledger, workspace: str, scenario: Scenario
) -> None:
    """Calls that were really made otherwise cost what the scenario says, to the last digit."""
    total = _total(ledger, scenario=scenario)
    assert (total.repriced_usd, total.repriced_unknown_attempts) == _billed(ledger, workspace)
    assert total.repriced_usd != total.billed_usd


def _as_if(scenario: Scenario) -> str:
    """The view of that name, with the parameters of the named query."""
    given = {**DEFAULTS, **scenario.parameters()}
    wanted = parametrized_views()["cost_as_if"]
    values = {name: given[name] for name in sorted(wanted)}
    texts = [
        f"{name} = '{value:%Y-%m-%d}'" if isinstance(value, datetime) else f"{name} = {value!r}"
        for name, value in values.items()
    ]
    return f"cost_as_if({', '.join(texts)})"


_VIEW_KEYS = {
    "total": "'total'",
    "day": "toString(day)",
    "month": "formatDateTime(day, '%Y-%m')",
    "agent": "agent_name",
    "tenant": "tenant",
    "model": "provider || '/' || model",
    "tier": "if(service_tier = '', 'standard', service_tier)",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(),
        Scenario(provider="acme", model="m4", tier="batch"),
        Scenario(of_model="m2", region="eu", cache_read_share=Decimal("0.9")),
    ],
)
def test_the_views_say_what_repricing_says(
    ledger: Ledger, module_store: Store, scenario: Scenario
) -> None:
    """The same sums by whatever key, to the last digit: views and verb share one arithmetic.

    How rows are put together does not depend on the scenario: all keys are tried in one of them.
    """
    plain = scenario == Scenario()
    views = ["cost_as_known_now"] if plain else []
    keys = _VIEW_KEYS if plain else {by: _VIEW_KEYS[by] for by in ("total", "model")}
    with module_store.connect() as connection:
        for by, key in keys.items():
            expected = {row.key: row for row in ledger.reprice(by=by, scenario=scenario)}  # type: ignore[arg-type] -- a table
            for view in (*views, _as_if(scenario)):
                assert _of_view(connection, view, key) == expected


def _of_view(connection: Connection, view: str, key: str) -> dict[str, RepricedRow]:
    rows = connection.rows(
        f"SELECT {key} AS key, sum(v.attempts) AS attempts, sum(v.input_tokens) AS input_tokens, "
        "sum(v.output_tokens) AS output_tokens, sum(v.billed_usd) AS billed_usd, "
        "sum(v.billed_unknown_attempts) AS billed_unknown_attempts, "
        "sum(v.billed_partial_attempts) AS billed_partial_attempts, "
        "sum(v.billed_stand_in_attempts) AS billed_stand_in_attempts, sum(v.cost_usd) AS "
        "repriced_usd, sum(v.unknown_attempts) AS repriced_unknown_attempts, "
        "sum(v.partial_attempts) AS repriced_partial_attempts, "
        "sum(v.stand_in_attempts) AS repriced_stand_in_attempts, sum(v.difference_usd) AS "
        "difference_usd, sum(v.compared_attempts) AS compared_attempts, sum(v.estimated_usd) AS "
        "estimated_usd, arraySort(groupUniqArrayArray(v.missing)) AS missing "
        f"FROM {view} AS v WHERE workspace = 'default' GROUP BY key"
    )
    return {row.key: row for row in parse_rows(RepricedRow, rows)}


@pytest.mark.slow
def test_what_was_billed_is_a_view_with_the_same_columns(
    ledger: Ledger, module_store: Store
) -> None:
    """A panel may ask any of the three; what was billed is what stands in the ledger."""
    shared = (
        "SELECT day, agent_name, provider, model, service_tier, sum(attempts) AS attempts, "
        "sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, "
        "sum(cost_usd) AS cost_usd, sum(unknown_attempts) AS unknown_attempts, "
        "sum(partial_attempts) AS partial_attempts, "
        "sum(stand_in_attempts) AS stand_in_attempts, sum(estimated_usd) AS estimated_usd, "
        "arraySort(groupUniqArrayArray(missing)) AS missing "
        "FROM {view} WHERE workspace = 'default' GROUP BY ALL ORDER BY ALL"
    )
    with module_store.connect() as connection:
        billed = connection.rows(shared.replace("{view}", "cost_as_billed"))
        now = connection.rows(shared.replace("{view}", "cost_as_known_now"))
    assert len(billed) > 20
    assert billed == now
    known = [row["cost_usd"] for row in billed if row["cost_usd"] is not None]
    assert sum(known, Decimal(0)) == _total(ledger).billed_usd  # type: ignore[arg-type] -- untyped rows


def test_only_one_model_may_be_changed(ledger: Ledger) -> None:
    rows = ledger.reprice(by="model", scenario=Scenario(of_model="m2", tier="batch"))
    changed = {row.key for row in rows if row.missing != () or row.difference_usd}
    assert "acme/m2" in changed
    others = [row for row in rows if row.key not in ("acme/m2", "acme/unknown-x")]
    assert all(row.difference_usd == 0 for row in others)


def test_what_a_model_has_no_rate_for_is_no_saving(store: Store) -> None:
    """Attempts that are known in part on either side are not in the difference, and are counted."""
    with store.connect() as connection:
        cached = scene.price("m1", input="0.02", output="0.02", cache_read_usd_per_token="0.01")
        scene.publish(connection, [cached, scene.price("m2", input="0.01", output="0.01")])
        calls = [
            scene.call(1, 0, (10, 0)),
            scene.call(2, 0, (10, 0), cache_read_tokens=600),
            scene.call(3, 0, (10, 0), cache_read_tokens=600, request_model="m2"),
        ]
        _settle(store, connection, "default", calls)
    with Ledger(DirectReader(store)) as ledger:
        as_m2 = _total(ledger, scenario=Scenario(provider="acme", model="m2"))
        as_m1 = _total(ledger, scenario=Scenario(provider="acme", model="m1"))
    assert (as_m2.repriced_usd, as_m2.repriced_partial_attempts) == (30 * CENT, 2)
    assert (as_m2.difference_usd, as_m2.compared_attempts) == (-10 * CENT, 1)
    assert (as_m1.repriced_partial_attempts, as_m1.difference_usd) == (0, 0)
    assert as_m1.compared_attempts == 2


def test_a_price_corrected_later_changes_what_is_known_now_alone(store: Store) -> None:
    """As billed, as known then, as known now: three questions, three answers, one history."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price(input="0.01")])
        _settle(store, connection, "default", [scene.call(1, 0, (10, 0))])
        corrected = scene.price(input="0.03", known_from="2026-11-20 00:00:00.000")
        scene.publish(connection, [corrected])
    with Ledger(DirectReader(store)) as ledger:
        now = _total(ledger)
        then = _total(ledger, as_known_at=datetime(2026, 11, 19, tzinfo=timezone.utc))
    assert (now.billed_usd, now.repriced_usd, now.difference_usd) == (
        10 * CENT,
        30 * CENT,
        20 * CENT,
    )
    assert (then.billed_usd, then.repriced_usd, then.difference_usd) == (10 * CENT, 10 * CENT, 0)


def test_a_model_that_a_later_book_knows_is_priced_now(store: Store) -> None:
    """It was billed as unknown and stays so; what it costs is known since."""
    with store.connect() as connection:
        scene.publish(connection, [scene.price("unknown-x", input="0.01")])
        _settle(store, connection, "default", [scene.call(1, 0, (5, 0), request_model="unknown-x")])
        later = scene.settler(store, book_id="later", resolve=_knows_all)
        later.settle_due()
        later.stop(drain=False)
    with Ledger(DirectReader(store)) as ledger:
        total = _total(ledger)
    assert (total.billed_usd, total.billed_unknown_attempts) == (None, 1)
    assert (total.repriced_usd, total.repriced_unknown_attempts) == (5 * CENT, 0)


def test_another_day_s_prices_can_be_asked_for(store: Store) -> None:
    """Last month's calls at this month's list."""
    with store.connect() as connection:
        scene.publish(
            connection,
            [
                scene.price(input="0.01", valid_to="2026-12-01 00:00:00.000"),
                scene.price(input="0.05", valid_from="2026-12-01 00:00:00.000"),
            ],
        )
        _settle(store, connection, "default", [scene.call(1, 0, (10, 0))])
    with Ledger(DirectReader(store)) as ledger:
        total = _total(ledger, as_valid_at=datetime(2026, 12, 2, tzinfo=timezone.utc))
    assert (total.billed_usd, total.repriced_usd) == (10 * CENT, 50 * CENT)


def test_a_scenario_that_cannot_be_is_refused(ledger: Ledger) -> None:
    with pytest.raises(PermanentError, match="both a provider and a model"):
        ledger.reprice(scenario=Scenario(model="m1"))
    with pytest.raises(PermanentError, match="share from 0 to 1"):
        ledger.reprice(scenario=Scenario(cache_read_share=1.5))
    with pytest.raises(NotFoundError, match="no price of acme/gtp-5"):
        ledger.reprice(scenario=Scenario(provider="acme", model="gtp-5"))
    with pytest.raises(NotFoundError, match=r"no price in .* 'batsh'; there are: standard, batch$"):
        ledger.reprice(scenario=Scenario(tier="batsh"))
    assert ledger.reprice(scenario=Scenario(tier="standard"))
