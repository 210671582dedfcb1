"""What servers of one's own say of their work: times, and drafts of speculative decoding."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest
from tests.sdk.instrumentors.canned_openai import COMPLETION, canned_client
from tests.sdk.instrumentors.cases_openai import MESSAGES, MODEL
from tests.sdk.instrumentors.conftest import Spans

from spanledger import semconv
from spanledger.compute import ModelArchitecture, estimate_flops
from spanledger.compute.flops import decoding_flops

COUNTS = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
LLAMA_CPP = {"prompt_n": 12, "prompt_ms": 30.5, "predicted_n": 3, "predicted_ms": 80, "cache_n": 0}
VLLM = {"time_to_first_token_ms": 30.5, "generation_time_ms": 80, "queue_time_ms": 500}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("told", [{"timings": LLAMA_CPP}, {"metrics": VLLM}], ids=["llama", "vllm"])
def test_a_servers_own_times_are_told(told: dict[str, Any], stream: bool, spans: Spans) -> None:
    """What it needed to read and to write, in nanoseconds, whole or at the end of a stream."""
    body = {**COMPLETION, "usage": COUNTS} | told
    if stream:
        choices = [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}]
        chunk = {**body, "object": "chat.completion.chunk", "choices": choices}
        content = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
        kind = {"content-type": "text/event-stream"}
        answer = httpx2.Response(200, content=content, headers=kind)
    else:
        answer = httpx2.Response(200, json=body)
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _request: answer))
    with openai.OpenAI(api_key="made-up", http_client=http) as client:
        result: Any = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=stream)
        if stream:
            list(result)
    (span,) = spans()
    attributes = dict(span.attributes or {})
    assert attributes[semconv.SERVER_PREFILL_NS] == 30_500_000
    assert attributes[semconv.SERVER_DECODE_NS] == 80_000_000
    assert attributes.get(semconv.SERVER_QUEUE_NS) == (500_000_000 if "metrics" in told else None)


def test_times_of_sglang_are_told(spans: Spans) -> None:
    """Seconds of the whole and of waiting, where the request asked for them."""
    meta = {"e2e_latency": 1.25, "queue_time": 0.5, "cached_tokens": 8}
    usage = {**COUNTS, "prompt_tokens_details": {"cached_tokens": 8}}
    choices = [{**COMPLETION["choices"][0], "meta_info": meta}]
    with canned_client({**COMPLETION, "usage": usage, "choices": choices}) as client:
        client.chat.completions.create(
            model=MODEL, messages=MESSAGES, extra_body={"return_meta_info": True}
        )
    (span,) = spans()
    told = dict(span.attributes or {})
    assert told[semconv.SERVER_TOTAL_NS] == 1_250_000_000
    assert told[semconv.SERVER_QUEUE_NS] == 500_000_000
    assert told[semconv.USAGE_CACHE_READ_TOKENS] == 8


_DRAFTS = {
    "llama": {"timings": {**LLAMA_CPP, "draft_n": 40, "draft_n_accepted": 30}},
    "vllm": {
        "metrics": {
            **VLLM,
            "speculative_decoding": {"num_draft_tokens": 40, "num_accepted_draft_tokens": 30},
        }
    },
    "sglang": {
        "choices": [
            COMPLETION["choices"][0]
            | {"meta_info": {"spec_draft_token_num": 40, "spec_accept_token_num": 30}}
        ]
    },
}


@pytest.mark.parametrize("server", sorted(_DRAFTS))
def test_drafted_tokens_are_told_and_what_was_computed_in_vain(server: str, spans: Spans) -> None:
    """On top of the FLOPs of the call, which are those of its answer."""
    usage = {"prompt_tokens": 100, "completion_tokens": 51, "total_tokens": 151}
    model = "meta-llama/Llama-3.1-8B-Instruct"
    with canned_client({**COMPLETION, "model": model, "usage": usage} | _DRAFTS[server]) as client:
        client.chat.completions.create(model=model, messages=MESSAGES)
    (span,) = spans()
    told: dict[str, Any] = dict(span.attributes or {})
    assert told[semconv.SERVER_DRAFTED_TOKENS] == 40
    assert told[semconv.SERVER_ACCEPTED_TOKENS] == 30
    arch = ModelArchitecture.from_catalogue("llama-3.1-8b")
    assert told[semconv.FLOPS_TOTAL] == estimate_flops(arch, 100, 0, 51).total.value
    vain = [decoding_flops(arch, 10, 100 + at).total for at in (0, 50)]
    assert vain[0] - 1 <= told[semconv.FLOPS_WASTED] <= vain[1]


@pytest.mark.parametrize(
    "odd", [{"draft_n": 3, "draft_n_accepted": 4}, {"draft_n": 0}, {"draft_n": "x"}]
)
def test_drafts_that_are_none_are_left_out(odd: dict[str, object], spans: Spans) -> None:
    """More kept than drafted, nothing drafted, no number."""
    with canned_client({**COMPLETION, "usage": COUNTS, "timings": {**LLAMA_CPP, **odd}}) as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    (span,) = spans()
    assert semconv.SERVER_DRAFTED_TOKENS not in (span.attributes or {})
    assert (span.attributes or {})[semconv.SERVER_DECODE_NS] == 80_000_000


@pytest.mark.parametrize("odd", [{"prompt_ms": -1, "predicted_ms": "soon"}, "fast", [], None])
def test_times_that_are_none_are_left_out(odd: object, spans: Spans) -> None:
    """A server may send anything."""
    body = {**COMPLETION, "usage": COUNTS}
    with canned_client(body | {"timings": odd}) as client:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    (span,) = spans()
    assert semconv.SERVER_PREFILL_NS not in (span.attributes or {})
    assert (span.attributes or {})[semconv.USAGE_INPUT_TOKENS] == 12
