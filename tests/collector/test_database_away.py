"""A collector whose database comes late, goes away, hangs and comes back: nothing is lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.spans import request_bytes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.whole_collector import (
    PROTOBUF,
    SPANS,
    ask,
    config_of,
    get,
    in_ledger,
    metric_values,
    post,
    running,
    settled,
    until,
)
from tests.support.gate import Gate
from tests.support.moved_clock import MovedClock


@pytest.mark.slow
async def test_while_the_database_is_away_spans_are_taken_and_afterwards_all_are_there(
    tmp_path: Path, gate: tuple[Gate, str]
) -> None:
    """Accepting and answering for itself need no database; reading says to come again."""
    road, database = gate
    async with running(config_of(tmp_path / "data", database)) as (collector, ports):
        sent = [await post(ports, number) for number in range(3)]
        status, body, headers = await get(ports.api, "/v1/queries/agents")
        assert (status, headers["retry-after"]) == (503, "1")
        assert b"still being opened" in body
        assert (await get(ports.api, "/readyz"))[0] == 503
        status, body, _ = await get(ports.api, "/healthz")
        health = json.loads(body)
        assert (status, health["ready"], health["journal"]["records"]) == (200, False, 3)
        assert health["journal"]["oldest_age_seconds"] > 0
        before = await metric_values(ports)
        assert before["spanledger_ledger_open"] == 0
        assert before["spanledger_journal_backlog_records"] == 3
        road.open()
        await collector.opened()
        for trace_id in sent:
            assert len((await settled(ports, trace_id))["spans"]) == SPANS
        assert (await get(ports.api, "/readyz"))[0] == 200
        after = await metric_values(ports)
        assert after["spanledger_ledger_open"] == 1
        assert after["spanledger_journal_backlog_records"] == 0
        assert after["spanledger_load_spans_total"] == 3 * SPANS
        assert after['spanledger_settle_traces_total{outcome="settled"}'] == 3
        transport = 'transport="http_protobuf"'
        spans = f'spanledger_receive_spans_total{{outcome="accepted",{transport}}}'
        assert after[spans] == 3 * SPANS


@pytest.mark.slow
async def test_what_is_away_now_is_told_though_nobody_reads_or_sends(
    tmp_path: Path, gate: tuple[Gate, str]
) -> None:
    """A database that went away after the start, and a collector that stops."""
    road, database = gate
    road.open()

    async with running(config_of(tmp_path / "data", database)) as (collector, ports):

        async def told(path: str) -> tuple[int, dict[str, Any]]:
            status, body, _ = await get(ports.api, path)
            return status, json.loads(body)

        async def is_ready() -> bool:
            return (await told("/readyz"))[0] == 200

        async def is_away() -> bool:
            return not await is_ready()

        await collector.opened()
        assert await is_ready()
        road.close()
        await until(is_away)
        status, health = await told("/healthz")
        assert (status, health["database_up"]) == (200, False), "it goes on receiving"
        assert health["reasons"] == ["the database does not answer"]
        assert (await metric_values(ports))["spanledger_database_up"] == 0
        road.open()
        await until(is_ready)
        road.close()
        await post(ports, 0)  # to be loaded at the end, which takes as long as it may
        ending = asyncio.create_task(collector.stop())

        async def says_so() -> bool:
            status, health = await told("/healthz")
            return status == 503 and health["reasons"][0] == "it is stopping"

        await until(says_so)
        await ending


@pytest.mark.slow
async def test_f16_an_hour_without_the_database_and_a_clock_set_back_cost_nothing(
    tmp_path: Path, gate: tuple[Gate, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is moved, not slept. Afterwards it is two hours behind: the trace goes on."""
    road, database = gate
    clock = MovedClock(monkeypatch)
    road.open()
    async with running(config_of(tmp_path / "data", database)) as (collector, ports):
        await collector.opened()
        await settled(ports, await post(ports, 0))
        road.close()
        sent = []
        for number in range(1, 7):
            sent.append(await post(ports, number))
            clock.pass_seconds(600)
        health = json.loads((await get(ports.api, "/healthz"))[1])
        assert health["journal"]["records"] == 6
        assert health["journal"]["oldest_age_seconds"] > 3600
        road.open()
        for trace_id in sent:
            assert len((await settled(ports, trace_id))["spans"]) == SPANS
        clock.set_back(7200)
        request = ExportTraceServiceRequest.FromString(request_bytes(6, SPANS))
        (late, *_) = request.resource_spans[0].scope_spans[0].spans
        late.span_id, late.parent_span_id = b"latelate", late.span_id
        del request.resource_spans[0].scope_spans[0].spans[1:]
        body = request.SerializeToString()
        told = await asyncio.to_thread(ask, ports.http, "/v1/traces", body, PROTOBUF)
        assert told[0] == 200

        async def settled_again() -> bool:
            return len((await settled(ports, sent[-1]))["spans"]) == SPANS + 1

        await until(settled_again)
    assert in_ledger(database) == 7 * SPANS + 1


