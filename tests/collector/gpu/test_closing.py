"""Windows of GPU pools: every nanosecond and every cent of the bill is somebody's, once.

One ledger for all tests; each has a pool, a provider and traces of its own.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.collector.gpu.pools import BEGIN, SECOND_NS, Scene
from tests.collector.settle import scene

from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.settle import passes
from spanledger_collector.store import Connection, Store


def fill(gpus: Scene) -> None:
    """Two rates; calls side by side, one over an edge of windows and the change, one cancelled."""
    gpus.rates((0, "2.95"), (15, "1.37"))
    gpus.served(1, 10, 60)
    gpus.served(2, 30, 90)
    gpus.served(3, 590, 400)
    gpus.served(4, 700, 20, status="error", error_type="cancelled", usage_source="missing")


@pytest.mark.slow
def test_the_bill_is_dealt_out_exactly(gpus: Scene) -> None:
    """Half an hour of two GPUs under two rates; late calls and better rates close it again."""
    fill(gpus)
    assert gpus.attempt(1)["price_status"] == "unpriced"
    assert gpus.close() == 4  # three windows, one of them cut
    told = gpus.bill()
    assert told["billed_usd"] == Decimal("2.95") * 2 / 4 + Decimal("1.37") * 2 / 4
    assert told["billed_gpu_seconds"] == 2 * 1800
    # Seconds in which anybody was served: 10 to 120, 590 to 990 (the cancelled call is within).
    assert told["attributed_gpu_seconds"] == 2 * (110 + 400)
    attempt = gpus.attempt(1)
    assert attempt["price_status"] == "priced"
    assert (attempt["priced_provider"], attempt["priced_model"]) == ("gpu", gpus.name)
    assert attempt["cost_low_usd"] < attempt["cost_usd"] < attempt["cost_high_usd"]
    assert attempt["gpu_seconds"] == pytest.approx(float(attempt["units"]["gpu_seconds"]))
    cancelled = gpus.attempt(4)  # beside one other, and nobody knows its tokens: half of its time
    assert cancelled["gpu_seconds"] == pytest.approx(20)
    assert cancelled["cost_usd"] > 0
    keys = gpus.connection.rows(
        "SELECT attribution FROM gpu_windows FINAL WHERE calls > 0 AND pool = {p:String} "
        "ORDER BY window_start",
        {"p": gpus.name},
    )
    assert [row["attribution"] for row in keys] == [
        "roofline_sliced",
        "wall_over_n",
        "roofline_sliced",
    ]
    lines = gpus.connection.rows(
        "SELECT sum(cost_usd) AS usd FROM charges "
        "WHERE unit = 'gpu_seconds' AND model = {p:String}",
        {"p": gpus.name},
    )
    assert lines[0]["usd"] == told["attributed_usd"]


@pytest.mark.slow
def test_a_late_call_changes_its_own_window_only(gpus: Scene) -> None:
    """Closing again without news does nothing; a late call takes from those beside it."""
    fill(gpus)
    gpus.close()
    before = {number: gpus.attempt(number)["cost_usd"] for number in (1, 3)}
    assert gpus.close() == 0
    gpus.served(9, 20, 30)
    assert gpus.close() == 1
    gpus.bill()
    assert gpus.attempt(1)["cost_usd"] < before[1]
    assert gpus.attempt(3)["cost_usd"] == before[3]


@pytest.mark.slow
def test_a_pass_that_is_killed_is_done_again(gpus: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it settles, and before its windows are written; however many traces it was.

    The first loses its share with the second pass: a late span says that it only waited.
    """
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 60)
    gpus.served(2, 700, 60)
    gpus.close()
    assert gpus.attempt(1)["gpu_seconds"] == pytest.approx(2 * 60)
    gpus.late_engine(1, 10, 60, time_in_queue=60)
    gpus.served(3, 700, 60)
    real = Connection.insert_rows

    def run_steps(*_: object) -> None:
        raise KeyboardInterrupt

    def insert_rows(connection: Connection, table: str, *rest: Any) -> None:
        if table == "gpu_windows":
            raise KeyboardInterrupt
        real(connection, table, *rest)

    for where, what in ((passes, run_steps), (Connection, insert_rows)):
        with monkeypatch.context() as patch:
            patch.setattr(where, what.__name__, what)
            with pytest.raises(KeyboardInterrupt):
                gpus.close()
        gpus.write(gpus.file)
    assert gpus.close() == 2
    assert gpus.bill()["attributed_gpu_seconds"] == 2 * 60
    assert gpus.attempt(1)["gpu_seconds"] == 0
    assert gpus.attempt(3)["gpu_seconds"] == pytest.approx(60)
    assert gpus.close() == 0


