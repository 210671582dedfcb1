"""The one price arithmetic: which row, which units, which state, which digit."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spanledger_collector.store import Store

from . import scene


def test_unknown_is_not_zero(store: Store) -> None:
    """Each way of not knowing has its own state; only what is known to be free or unbilled is 0."""
    with store.connect() as connection:
        rows = scene.priced(
            connection,
            store,
            [
                scene.call(1, 0, (1, 1)),
                scene.call(2, 0, (1, 1), request_model="unknown-x"),
                scene.call(3, 0, (1, 1), request_model="not-in-prices"),
                scene.call(4, 0, usage_source="missing"),
                scene.call(5, 0, (1, 1), cache_read_tokens=3, cache_write_1h_tokens=2),
                scene.call(6, 0, (1, 1), request_model="gratis"),
                scene.call(7, 0, (0, 1), request_model="input-only"),
                scene.call(8, 0, (1, 1), request_model="yuan"),
                scene.call(9, 0, (0, 0)),
                scene.call(10, 0, (1, 1), provider=""),
            ],
            [
                scene.price(input="0.01", output="0.01"),
                scene.price("gratis", input="0", output="0"),
                scene.price("input-only", input="0.01"),
                scene.price("yuan", input="0.01", output="0.01", currency="CNY"),
            ],
        )
    assert scene.states(rows) == {
        1: ("priced", [], 2 * scene.CENT),
        2: ("unpriced", [], None),
        3: ("unpriced", [], None),
        4: ("unmetered", [], None),
        5: ("partial", ["cache_read", "cache_write_1h"], 2 * scene.CENT),
        6: ("free", [], Decimal(0)),
        7: ("unpriced", ["output"], None),
        8: ("unpriced", ["currency:CNY"], None),
        9: ("priced", [], Decimal(0)),
        10: ("unpriced", [], None),
    }
    assert rows[2]["input_cost_usd"] is None
    assert rows[5]["cache_read_cost_usd"] is not None


REFUSED = ("429", "503", "openai.RateLimitError", "anthropic.OverloadedError", "APIConnectionError")
UNCLEAR = ("openai.APITimeoutError", "timeout", "ValueError", "")


def test_failed_attempts_are_free_only_when_they_were_refused(store: Store) -> None:
    """The same rule for the last attempt and for the retried ones before it."""
    errors = (*REFUSED, *UNCLEAR)
    calls = [
        row
        for number, error in enumerate(errors, 1)
        for row in (
            scene.call(number, 0, status="error", error_type=error, usage_source="missing"),
            scene.call(100 + number, 0, (1, 1), retry_reasons=[error], retry_wait_seconds=[2.0]),
            scene.call(200 + number, 0, (1, 1), status="error", error_type=error),
        )
    ]
    with store.connect() as connection:
        rows = scene.priced(connection, store, calls, [scene.price(input="0.01", output="0.01")])
        retried = {
            int(row["span_id"], 16): row
            for row in scene.attempts(connection)
            if row["outcome"] == "retried"
        }
    for number, error in enumerate(errors, 1):
        expected = ("not_billed", Decimal(0)) if error in REFUSED else ("unmetered", None)
        for row in (rows[number], retried[100 + number]):
            assert (row["price_status"], row["cost_usd"]) == expected, error
        assert retried[100 + number]["wait_seconds"] == 2.0
        # what the provider counted is billed, also when the stream broke afterwards
        broken = rows[200 + number]
        assert (broken["price_status"], broken["cost_usd"]) == ("priced", 2 * scene.CENT)
        assert broken["rework_reason"] == "failed"


def test_a_price_is_valid_from_until_and_known_from(store: Store) -> None:
    """The start of the call picks the valid rate; the time it was received, what was known."""
    with store.connect() as connection:
        known = {"request_model": "known"}
        rows = scene.priced(
            connection,
            store,
            [
                scene.call(1, 0, (1, 0), at=-1),
                scene.call(2, 0, (1, 0), at=0),
                scene.call(3, 0, (1, 0), at=99.9999),
                scene.call(4, 0, (1, 0), at=100),
                scene.call(5, 0, (1, 0), at=300),
                scene.call(6, 0, (1, 0), at=0, **known, received_at="2026-11-03 00:00:00"),
                scene.call(7, 0, (1, 0), at=0, **known, received_at="2026-11-05 00:00:00"),
            ],
            [
                scene.price(
                    input="0.01", valid_from="2026-11-02 10:00:00", valid_to="2026-11-02 10:01:40"
                ),
                scene.price(
                    input="0.02", valid_from="2026-11-02 10:01:40", valid_to="2026-11-02 10:05:00"
                ),
                scene.price("known", input="0.05"),
                scene.price("known", input="0.07", known_from="2026-11-04 00:00:00"),
            ],
        )
        assert {number: row["cost_usd"] for number, row in rows.items()} == {
            1: None,  # before the first price
            2: scene.CENT,
            3: scene.CENT,
            4: 2 * scene.CENT,
            5: None,  # after the last
            6: 5 * scene.CENT,
            7: 7 * scene.CENT,
        }
        # a correction that becomes known later changes nothing that was received before
        scene.publish(connection, [scene.price("known", input="9", known_from="2026-11-06")])
        scene.settle(store)
        again = {row["span_id"]: row["cost_usd"] for row in scene.attempts(connection)}
    assert again[scene.hex16(6)] == 5 * scene.CENT
    assert again[scene.hex16(7)] == 7 * scene.CENT


def test_long_context_moves_the_whole_request_above_the_threshold_only(store: Store) -> None:
    with store.connect() as connection:
        rows = scene.priced(
            connection,
            store,
            [
                scene.call(1, 0, (60, 0), cache_read_tokens=40),
                scene.call(2, 0, (61, 0), cache_read_tokens=40),
                scene.call(3, 0, (201, 0)),
            ],
            [
                scene.price(input="0.01", cache_read_usd_per_token="0"),
                scene.price(input="0.02", cache_read_usd_per_token="0", context_over_tokens=100),
                scene.price(input="0.05", context_over_tokens=200),
            ],
        )
    assert [rows[number]["cost_usd"] for number in (1, 2, 3)] == [
        60 * scene.CENT,
        122 * scene.CENT,
        1005 * scene.CENT,
    ]


def test_tiers_use_their_own_rates_or_say_that_there_are_none(store: Store) -> None:
    with store.connect() as connection:
        rows = scene.priced(
            connection,
            store,
            [
                scene.call(1, 0, (1, 0), service_tier="batch"),
                scene.call(2, 0, (1, 0), service_tier="warp"),
                scene.call(3, 0, (1, 0), service_tier="batch", request_model="m2"),
            ],
            [
                scene.price(input="0.02"),
                scene.price(input="0.01", service_tier="batch"),
                scene.price("m2", input="0.01", service_tier="flex"),
            ],
        )
    assert scene.states(rows) == {
        1: ("priced", [], scene.CENT),
        2: ("partial", ["service_tier:warp"], 2 * scene.CENT),
        3: ("unpriced", [], None),
    }


def test_an_estimate_has_a_low_and_a_high_cost(store: Store) -> None:
    interval = {
        "input_tokens_low": 8,
        "input_tokens_high": 15,
        "output_tokens_low": 4,
        "output_tokens_high": 7,
    }
    with store.connect() as connection:
        rows = scene.priced(
            connection,
            store,
            [
                scene.call(1, 0, (10, 5), usage_source="estimated", **interval),
                scene.call(2, 0, (10, 5), **interval),
            ],
            [scene.price(input="0.01", output="0.1")],
        )
        (run,) = scene.runs(connection).values()
    assert [rows[1][f"cost{end}_usd"] for end in ("_low", "", "_high")] == [
        Decimal("0.48"),
        Decimal("0.6"),
        Decimal("0.85"),
    ]
    assert rows[2]["cost_low_usd"] == rows[2]["cost_high_usd"] == Decimal("0.6")
    assert run["estimated_cost_usd"] == Decimal("0.6")
    assert (run["cost_low_usd"], run["cost_high_usd"]) == (Decimal("1.08"), Decimal("1.45"))


def test_the_model_that_answered_is_priced_before_the_one_asked_for(store: Store) -> None:
    with store.connect() as connection:
        rows = scene.priced(
            connection,
            store,
            [
                scene.call(1, 0, (1, 0), request_model="m1", response_model="m2"),
                scene.call(2, 0, (1, 0), request_model="m1", response_model="unknown-deployment"),
            ],
            [scene.price(input="0.01"), scene.price("m2", input="0.02")],
        )
    assert [(rows[n]["priced_model"], rows[n]["cost_usd"]) for n in (1, 2)] == [
        ("m2", 2 * scene.CENT),
        ("m1", scene.CENT),
    ]


# Rates down to 24 decimals; sums that end in exactly half of the twelfth decimal are likely.
_RATE = st.one_of(
    st.integers(0, 10**18).map(lambda n: Decimal(n).scaleb(-24)),
    st.integers(0, 1000).map(lambda n: Decimal(5 * n).scaleb(-13)),
)
_TOKENS = st.one_of(st.integers(0, 9), st.integers(0, 2**40))


@pytest.mark.slow
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),  # each example is an engine's work: no shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cases=st.lists(st.tuples(_TOKENS, _RATE, _TOKENS, _RATE), min_size=200, max_size=200))
def test_the_sum_is_exact_and_rounded_once_half_to_even(
    store: Store, cases: list[tuple[int, Decimal, int, Decimal]]
) -> None:
    """Equal to Python's Decimal to the last digit, on many calls in one settlement."""
    with store.connect() as connection:
        connection.execute("TRUNCATE TABLE prices")
        models = [f"m{scene.START.timestamp()}-{number}" for number in range(len(cases))]
        scene.publish(
            connection,
            [
                scene.price(model, input=f"{case[1]:f}", output=f"{case[3]:f}")
                for model, case in zip(models, cases, strict=True)
            ],
        )
        connection.execute("TRUNCATE TABLE spans")
        scene.load(
            connection,
            [
                scene.call(number + 1, 0, (case[0], case[2]), request_model=model, at=1)
                for number, (model, case) in enumerate(zip(models, cases, strict=True))
            ],
        )
        scene.settle(store)
        rows = scene.attempts(connection)
    with localcontext() as context:
        context.prec = 76
        expected = [
            (a * rate_a + b * rate_b).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
            for a, rate_a, b, rate_b in cases
        ]
    assert [row["cost_usd"] for row in rows] == expected
