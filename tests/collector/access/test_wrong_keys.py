"""F34: whoever tries key after key is answered 429; right keys and other addresses are not."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import grpc
import httpx
import pytest
from grpc import aio
from prometheus_client import CollectorRegistry
from starlette.responses import PlainTextResponse, Response
from tests.collector.receive.otlp import request

from spanledger_collector.access import KeyFile, Keyring, WrongKeys
from spanledger_collector.access.wrong_keys import BURST, PER_SECOND
from spanledger_collector.config import CollectorConfig
from spanledger_collector.errors import (
    CollectorError,
    ForbiddenError,
    TooManyWrongKeysError,
    UnauthenticatedError,
    WrongKeyError,
)
from spanledger_collector.receive import Receiver
from spanledger_collector.serve.keyed import Keyed

_TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_PROTOBUF = {"content-type": "application/x-protobuf"}


class _Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def _is_limited(keys: WrongKeys, address: str) -> bool:
    return isinstance(keys.answer(WrongKeyError("no"), address), TooManyWrongKeysError)


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    clock = _Clock()
    keys = WrongKeys(now=clock, salt=b"of the tests")
    assert [_is_limited(keys, "10.0.0.5") for _ in range(BURST + 3)] == [False] * BURST + [True] * 3
    clock.seconds += 2 / PER_SECOND
    assert [_is_limited(keys, "10.0.0.5") for _ in range(3)] == [False, False, True]
    clock.seconds += 1e9
    assert [_is_limited(keys, "10.0.0.5") for _ in range(BURST + 1)] == [False] * BURST + [True]


def test_an_address_is_the_same_over_every_transport_and_port() -> None:
    keys = WrongKeys(now=_Clock(), salt=b"of the tests")
    same = ["10.0.0.5", "ipv4:10.0.0.5:4711", "ipv4:10.0.0.5:4712", "::ffff:10.0.0.5"]
    for number in range(BURST):
        assert not _is_limited(keys, same[number % 4])
    assert all(_is_limited(keys, address) for address in same)
    # One customer has many addresses of IPv6, which share their first half.
    theirs = ["2001:db8:1:2::1", "ipv6:%5B2001:db8:1:2::ffff%5D:99", "2001:db8:1:2:3:4:5:6"]
    for number in range(BURST):
        assert not _is_limited(keys, theirs[number % 3])
    assert all(_is_limited(keys, address) for address in theirs)
    assert not _is_limited(keys, "2001:db8:1:3::1")
    for odd in ("", "unix:/run/x.sock", "ipv4:nonsense:1"):
        assert isinstance(keys.answer(WrongKeyError("no"), odd), CollectorError)


def test_only_keys_that_are_wrong_count() -> None:
    keys = WrongKeys(now=_Clock(), salt=b"of the tests")
    for error in (UnauthenticatedError("no key at all"), ForbiddenError("may not")):
        assert all(keys.answer(error, "10.0.0.5") is error for _ in range(2 * BURST))


def test_memory_is_the_same_whatever_addresses_come() -> None:
    keys = WrongKeys(now=_Clock(), salt=b"of the tests")

    def size_bytes() -> int:
        return sum(sys.getsizeof(value) for value in vars(keys).values())

    before = size_bytes()
    for number in range(20_000):
        keys.answer(WrongKeyError("no"), f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert size_bytes() == before


async def test_both_receivers_and_a_right_key_beside_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stored: list[bytes] = []

    async def accept(payload: bytes, **_: object) -> int:
        stored.append(payload)
        return len(stored)

    file = KeyFile(tmp_path / "keys.json")
    right = file.add("acme")[0]
    registry = CollectorRegistry()
    receiver = Receiver(
        CollectorConfig(grpc_port=0, http_port=0),
        accept,
        Keyring(tmp_path / "keys.json"),
        registry,
        wrong_keys=WrongKeys(registry, now=_Clock(), salt=b"of the tests"),
    )
    ports = await receiver.start()
    body = request(spans=1).SerializeToString()
    url = f"http://127.0.0.1:{ports.http}/v1/traces"
    async with (
        httpx.AsyncClient() as client,
        aio.insecure_channel(f"127.0.0.1:{ports.grpc}") as channel,
    ):
        export = channel.unary_unary(_TRACES)
        for number in range(BURST):
            guess = {"x-api-key": f"sl_{number:012x}_guess"}
            answer = await client.post(url, content=body, headers=_PROTOBUF | guess)
            assert answer.status_code == 401
        answer = await client.post(url, content=body, headers=_PROTOBUF | {"x-api-key": "guess"})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        with pytest.raises(aio.AioRpcError) as refused:
            await export(body, metadata=[("x-api-key", "guess")])
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "too many wrong API keys" in str(refused.value.details())
        # Whoever has a right key is served at the same address.
        answer = await client.post(url, content=body, headers=_PROTOBUF | {"x-api-key": right})
        assert answer.status_code == 200
        assert await export(body, metadata=[("x-api-key", right)]) == b""
        answer = await client.post(url, content=body, headers=_PROTOBUF)
        assert answer.status_code == 401, "no key is no guess"
    await receiver.stop(1)
    assert len(stored) == 2
    counts = [
        registry.get_sample_value("spanledger_access_wrong_keys_total", {"answer": answer})
        for answer in ("unauthenticated", "too_many")
    ]
    assert counts == [BURST, 2]
    told = [one.getMessage() for one in caplog.records if "wrong API keys" in one.getMessage()]
    assert told == ["127.0.0.1 sends wrong API keys, many a second: answered 429"]


async def test_the_ports_that_are_read() -> None:
    def nobody(_: str | None) -> None:
        raise WrongKeyError("not known")

    def told(error: CollectorError) -> Response:
        return PlainTextResponse(str(error), 401)

    app = Keyed(
        PlainTextResponse("secret"),
        nobody,  # pyright: ignore[reportArgumentType] -- it gives no identity to anybody
        told,
        needs={"/healthz": None},
        wrong_keys=WrongKeys(now=_Clock(), salt=b"of the tests"),
    )

    async def asked(address: str, path: str = "/v1/queries") -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get(path, headers={"x-api-key": "guess"})

    answers = await asyncio.gather(*(asked("10.0.0.5") for _ in range(BURST)))
    assert {answer.status_code for answer in answers} == {401}
    for path in ("/v1/queries", "/healthz"):
        answer = await asked("10.0.0.5", path)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert "secret" not in answer.text
    assert (await asked("10.0.0.6")).status_code == 401