@pytest.mark.slow
def test_a_better_rate_cuts_anew(gpus: Scene) -> None:
    """The windows follow, and nothing is billed twice."""
    fill(gpus)
    gpus.close()
    gpus.rates((0, "3"), known_from="2026-11-20 00:00:00.000")
    withdrawn = scene.moment(BEGIN + timedelta(minutes=15))
    scene.publish(
        gpus.connection,
        [
            scene.price(
                gpus.name, "gpu", units={}, known_from="2026-11-20 00:00:00.000",
                valid_from=withdrawn, valid_to=withdrawn,
            )
        ],
    )  # fmt: skip
    assert gpus.close() > 0
    assert gpus.bill()["billed_usd"] == 3  # two GPUs, half an hour, three dollars


def test_loading_and_waste_are_told_apart(gpus: Scene) -> None:
    """A server that told its times: 20 s of loading are nobody's; a preempted call wasted some."""
    told = {"load_ns": 20 * SECOND_NS, "prefill_ns": 5 * SECOND_NS, "decode_ns": 15 * SECOND_NS}
    told["recomputed_tokens"] = 600
    attributes = {f"spanledger.server.{name}": str(value) for name, value in told.items()}
    gpus.rates((0, "2.95"))
    gpus.served(5, 1200, 50, attributes=attributes)
    gpus.close()
    bill = gpus.bill()
    assert bill["load_gpu_seconds"] == 2 * 20
    assert bill["load_usd"] > 0
    assert gpus.attempt(5)["gpu_seconds"] == pytest.approx(40)
    assert 0 < bill["waste_usd"] < gpus.attempt(5)["cost_usd"]
    assert 0 < bill["energy_kwh_low"] < bill["energy_kwh_high"] < 2 * 0.7 * 1.56


def test_a_queue_costs_nothing(gpus: Scene) -> None:
    """A server that tells only how long the call waited: the rest of its time is its share."""
    gpus.served(1, 10, 60, attributes={"spanledger.server.queue_ns": str(20 * SECOND_NS)})
    gpus.close()
    assert gpus.attempt(1)["gpu_seconds"] == pytest.approx(2 * 40)


@pytest.mark.slow
def test_a_pool_of_two_replicas_is_half_idle_with_one_call(gpus: Scene) -> None:
    """And its interval is wider: which replica a call was on nobody tells."""
    gpus.write(gpus.file.replace("    gpus: 2\n", "    gpus: 2\n    replicas: 2\n"))
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 60)
    gpus.close()
    bill = gpus.bill()
    assert (bill["attributed_gpu_seconds"], bill["idle_gpu_seconds"]) == (60, 3600 - 60)
    attempt = gpus.attempt(1)
    cost = float(attempt["cost_usd"])
    assert float(attempt["cost_low_usd"]) == pytest.approx(cost / 2.3)
    assert float(attempt["cost_high_usd"]) == pytest.approx(cost * 2.3)


