"""Which units of a call meet which rate: audio, images, reasoning, and what is beside tokens."""

from __future__ import annotations

from decimal import Decimal

from spanledger_collector.store import Store

from . import scene


def test_audio_is_taken_out_of_the_text_and_priced_by_its_own_rate(store: Store) -> None:
    with store.connect() as connection:
        audio = {"units": {"audio_input": 4, "audio_output": 1}}
        rows = scene.priced(
            connection,
            store,
            [
                scene.call(1, 0, (10, 3), **audio),
                scene.call(2, 0, (10, 3), request_model="text", **audio),
            ],
            [
                scene.price(
                    input="0.01",
                    output="0.01",
                    units={"audio_input": ("100000", 10**6), "audio_output": ("0.2", 1)},
                ),
                scene.price("text", input="0.01", output="0.01"),
            ],
        )
    assert scene.states(rows) == {
        1: ("priced", [], Decimal("0.68")),  # 6 + 2 text cents, 4 x 0.1, 1 x 0.2
        2: ("partial", ["audio_input", "audio_output"], Decimal("0.08")),
    }


def test_images_stay_in_their_bucket_where_they_have_no_rate_of_their_own(store: Store) -> None:
    """A bucket's rate holds for images and video until the provider publishes another."""
    with store.connect() as connection:
        parts = {
            "units": {"image_input": 4, "image_cache_read": 2, "image_output": 1, "video_output": 1}
        }
        usage = {"cache_read_tokens": 3, **parts}
        rates = {"input": "0.01", "output": "0.02", "cache_read_usd_per_token": "0.001"}
        rows = scene.priced(
            connection,
            store,
            [
                scene.call(1, 0, (10, 3), **usage),
                scene.call(2, 0, (10, 3), request_model="text", **usage),
                scene.call(3, 0, (2, 0), units={"audio_input": 1, "image_input": 99}),
            ],
            [
                scene.price(
                    **rates,
                    units={
                        "audio_input": ("0.5", 1),
                        "image_input": ("100000", 10**6),
                        "image_cache_read": ("0.05", 1),
                        "image_output": ("0.2", 1),
                    },
                ),
                scene.price("text", **rates),
            ],
        )
    assert scene.states(rows) == {
        1: ("priced", [], Decimal("0.801")),  # 6 + 4 of 0.1; 1 + 2 of 0.05; 2 + 1 of 0.2
        2: ("priced", [], Decimal("0.163")),
        3: ("priced", [], Decimal("0.6")),  # no more parts than there is input
    }
    assert rows[1]["units"] == {"image_input": 4, "image_cache_read": 2, "image_output": 1}
    assert rows[2]["units"] == {}


def test_units_beside_tokens_are_priced_by_their_names(store: Store) -> None:
    """By the exact name, else by that of any kind; what has no rate is named and adds nothing."""
    with store.connect() as connection:
        rows = scene.priced(
            connection,
            store,
            [
                scene.call(1, 0, units={"web_searches": 3, "images.hd.1024x1024": 2}),
                scene.call(2, 0, units={"images.standard.512x512": 2}),
                scene.call(3, 0, (1, 0), units={"web_searches.preview": 1, "web_searches": 1}),
                scene.call(4, 0, units={"web_searches.preview": 1}),
                scene.call(5, 0, units={"audio_seconds": 12.345678}),
                scene.call(6, 0, (1, 0), request_model="by-the-call"),
                scene.call(7, 0, request_model="by-the-call", units={"requests": 3}),
                scene.call(8, 0, request_model="for-nothing", units={"requests": 1}),
                scene.call(9, 0, usage_source="none"),
                scene.call(10, 0, request_model="unknown-x", units={"web_searches": 1}),
                scene.call(11, 0, request_model="third", units={"audio_seconds": 1}),
            ],
            [
                scene.price(
                    input="0.01",
                    units={
                        "web_searches": ("10", 1000),
                        "images.*": ("0.04", 1),
                        "images.hd.1024x1024": ("0.08", 1),
                        "audio_seconds": ("0.36", 3600),
                    },
                ),
                scene.price("by-the-call", input="0.01", units={"requests": ("25", 1000)}),
                scene.price("for-nothing", input="0", units={"requests": ("0", 1)}),
                scene.price("third", units={"audio_seconds": ("0.1", 3)}),
            ],
        )
    assert scene.states(rows) == {
        1: ("priced", [], Decimal("0.19")),
        2: ("priced", [], Decimal("0.08")),
        3: ("partial", ["web_searches.preview"], Decimal("0.02")),
        4: ("unpriced", ["web_searches.preview"], None),
        5: ("priced", [], Decimal("0.0012345678")),
        6: ("priced", [], Decimal("0.035")),
        7: ("priced", [], Decimal("0.075")),
        8: ("free", [], Decimal(0)),
        9: ("not_billed", [], Decimal(0)),
        10: ("unpriced", [], None),
        11: ("priced", [], Decimal("0.033333333333")),
    }
    assert rows[1]["units_cost_usd"] == Decimal("0.19")
    assert rows[6]["units"] == {"requests": 1}
    assert rows[9]["usage_source"] == "none"


def test_reasoning_is_taken_out_of_the_output_where_it_has_a_rate(store: Store) -> None:
    with store.connect() as connection:
        rows = scene.priced(
            connection,
            store,
            [
                scene.call(1, 0, (0, 10), reasoning_tokens=4),
                scene.call(2, 0, (0, 10), reasoning_tokens=4, request_model="thinker"),
            ],
            [
                scene.price(output="0.01"),
                scene.price("thinker", output="0.01", units={"reasoning": ("0.1", 1)}),
            ],
        )
    assert [rows[number]["cost_usd"] for number in (1, 2)] == [10 * scene.CENT, 46 * scene.CENT]
