"""Clients of boto3 made before, by others, for other services: each is told, and put back."""

from __future__ import annotations

import functools
import gc
from typing import Any

import botocore.session
import pytest
from botocore.client import ClientCreator
from opentelemetry.sdk.trace import TracerProvider
from tests.sdk.instrumentors.cases_boto3 import (
    ANSWER,
    ASKED,
    MESSAGE,
    MODEL,
    PLAIN,
    connect,
    invoke,
    same_counts,
    told_by,
)
from tests.sdk.instrumentors.conftest import Spans

from spanledger import semconv
from spanledger._calls.hosts import provider_of
from spanledger._patches import registry
from spanledger_collector.demo.provider import Answer, Provider


def test_clients_are_put_back_as_they_were(provider: Provider, spans: Spans) -> None:
    """Also those made meanwhile: methods and events; a bound method kept passes calls through."""
    client = connect(provider)
    wrapped = vars(type(client))["converse"]
    kept = client.converse
    kept(**ASKED)
    registry.uninstrument(["boto3"])
    assert vars(type(client))["converse"] is wrapped.__wrapped__
    kept(**ASKED)
    client.converse(**ASKED)
    assert len(spans()) == 1
    registry.instrument(["boto3"])
    registry.uninstrument(["boto3"])
    client.close()


def _again(response: Any, **_event: Any) -> float | None:
    return 0.01 if response[0].status_code == 503 else None


@pytest.mark.parametrize("seen", [False, True], ids=["frozen", "collected"])
def test_clients_made_before_are_told(
    provider: Provider, tracer_provider: TracerProvider, request: Any, *, seen: bool
) -> None:
    """As a module makes them that is imported before; also where the collector hides the client."""
    client = connect(provider)
    bare = vars(type(client))["converse"]
    if not seen:
        gc.freeze()
    spans: Spans = request.getfixturevalue("spans")
    assert vars(type(client))["converse"].__wrapped__ is bare
    provider.enqueue(Answer(status=503), ANSWER, PLAIN)
    client.meta.events.register_first("needs-retry.bedrock-runtime", _again)
    client.converse(**ASKED)
    assert invoke(client, MODEL, MESSAGE)
    told = [dict(span.attributes or {}) for span in spans()]
    assert [one[semconv.USAGE_OUTPUT_TOKENS] for one in told] == [70, 70]
    assert told[0][semconv.RETRY_REASON] == ("503",)
    registry.uninstrument(["boto3"])
    assert vars(type(client))["converse"] is bare
    client.converse(**ASKED)
    assert len(spans()) == 2
    registry.instrument(["boto3"], tracer_provider=tracer_provider)
    client.converse(**ASKED)
    assert len(spans()) == 3
    client.close()


def test_methods_that_others_put_on_a_client_before_are_told(
    provider: Provider, request: Any
) -> None:
    """Over the bare method that they found, so that no call goes by the class."""
    client = connect(provider)
    client.converse = functools.partial(client.converse)
    theirs = client.converse
    spans: Spans = request.getfixturevalue("spans")
    provider.enqueue(ANSWER)
    client.converse(**ASKED)
    same_counts(told_by(spans), ANSWER)
    registry.uninstrument(["boto3"])
    assert client.converse is theirs
    client.close()


@pytest.mark.parametrize("streamed", [False, True])
def test_methods_that_others_put_on_the_client_itself_are_told(
    provider: Provider, spans: Spans, monkeypatch: pytest.MonkeyPatch, *, streamed: bool
) -> None:
    """OpenLLMetry and OpenInference do so before we see the client, over the bare methods."""
    make: Any = ClientCreator.create_client
    theirs: list[str] = []

    def creating(self: Any, *args: Any, **kwargs: Any) -> Any:
        client = make(self, *args, **kwargs)
        for name in ("converse", "converse_stream"):
            bare = getattr(client, name)

            def counted(*args: Any, name: str = name, bare: Any = bare, **kwargs: Any) -> Any:
                theirs.append(name)
                return bare(*args, **kwargs)

            setattr(client, name, counted)
        return client

    monkeypatch.setattr(ClientCreator, "create_client", creating)
    client = connect(provider)
    name = "converse_stream" if streamed else "converse"
    provider.enqueue(ANSWER)

    def ask() -> None:
        made = getattr(client, name)(**ASKED)
        assert not streamed or list(made["stream"])

    ask()
    told = told_by(spans)
    assert told[semconv.SERVER_ADDRESS] == "127.0.0.1"
    same_counts(told, ANSWER)
    assert theirs == [name]
    registry.uninstrument(["boto3"])
    assert vars(client)[name].__name__ == "counted"
    ask()
    assert (len(spans()), theirs) == (1, [name, name])
    client.close()


def test_clients_of_other_services_and_of_botocore_alone(provider: Provider, spans: Spans) -> None:
    """Only Bedrock's runtime is touched, however its client was made."""
    made: dict[str, Any] = {
        "region_name": "us-east-1",
        "endpoint_url": provider.url,
        "aws_access_key_id": "made-up",
        "aws_secret_access_key": "made-up",
    }
    session = botocore.session.get_session()
    other = session.create_client("sts", **made)
    with pytest.raises(Exception, match="no such endpoint"):
        other.get_caller_identity()
    bedrock = session.create_client("bedrock-runtime", **made)
    bedrock.converse(**ASKED)
    assert len(spans()) == 1
    other.close()
    bedrock.close()


def test_the_host_tells_the_provider() -> None:
    """By the end of its name."""
    host = "bedrock-runtime.eu-central-1.amazonaws.com"
    assert provider_of(host, 443, "x") == "aws.bedrock"
