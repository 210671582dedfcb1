"""Whole traces of other people's instrumentation, settled: the ledger counts what the server did.

The dumps and the recorded golden pairs carry what the server that was called really counted. A
plain sum over their spans is wrong for most of them.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.loaded_rows import load
from tests.support.otlp_requests import KINDS, STATUSES, PlainSpan, read_golden, record

from spanledger_collector.store import Store

from . import scene

_GOLDEN = Path(__file__).parents[2] / "golden"
_DUMPS = {
    "A_openinference": (5012, 1000),
    "A_traceloop": (5012, 1000),
    "B_openlit": (3012, 600),
    "C_logfire_llm": (2000, 400),
    "C_native": (3000, 600),
    "D_strands_default": (3000, 600),
    "E_litellm_default": (2000, 400),
    "F_langchain_openinference": (3000, 600),
    "G_adk_schema1": (2000, 400),
}
#: Recordings whose package tells the provider's numbers wrong: what it told is what counts.
_TOLD = {
    # The cached part of a stream is left out of the input.
    "openlit_anthropic/clients": (1100, 400),
    # An Anthropic stream begins with one output token, which is added.
    "openllmetry/clients": (5012, 1001),
}
_RECORDED = sorted(
    path
    for path in (_GOLDEN / "dialects").glob("*/*.json")
    if "recorded" in json.loads(path.read_text(encoding="utf-8"))
)
#: The calls of a plain script, which has no span around them: each is a trace of its own.
_APART = "A_traceloop, apart"
_COUNTED = """
SELECT
    sum(input_uncached_tokens + cache_read_tokens)
        + sum(cache_write_5m_tokens + cache_write_1h_tokens) AS input,
    sum(output_tokens) AS output
FROM attempts FINAL
WHERE workspace = {workspace:String} AND counted AND usage_source = 'provider'
"""
_REASONS = """
SELECT excluded_reason AS reason, counted, duplicate_of
FROM attempts FINAL
WHERE workspace = {workspace:String}
"""


@pytest.fixture(scope="module")
def ledger(module_store: Store) -> Store:
    """A ledger with every dump and recording, each in the workspace of its name."""
    cases = {name: dump(name) for name in _DUMPS}
    cases[_APART] = [
        replace(span, trace_id=scene.hex32(number), parent_span_id="")
        for number, span in enumerate(dump("A_traceloop"), 1)
    ]
    cases |= {case_name(path): read_golden(path).spans for path in _RECORDED}
    kept = [
        record(spans, sequence, workspace=name)
        for sequence, (name, spans) in enumerate(cases.items(), 1)
    ]
    load(module_store, kept, scene.JOURNAL)
    settler = scene.settler(module_store)
    settler.settle_traces((name, span.trace_id) for name, spans in cases.items() for span in spans)
    settler.stop(drain=False)
    return module_store


def case_name(path: Path) -> str:
    """How a recording is called."""
    return f"{path.parent.name}/{path.stem}"


def counted(store: Store, workspace: str) -> tuple[int, int]:
    """Input and output tokens that the provider told and the ledger counts."""
    with store.connect() as connection:
        (sums,) = connection.rows(_COUNTED, {"workspace": workspace})
    return int(str(sums["input"])), int(str(sums["output"]))


def dump(name: str) -> list[PlainSpan]:
    """The spans of a dump."""
    path = _GOLDEN / "dumps" / f"{name}.json"
    return [
        PlainSpan(
            trace_id=span["trace_id"],
            span_id=span["span_id"],
            parent_span_id=span["parent"] or "",
            name=span["name"],
            kind=KINDS.index(span["kind"]),
            start_ns=span["start"],
            end_ns=span["end"],
            status=STATUSES.index(span["status"]),
            attributes=tuple(span["attributes"].items()),
            scope=span["scope"],
            scope_version=span["scope_version"],
        )
        for span in json.loads(path.read_text(encoding="utf-8"))
    ]


def naive(spans: Sequence[PlainSpan]) -> tuple[int, int]:
    """The plain sum over all spans."""
    inputs = ("gen_ai.usage.input_tokens", "llm.token_count.prompt", "ai.usage.inputTokens")
    outputs = ("gen_ai.usage.output_tokens", "llm.token_count.completion", "ai.usage.outputTokens")
    return tuple(  # pyright: ignore[reportReturnType] -- two of them
        sum(
            next((dict(span.attributes)[key] for key in keys if key in dict(span.attributes)), 0)
            for span in spans
        )
        for keys in (inputs, outputs)
    )


@pytest.mark.parametrize("name", _DUMPS)
def test_a_dump_counts_what_the_server_counted(ledger: Store, name: str) -> None:
    """What was left out of the sums stays, with the reason and the row that counts instead."""
    assert counted(ledger, name) == _DUMPS[name]
    with ledger.connect() as connection:
        attempts = connection.rows(_REASONS, {"workspace": name})
    assert all(row["counted"] == (row["reason"] == "") for row in attempts)
    told_twice = [row for row in attempts if str(row["reason"]).startswith("duplicate")]
    assert all(row["duplicate_of"] for row in told_twice)


def test_a_dump_without_a_root_counts_the_same(ledger: Store) -> None:
    """OpenLLMetry and the client library itself tell one answer in two traces, by its id."""
    assert counted(ledger, _APART) == _DUMPS["A_traceloop"]


def test_a_plain_sum_is_wrong_for_nearly_all() -> None:
    """The dumps are worth testing with."""
    assert [name for name in _DUMPS if naive(dump(name)) == _DUMPS[name]] == ["E_litellm_default"]


@pytest.mark.parametrize("path", _RECORDED, ids=case_name)
def test_a_recording_counts_what_the_server_counted(ledger: Store, path: Path) -> None:
    """The same for every package that was recorded for its dialect."""
    truth = json.loads(path.read_text(encoding="utf-8"))["recorded"]["truth"]
    told = _TOLD.get(case_name(path), (truth["input"], truth["output"]))
    assert counted(ledger, case_name(path)) == told
