"""Who bills for a call of OpenAI's client, as other people's instrumentation tells it: its host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.collector.settle import scene
from tests.support.loaded_rows import JOURNAL, load
from tests.support.otlp_requests import PlainSpan, record

from spanledger.hosts import named_providers
from spanledger_collector.config import settings
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.price import PriceBook, publish
from spanledger_collector.store import Connection, Store

_NOON_NS = 1_795_521_600_000_000_000
_OPERATORS = "llm.corp.example=groq, 10.0.0.9:8000=vllm,10.0.0.9=mistral_ai"
_NOBODY = ("", "")


@dataclass(frozen=True)
class Call:
    """One call of a model at an address, who is told to bill, and whose price it has."""

    model: str
    address: dict[str, Any]
    billed: str
    priced: tuple[str, str]
    scope: str = "opentelemetry.instrumentation.openai_v2"

    def span(self, number: int) -> PlainSpan:
        """A trace of its own."""
        return PlainSpan(
            trace_id=scene.hex32(number),
            span_id=scene.hex16(number),
            name=f"chat {self.model}",
            start_ns=_NOON_NS,
            end_ns=_NOON_NS + 10**9,
            scope=self.scope,
            attributes=(
                ("gen_ai.operation.name", "chat"),
                ("gen_ai.provider.name", "openai"),
                ("gen_ai.request.model", self.model),
                ("gen_ai.usage.input_tokens", 1000),
                ("gen_ai.usage.output_tokens", 50),
                *self.address.items(),
            ),
        )


def _at(host: str, port: int = 443) -> dict[str, Any]:
    return {"server.address": host, "server.port": port}


_LLAMA, _OSS = "llama-3.3-70b-versatile", "openai/gpt-oss-120b"
CALLS = (
    Call("gpt-4o", _at("api.openai.com"), "openai", ("openai", "gpt-4o")),
    Call("gpt-4o", _at("eu.api.openai.com"), "openai", ("openai", "gpt-4o")),
    Call("gpt-4o", {}, "openai", ("openai", "gpt-4o")),
    Call("openai/gpt-4o", _at("openrouter.ai"), "openrouter", ("openrouter", "openai/gpt-4o")),
    Call(_LLAMA, _at("api.groq.com"), "groq", ("groq", _LLAMA)),
    Call(_OSS, _at("api.groq.com"), "groq", ("groq", _OSS)),
    Call("deepseek-v4-pro", _at("api.deepseek.com"), "deepseek", ("deepseek", "deepseek-v4-pro")),
    Call("gpt-4o", _at("x.cognitiveservices.azure.com"), "azure.ai.openai", ("openai", "gpt-4o")),
    Call("gpt-4o", _at("notopenrouter.ai"), "openai", ("openai", "gpt-4o")),
    # Traceloop tells the address of the client alone.
    Call(_LLAMA, {"gen_ai.openai.api_base": "https://api.groq.com/openai/v1/"}, "groq",
         ("groq", _LLAMA), "opentelemetry.instrumentation.openai.v1"),
    Call("gpt-4o", {"gen_ai.openai.api_base": "http://10.1.2.3:8000/v1"}, "self_hosted", _NOBODY,
         "opentelemetry.instrumentation.openai.v1"),
    Call("gpt-4o", {"server.address": "https://api.openai.com:443/v1"}, "openai",
         ("openai", "gpt-4o")),
    # One's own server, whatever the model is called.
    Call(_OSS, _at("10.0.0.5", 8000), "self_hosted", _NOBODY),
    Call("gpt-4o", _at("localhost", 8000), "self_hosted", _NOBODY),
    Call("gpt-4o", _at("127.0.0.1", 8000), "self_hosted", _NOBODY),
    Call("gpt-4o", _at("172.20.3.4", 8000), "self_hosted", _NOBODY),
    Call("gpt-4o", _at("::1", 8000), "self_hosted", _NOBODY),
    Call("gpt-4o", _at("vllm", 8000), "self_hosted", _NOBODY),
    Call("gpt-4o-mini", _at("my-llm.internal"), "self_hosted", _NOBODY),
    Call("gpt-oss:20b", _at("localhost", 11434), "ollama", _NOBODY),
    Call("gpt-4o", _at("172.40.3.4", 8000), "openai", ("openai", "gpt-4o")),
    # A gateway's prefix says it, there too.
    Call("azure/gpt-4o", _at("localhost", 4000), "self_hosted", ("openai", "gpt-4o")),
    Call("openrouter/openai/gpt-4o-mini", {}, "openai", ("openrouter", "openai/gpt-4o-mini")),
    Call("groq/" + _LLAMA, {}, "openai", ("groq", _LLAMA)),
    # The operator's word.
    Call(_LLAMA, _at("LLM.corp.example"), "groq", ("groq", _LLAMA)),
    Call("gpt-4o", _at("10.0.0.9", 8000), "vllm", _NOBODY),
    Call("mistral-large-latest", _at("10.0.0.9", 8001), "mistral_ai",
         ("mistral", "mistral-large")),
    Call("gpt-4o", _at("10.0.0.9", 8000), "vllm", _NOBODY, "spanledger.openai"),
    # Our own SDK has asked the settings of its process.
    Call("gpt-4o", _at("10.0.0.5", 8000), "openai", ("openai", "gpt-4o"), "spanledger.openai"),
)  # fmt: skip


@pytest.fixture(scope="module", name="ledger")
def _ledger(module_store: Store) -> Iterator[Connection]:
    book = PriceBook.shipped()
    with module_store.connect() as connection:
        publish(connection, book)
        load(module_store, [record([call.span(at) for at, call in enumerate(CALLS, 1)])])
        settler = scene.settler(
            module_store,
            resolve=book.resolve,
            book_id=book.book_id,
            journal_id=JOURNAL,
            hosts=named_providers(_OPERATORS),
        )
        settler.settle_traces([("default", scene.hex32(at)) for at in range(1, len(CALLS) + 1)])
        settler.stop(drain=False)
        yield connection


@pytest.mark.parametrize("at", range(len(CALLS)), ids=[f"{c.model} {c.address}" for c in CALLS])
def test_the_host_says_whose_price_it_is(ledger: Connection, at: int) -> None:
    """Nobody's list price is taken for a server of one's own; that is unpriced, not free."""
    call = CALLS[at]
    row = scene.attempt(ledger, at + 1, trace=at + 1)
    assert (row["provider"], (row["priced_provider"], row["priced_model"])) == (
        call.billed,
        call.priced,
    )
    assert row["price_status"] == ("unpriced" if call.priced == _NOBODY else "priced")


@pytest.mark.parametrize("text", ["localhost", "a=b=c", "=openai", "x=", "a=b c=d"])
def test_a_wrong_list_of_hosts_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="providers"):
        settings({"providers": text})
