"""What only the ``huggingface_hub`` client does: many providers, and texts without counts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.hf_api import InferenceProviderMapping
from huggingface_hub.inference import _providers
from tests.sdk.instrumentors.cases_huggingface_hub import CASES, MESSAGES, MODEL
from tests.sdk.instrumentors.conftest import Desk, Spans
from tests.sdk.instrumentors.contract import SECRET_ANSWER, SECRET_PROMPT, read
from tests.support.cassettes import Cassette, playing
from tests.support.wires.huggingface_wire import EMBED_PATH, PREFIX, ROUTER_PATH

from spanledger import semconv
from spanledger.instrumentors.huggingface_hub import INSTRUMENTOR
from spanledger_collector.demo.provider import Answer


def _one(desk: Desk) -> dict[str, Any]:
    [span] = desk.spans()
    return dict(span.attributes or {})


@pytest.fixture(name="routed")
def _routed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Makes clients of a provider that is reached as a key says: by the router, or directly."""
    template = f"{desk.provider.url}{ROUTER_PATH}/{{provider}}"
    monkeypatch.setattr(constants, "INFERENCE_PROXY_TEMPLATE", template)
    helper: Any = _providers.PROVIDERS["together"]["conversational"]
    monkeypatch.setattr(helper, "base_url", f"{desk.provider.url}{PREFIX}")
    mapping = InferenceProviderMapping(
        provider="together",
        hf_model_id=MODEL,
        providerId="together/gpt-oss",
        status="live",
        task="conversational",
    )
    known: Any = _providers._common.HARDCODED_MODEL_INFERENCE_MAPPING
    monkeypatch.setitem(known["together"], MODEL, mapping)

    def make(key: str) -> Any:
        return huggingface_hub.InferenceClient(MODEL, provider="together", api_key=key)

    return make


@pytest.mark.parametrize(
    ("key", "biller", "path"),
    [
        ("hf_made_up", "huggingface_together", "router/{provider}/v1"),
        ("made-up", "together", "v1"),
    ],
)
async def test_the_key_says_who_bills(
    desk: Desk, routed: Callable[[str], Any], key: str, biller: str, path: str
) -> None:
    """The router bills at the provider's rates; the provider's own key goes there directly."""
    with routed(key) as client:
        client.chat_completion(MESSAGES)
    told = _one(desk)
    assert desk.provider.requests[0].path == f"{PREFIX}/{path}/chat/completions"
    assert told[semconv.PROVIDER_NAME] == biller
    assert told[semconv.REQUEST_MODEL] == MODEL
    assert told[semconv.RESPONSE_MODEL] == "together/gpt-oss"
    assert told[semconv.SERVER_ADDRESS] == "127.0.0.1"


@pytest.mark.parametrize(
    ("provider", "model", "told"),
    [
        (None, "a/model", "huggingface"),
        ("auto", "a/model:groq", "huggingface_groq"),
        ("auto", "a/model:cheapest", "huggingface"),
        ("hf-inference", "a/model", "huggingface"),
        ("novita", "a/model", "huggingface_novita"),
    ],
)
def test_a_provider_is_named_by_parameter_or_model(
    provider: str | None, model: str, told: str
) -> None:
    """What the router chooses by itself is not known."""
    client = SimpleNamespace(model=model, provider=provider, token=None)
    _, provider_told, _ = INSTRUMENTOR.asks(client, {"messages": []})
    assert provider_told == told


def _ask(client: Any) -> str:
    return client.text_generation(SECRET_PROMPT)


async def _read_all(client: Any) -> None:
    await read(client.text_generation(SECRET_PROMPT, stream=True), "sync")


async def _read_some(client: Any) -> None:
    stream = client.text_generation(SECRET_PROMPT, stream=True)
    await read(stream, "sync", limit=5)
    stream.close()


@pytest.mark.parametrize(
    ("ask", "partial"), [(_ask, False), (_read_all, False), (_read_some, True)]
)
async def test_plain_text_is_counted_here(
    desk: Desk, ask: Callable[[Any], Any], partial: bool
) -> None:
    """Nothing says which piece is the last one but that the stream was read to its end."""
    desk.provider.enqueue(Answer(text=SECRET_ANSWER))
    asked = ask(desk.make(CASES, "sync"))
    if not isinstance(asked, str):
        await asked
    told = _one(desk)
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_INPUT_TOKENS] > 0
    assert told[semconv.USAGE_OUTPUT_TOKENS] > 0
    assert told.get(semconv.USAGE_PARTIAL, False) is partial