@pytest.mark.slow
def test_waiting_between_attempts_costs_nothing(gpus: Scene) -> None:
    """A client that timed out, waited and asked again: the wait is idle time; failed calls pay."""
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 60, retry_reasons=["timeout"], retry_wait_seconds=[20.0])
    gpus.served(2, 700, 30, status="error", error_type="timeout", usage_source="missing")
    gpus.close()
    bill = gpus.bill()
    assert bill["attributed_gpu_seconds"] == 2 * (40 + 30)
    again = [(one["gpu_seconds"], one["price_status"]) for one in gpus.attempts(1)]
    assert again == [(0, "unmetered"), (2 * 40, "priced")]  # how long it lasted is not told
    failed = gpus.attempt(2)
    assert (failed["outcome"], failed["rework_reason"]) == ("error", "failed")
    assert failed["cost_usd"] > 0


@pytest.mark.slow
def test_attempts_that_failed_carry_what_they_took(gpus: Scene) -> None:
    """Where their times are told: it is rework, the rest is the answer's, and the bill the bill."""
    gpus.rates((0, "2.95"), (15, "1.37"))
    lasted = {"spanledger.retry.attempt_seconds": "10,0.5"}
    given = {"retry_reasons": ["timeout", "503"], "retry_wait_seconds": [20.0, 9.5]}
    gpus.served(1, 890, 60, ttft_ns=45 * SECOND_NS, attributes=lasted, **given)
    gpus.served(2, 100, 60, attributes=lasted | {"spanledger.retry.attempt_seconds": "10"}, **given)
    gpus.close()
    bill = gpus.bill()  # which is what all attempts and runs carry
    assert bill["attributed_gpu_seconds"] == 2 * (10 + 0.5 + 20) + 2 * (60 - 29.5)
    first, second, last = gpus.attempts(1)
    assert [one["gpu_seconds"] for one in (first, second, last)] == [20, 1, 40]
    assert (first["outcome"], first["rework_reason"]) == ("retried", "transport_retry")
    assert first["price_status"] == "priced"
    hour = Decimal("2.95"), Decimal("1.37")  # the rate changed when the first had failed
    assert first["cost_usd"] == pytest.approx(20 * hour[0] / 3600)
    assert second["cost_usd"] == pytest.approx(1 * hour[1] / 3600)
    assert last["cost_usd"] == pytest.approx(40 * hour[1] / 3600)
    assert float(first["cost_high_usd"]) == pytest.approx(float(first["cost_usd"]) * 5.1)
    assert float(last["cost_high_usd"]) == pytest.approx(float(last["cost_usd"]) * 1.7)
    assert (first["mfu"], last["mfu"] > 0) == (None, True)
    # Not told of each: all of it is the last attempt's, as far as it did not wait.
    told = [(one["gpu_seconds"], one["price_status"]) for one in gpus.attempts(2)]
    assert told == [(0, "unmetered"), (0, "not_billed"), (2 * 30.5, "priced")]


def test_the_span_of_vllms_server_tells_the_times_of_a_call(gpus: Scene) -> None:
    """Below the client's span: the queue is left out, and the client's call stays the one."""
    seconds = {"time_in_queue": 20, "time_in_model_prefill": 5, "time_in_model_decode": 35}
    engine = {f"gen_ai.latency.{name}": str(value) for name, value in seconds.items()}
    gpus.served(1, 10, 60, engine=engine)
    gpus.close()
    assert gpus.attempt(1)["gpu_seconds"] == pytest.approx(2 * 40)


@pytest.mark.slow
def test_a_late_span_of_vllms_server_closes_its_windows_again(gpus: Scene) -> None:
    """Its queue is taken off the call that was charged for it, and the bill stays the bill."""
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 60)
    gpus.served(2, 700, 60)
    gpus.close()
    before = gpus.bill()
    assert gpus.attempt(1)["gpu_seconds"] == pytest.approx(2 * 60)
    seconds = {"time_in_queue": 20, "time_in_model_prefill": 5, "time_in_model_decode": 35}
    gpus.late_engine(1, 10, 60, **seconds)
    assert gpus.close() == 1
    assert gpus.attempt(1)["gpu_seconds"] == pytest.approx(2 * 40)
    after = gpus.bill()
    assert after["billed_usd"] == before["billed_usd"]
    assert after["idle_gpu_seconds"] == before["idle_gpu_seconds"] + 2 * 20
    assert gpus.close() == 0


