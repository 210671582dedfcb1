"""What engines told of themselves, from the loader's rows to views, queries and the terminal."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from tests.support.otlp_requests import engine_sampled

from spanledger_collector.cli.app import execute
from spanledger_collector.journal.record import Record
from spanledger_collector.load.samples import FORMAT, TABLE, sampled
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.store import Store

_SECOND = 10**9
_BEGIN = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)
_BEGIN_NS = int(_BEGIN.timestamp()) * _SECOND
_LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


def _vllm(waiting: float, grown: float) -> dict[str, float]:
    """As vLLM 0.9 tells it, with a name that was given up beside the newer one."""
    return {
        "vllm:num_requests_running": 4.0,
        "vllm:num_requests_waiting": waiting,
        "vllm:gpu_cache_usage_perc": 0.25,
        "vllm:kv_cache_usage_perc": 0.25,
        "vllm:prefix_cache_queries_total": 1000 * grown,
        "vllm:prefix_cache_hits_total": 250 * grown,
        "vllm:num_preemptions_total": grown,
        "vllm:prompt_tokens_total": 1000 * grown,
        "vllm:generation_tokens_total": 100 * grown,
        "vllm:spec_decode_num_draft_tokens_total": 80 * grown,
        "vllm:spec_decode_num_accepted_tokens_total": 60 * grown,
        "vllm:estimated_flops_per_gpu_total": 6e15 * grown,
        "vllm:estimated_read_bytes_per_gpu_total": 1e13 * grown,
    }


def _at(second: int) -> int:
    return _BEGIN_NS + second * _SECOND


def _requests() -> list[bytes]:
    """Two engines of one vLLM server, one SGLang server; scraped at 0, 30, 60 and 90 seconds."""
    by_engine = [
        engine_sampled(
            {_at(30 * step): _vllm(waiting, 10 + grown) for step, grown in enumerate((0, 3, 6, 7))},
            labels={"model_name": _LLAMA, "engine": engine},
        )
        for engine, waiting in (("0", 2.0), ("1", 0.0))
    ]
    sglang: list[bytes] = []
    for source, share in (("device", 0.4), ("host", 0.1)):
        told = {
            _at(30 * step): {"sglang:cached_tokens_total": share * 600 * step} for step in range(3)
        }
        sglang.append(
            engine_sampled(
                told,
                instance="10.0.0.6:30000",
                labels={"model_name": _LLAMA, "cache_source": source},
            )
        )
    # The server began anew between the second and the third scrape.
    told = {
        _at(0): {"sglang:prompt_tokens_total": 9000.0, "sglang:num_running_reqs": 1.0},
        _at(30): {"sglang:prompt_tokens_total": 9900.0, "sglang:num_running_reqs": 3.0},
        _at(60): {"sglang:prompt_tokens_total": 300.0, "sglang:num_running_reqs": 8.0},
    }
    sglang.append(engine_sampled(told, instance="10.0.0.6:30000", labels={"model_name": _LLAMA}))
    return [*by_engine, *sglang]


@pytest.fixture(scope="module")
def engines(module_store: Store) -> Ledger:
    records = [
        Record(number, "default", "", 1, _BEGIN_NS, payload, "metrics")
        for number, payload in enumerate(_requests(), 1)
    ]
    with module_store.connect() as connection:
        # Twice without a token: what the same sample makes is the same row.
        for _ in range(2):
            connection.insert_bytes(TABLE, sampled(records, "j"), FORMAT, {})
    return Ledger(DirectReader(module_store))


def _minutes(ledger: Ledger) -> dict[tuple[str, int], Any]:
    return {(row.engine, row.minute.minute): row for row in ledger.engine_minutes()}


def test_a_minute_of_an_engine(engines: Ledger) -> None:
    rows = _minutes(engines)
    assert set(rows) == {("vllm", 0), ("vllm", 1), ("sglang", 0), ("sglang", 1)}
    first = rows["vllm", 0]
    assert (first.service_name, first.instance) == ("chat", "10.0.0.5:8000")
    assert first.model == _LLAMA
    # Two engines of one server: requests are summed, shares of memory are not.
    assert (first.running_mean, first.running_max) == (8.0, 8.0)
    assert (first.waiting_mean, first.waiting_max) == (2.0, 2.0)
    assert (first.kv_cache_mean_ratio, first.kv_cache_max_ratio) == (0.25, 0.25)
    assert (first.preemptions, first.counted_seconds) == (6.0, 30.0)
    assert (first.prompt_tokens, first.prompt_tokens_per_second) == (6000.0, 200.0)
    assert first.prefix_hit_ratio == 0.25
    # What came between the last scrape of the first minute and the next is in the second.
    second = rows["vllm", 1]
    assert (second.preemptions, second.counted_seconds) == (8.0, 60.0)
    assert second.output_tokens_per_second == pytest.approx(800 / 60)


def test_an_engine_that_began_anew_and_one_without_a_counter_of_lookups(engines: Ledger) -> None:
    rows = _minutes(engines)
    first, second = rows["sglang", 0], rows["sglang", 1]
    assert (first.running_mean, first.running_max, first.prompt_tokens) == (2.0, 3.0, 900.0)
    assert second.prompt_tokens == 300.0
    # SGLang looks every prompt up; its hits are told by the memory that they were in.
    assert first.prefix_hit_tokens == 300.0
    assert first.prefix_hit_ratio == pytest.approx(1 / 3)
    assert (first.preemptions, first.output_tokens, first.kv_cache_max_ratio) == (None, None, None)


def test_what_an_engine_reckons_of_a_gpu(engines: Ledger) -> None:
    """Of each of its parts alike, so it is no sum; by its peak and time that is its utilisation."""
    told = engines.arrow("engine_utilisation").to_pylist()
    vllm = [row for row in told if row["engine"] == "vllm"]
    first = min(vllm, key=lambda row: row["minute"])
    assert (first["flops_per_gpu"], first["read_bytes_per_gpu"]) == (18e15, 3e13)
    assert first["written_bytes_per_gpu"] is None
    # Two engines drafted in three units of growth; of SGLang nothing is told.
    assert (first["drafted_tokens"], first["accepted_tokens"]) == (2 * 240, 2 * 180)
    assert first["acceptance_ratio"] == 0.75
    assert {row["drafted_tokens"] for row in told if row["engine"] == "sglang"} == {None}
    assert first["flops_per_gpu"] / first["counted_seconds"] / 989.4e12 == pytest.approx(
        0.606, 1e-2
    )


def test_a_period_of_an_engine(engines: Ledger) -> None:
    vllm, sglang = engines.engines()
    assert (vllm.engine, vllm.minutes, vllm.preemptions) == ("vllm", 2, 14.0)
    assert vllm.counted_seconds == 90.0
    assert vllm.prompt_tokens_per_second == pytest.approx(14_000 / 90)
    assert (sglang.engine, sglang.running_max) == ("sglang", 8.0)
    [only, _] = engines.engines(since=_BEGIN.replace(minute=1))
    assert (only.minutes, only.preemptions) == (1, 8.0)
    assert not engines.engines(until=_BEGIN)


def test_engines_in_the_terminal(
    engines: Ledger,
    module_store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert engines.engines()
    address = module_store.address
    url = ["--url", f"chdb://{address.path}?database={address.database}"]
    assert execute(["engines", *url, "--json"]) == 0
    assert [row["engine"] for row in json.loads(capsys.readouterr().out)] == ["vllm", "sglang"]
    assert execute(["engines", *url]) == 0
    told = capsys.readouterr().out
    assert "25.0% (25.0%)" in told
    assert "8 (8)" in told
    assert execute(["engines", *url, "--minutes", "--limit", "1"]) == 0
    assert capsys.readouterr().out.count("2026-11-02 10:0") == 1
    assert execute(["engines", *url, "--until", "2026-01-01"]) == 0
    assert "SPANLEDGER_ENGINES_FILE" in capsys.readouterr().out