@pytest.mark.slow
async def test_f17_a_day_without_the_database_fills_the_journal_and_drops_nothing(
    tmp_path: Path, gate: tuple[Gate, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Senders are told to wait; the oldest record is there when it comes back, and all others."""
    road, database = gate
    clock = MovedClock(monkeypatch)
    config = config_of(tmp_path / "data", database, max_journal_bytes=1 << 20)
    async with running(config) as (collector, ports):
        taken = 0

        async def refused() -> bool:
            body = request_bytes(taken, 10 * SPANS)
            status, _, headers = await asyncio.to_thread(
                ask, ports.http, "/v1/traces", body, PROTOBUF
            )
            assert status in (200, 429)
            return status == 429 and headers["retry-after"] == "1"

        while not await refused():
            taken += 1
        assert taken > 5
        clock.pass_seconds(86_400)
        assert await refused()
        status, body, _ = await get(ports.api, "/healthz")
        health = json.loads(body)
        assert (status, health["receiving"]) == (503, False), "full: send elsewhere"
        assert health["journal"]["oldest_age_seconds"] > 86_400
        road.open()
        await collector.opened()

        async def taken_again() -> bool:
            return not await refused()

        await until(taken_again)
        for number in (0, taken * 10):
            assert len((await settled(ports, f"{number + 1:032x}"))["spans"]) == SPANS
    assert in_ledger(database) == (taken + 1) * 10 * SPANS


@pytest.mark.slow
async def test_f21_a_database_that_does_not_answer_holds_up_no_sender(
    tmp_path: Path, gate: tuple[Gate, str]
) -> None:
    """An INSERT that hangs: senders are answered from the journal, and all is loaded later."""
    road, database = gate
    road.open()
    async with running(config_of(tmp_path / "data", database)) as (collector, ports):
        await collector.opened()
        await settled(ports, await post(ports, 0))
        road.swallow()
        sent = [await post(ports, number) for number in range(1, 30)]
        assert await asyncio.to_thread(road.swallowed.wait, 60)
        sent += [await post(ports, number) for number in range(30, 60)]
        status, body, _ = await get(ports.api, "/healthz")
        assert (status, json.loads(body)["journal"]["records"]) == (200, 59)
        road.close()
        road.open()
        for trace_id in (sent[0], sent[-1]):
            await settled(ports, trace_id)
    assert in_ledger(database) == 60 * SPANS


@pytest.mark.slow
async def test_a_database_that_goes_away_and_returns_costs_nothing(
    tmp_path: Path, gate: tuple[Gate, str]
) -> None:
    """What came before, during and after is there once."""
    road, database = gate
    road.open()
    async with running(config_of(tmp_path / "data", database)) as (collector, ports):
        await collector.opened()
        await settled(ports, await post(ports, 0))
        road.close()
        during = await post(ports, 1)
        status, body, headers = await get(ports.api, "/v1/queries/agents")
        assert (status, headers["retry-after"]) == (503, "1")
        assert b"does not answer" in body

        async def tried() -> bool:
            return (await metric_values(ports))["spanledger_load_retries_total"] >= 1

        await until(tried)
        road.open()
        await settled(ports, during)
        await settled(ports, await post(ports, 2))
    assert in_ledger(database) == 3 * SPANS