@pytest.mark.slow
def test_loading_a_model_in_an_application_is_the_pools_loading(gpus: Scene) -> None:
    """No idle time, no share of a call, no call; one on a device with a rate is charged there."""
    gpus.rates((0, "2.95"))
    scene.publish(gpus.connection, [scene.price("lab", "gpu", units={"gpu_seconds": ("9", 3600)})])
    gpus.loaded(1, 10, 30)
    gpus.loaded(2, 100, 30, gpu_model="lab", gpu_seconds=30.0)
    gpus.loaded(3, 200, 30, request_model="other/model")
    gpus.served(4, 40, 20)
    gpus.close()
    bill = gpus.bill()
    assert bill["load_gpu_seconds"] == 2 * 30
    assert bill["load_usd"] > 0
    assert bill["calls_in_windows"] == 1
    assert bill["attributed_gpu_seconds"] == 2 * 20
    keys = gpus.connection.rows(
        "SELECT attribution FROM gpu_windows FINAL WHERE calls > 0 AND pool = {p:String}",
        {"p": gpus.name},
    )
    assert [row["attribution"] for row in keys] == ["roofline_sliced"]
    gpus.loaded(5, 700, 15)
    assert gpus.close() == 1
    assert gpus.bill()["load_gpu_seconds"] == 2 * 45


@pytest.mark.slow
def test_the_bill_of_a_pool_is_read_in_its_workspace_alone(
    gpus: Scene, module_store: Store
) -> None:
    """Of a call of another workspace its share is read there; a pool that moves takes its bill."""
    gpus.write(gpus.file.replace("    gpus: 2\n", "    gpus: 2\n    workspace: platform\n"))
    gpus.rates((0, "2.95"))
    gpus.served(1, 10, 60)
    gpus.close()
    ledgers = {
        name: Ledger(DirectReader(module_store), workspace=name) for name in ("platform", "default")
    }

    def readers(view: str) -> set[str]:
        return {
            name
            for name, ledger in ledgers.items()
            if gpus.name in {row["pool"] for row in ledger.arrow(view).to_pylist()}
        }

    assert readers("gpu_bill") == readers("gpu_window_energy") == {"platform"}
    assert gpus.bill()["workspace"] == "platform"
    assert gpus.attempt(1)["cost_usd"] > 0
    gpus.write(gpus.file)
    gpus.close()
    assert readers("gpu_bill") == {"default"}


def test_without_a_rate_time_is_known_and_money_is_not(gpus: Scene) -> None:
    """Unpriced, never free; and a window that goes on waits."""
    gpus.served(1, 10, 60)
    gpus.moment = BEGIN + timedelta(minutes=15)
    assert gpus.close() == 1
    attempt = gpus.attempt(1)
    assert (attempt["price_status"], attempt["cost_usd"]) == ("unpriced", None)
    assert attempt["unpriced_units"] == ["gpu_seconds"]
    assert attempt["gpu_seconds"] == pytest.approx(120)
    assert gpus.bill()["billed_usd"] is None
    assert gpus.bill()["unpriced_gpu_seconds"] == 1200


def test_measured_gpu_time_has_a_price_at_once(gpus: Scene) -> None:
    """What a process measured itself costs its seconds x the rate of its device, tokens nothing."""
    gpus.rates((-600, "0.36"))
    gpus.served(1, 2, 3, request_model="unknown-mine", gpu_seconds=2.5, gpu_model=gpus.name)
    attempt = gpus.attempt(1)
    assert attempt["cost_usd"] == Decimal("0.00025")
    assert attempt["price_status"] == "priced"
    assert attempt["unpriced_units"] == []
    assert attempt["input_uncached_tokens"] == 1000
    [line] = gpus.connection.rows(
        "SELECT cost_usd, rate_usd, rate_per FROM charges "
        "WHERE unit = 'gpu_seconds' AND model = {p:String}",
        {"p": gpus.name},
    )
    assert line == {"cost_usd": Decimal("0.00025"), "rate_usd": Decimal("0.36"), "rate_per": 3600}
