"""S56: browsers may send from named origins only."""

from __future__ import annotations

import pytest
from tests.collector.receive.conftest import Connect, Inbox, Start
from tests.collector.receive.otlp import request

_BODY = request(spans=1).SerializeToString()
_OURS, _THEIRS = "https://app.example", "https://evil.example"
_ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}


async def test_off_by_default(start: Start, connect: Connect, inbox: Inbox) -> None:
    connection = await connect(await start())
    await connection.request(_BODY, headers={"origin": _OURS})
    answer = await connection.answer()
    assert (answer.status, len(inbox.payloads)) == (200, 1)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    await connection.request(b"", method="OPTIONS", headers={"origin": _OURS, **_ASKS})
    assert (await connection.answer()).status == 405


@pytest.mark.parametrize("configured", [f"{_OURS}, https://b.example", "*"])
async def test_a_named_origin_may_send(
    start: Start, connect: Connect, inbox: Inbox, configured: str
) -> None:
    connection = await connect(await start(cors_origins=configured))
    await connection.send(
        b"OPTIONS /v1/traces HTTP/1.1\r\nhost: x\r\norigin: https://app.example\r\n"
        b"access-control-request-method: POST\r\n\r\n"
    )
    head = (await connection.reader.readuntil(b"\r\n\r\n")).decode().lower()
    assert head.startswith("http/1.1 204")
    assert "access-control-allow-origin: https://app.example" in head
    assert "x-api-key" in head
    assert "access-control-max-age: 7200" in head
    assert "credentials" not in head
    for body, status in ((_BODY, 200), (b"garbage", 400)):
        await connection.request(body, headers={"origin": _OURS})
        answer = await connection.answer()
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, _OURS)
    assert len(inbox.payloads) == 1


async def test_another_origin_gets_no_permission(start: Start, connect: Connect) -> None:
    connection = await connect(await start(cors_origins=_OURS))
    await connection.request(b"", method="OPTIONS", headers={"origin": _THEIRS, **_ASKS})
    answer = await connection.answer()
    assert answer.status == 405
    assert "access-control-allow-origin" not in answer.headers