async def test_details_of_a_whole_text_count_what_was_made(desk: Desk) -> None:
    """The prompt is counted here; the server does not count it."""
    desk.provider.enqueue(Answer(text=SECRET_ANSWER, output_tokens=70))
    desk.make(CASES, "sync").text_generation(SECRET_PROMPT, details=True)
    told = _one(desk)
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 70
    assert semconv.USAGE_OUTPUT_TOKENS_LOW not in told
    assert told[semconv.RESPONSE_FINISH_REASONS] == ("eos_token",)


async def test_embeddings_are_counted_here(desk: Desk) -> None:
    """An array, as without us; its texts cost their tokens."""
    url = f"{desk.provider.url}{EMBED_PATH}"
    array = desk.make(CASES, "sync").feature_extraction(["word"] * 100, model=url)
    told = _one(desk)
    assert array.shape == (100, 2)
    assert told[semconv.OPERATION_NAME] == semconv.OPERATION_EMBEDDINGS
    assert told[semconv.USAGE_SOURCE] == "estimated"
    assert 90 <= told[semconv.USAGE_INPUT_TOKENS] <= 110
    assert told[semconv.USAGE_OUTPUT_TOKENS] == 0
    assert semconv.REQUEST_MODEL not in told


async def test_a_request_that_is_made_without_what_was_refused_is_a_retry(desk: Desk) -> None:
    """The client asks again by its own public method: one call, two attempts."""
    message = "The following `model_kwargs` are not used by the model: ['details']"
    desk.provider.enqueue(Answer(status=400, error_message=message))
    model = f"{desk.provider.url}{PREFIX}"
    with pytest.warns(UserWarning, match="not served via TGI"):
        desk.make(CASES, "sync").text_generation(SECRET_PROMPT, details=True, model=model)
    told = _one(desk)
    assert told[semconv.RETRY_COUNT] == 1
    assert told[semconv.RETRY_REASON] == ("400",)


async def test_a_failed_look_up_of_the_clients_is_no_retry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first call of a process asks the Hub for its list of agents, here in vain."""
    from huggingface_hub.utils import _detect_agent

    monkeypatch.setattr(_detect_agent, "_registry", None)
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(tmp_path / "agents.json"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        desk.make(CASES, "sync").text_generation(SECRET_PROMPT, details=True)
    assert _detect_agent._registry == _detect_agent._EMPTY_REGISTRY
    told = _one(desk)
    assert semconv.RETRY_COUNT not in told
    assert told[semconv.ATTEMPT_NUMBER] == 1


#: As the router of Text Generation Inference writes them, in milliseconds; none in a stream.
TGI_HEADERS = {
    "x-compute-type": "1-nvidia-h100-80gb-hbm3", "x-total-time": "1300", "x-queue-time": "200",
    "x-inference-time": "1090", "x-time-per-token": "15", "x-generated-tokens": "70",
}  # fmt: skip


@pytest.mark.parametrize("odd", [{}, {"x-total-time": "soon", "x-queue-time": "-5"}])
async def test_a_tgi_server_tells_its_times_in_headers(odd: dict[str, str], spans: Spans) -> None:
    """How long it took and how long the request waited; what is no time is left out."""
    answer = {"generated_text": "x", "details": {"finish_reason": "length", "generated_tokens": 70}}
    server = Cassette("tgi", {"answer": answer, "headers": TGI_HEADERS | odd})
    with playing(server) as url:
        huggingface_hub.InferenceClient(url).text_generation("why", details=True)
        other = huggingface_hub.AsyncInferenceClient(url)
        async with other:
            await other.text_generation("why", details=True)
    for span in spans():
        told = dict(span.attributes or {})
        assert told[semconv.USAGE_OUTPUT_TOKENS] == 70
        assert told.get(semconv.SERVER_TOTAL_NS) == (None if odd else 1_300_000_000)
        assert told.get(semconv.SERVER_QUEUE_NS) == (None if odd else 200_000_000)
