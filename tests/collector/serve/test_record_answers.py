"""What a collector answers to records that it cannot take is what the OpenAPI document says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from tests.collector.whole_collector import config_of, running

from spanledger_collector.serve.openapi import document

_JSON = {"content-type": "application/json"}
_REFUSED: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (400, "POST", {"content": b"{", "headers": _JSON}),
    (400, "POST", {"content": b"{}", "headers": _JSON}),
    (400, "POST", {"content": b"", "headers": _JSON}),
    (400, "POST", {"json": {"records": [{"kind": "zzz"}]}}),
    (405, "PUT", {"json": {"records": []}}),
    (413, "POST", {"content": b" " * 2048, "headers": _JSON}),
    (415, "POST", {"content": b"{}", "headers": {"content-type": "text/plain"}}),
    (415, "POST", {"content": b"{}", "headers": {**_JSON, "content-encoding": "br"}}),
)


async def test_refused_records_are_told_as_documented(tmp_path: Path, store_dsn: str) -> None:
    """Each kind of refusal, by its own schema; 404 is none of them."""
    told = document()["paths"]["/v1/records"]["post"]["responses"]
    assert "404" not in told
    config = config_of(tmp_path / "data", store_dsn, max_request_bytes=1024)
    async with running(config) as (_, ports):
        answers = await asyncio.to_thread(_asked, f"http://127.0.0.1:{ports.api}/v1/records")
    for (status, _, _), answer in zip(_REFUSED, answers, strict=True):
        assert answer.status_code == status, answer.text
        schema = told[str(status)]["content"]["application/json"]["schema"]
        whole = {**schema, "components": document()["components"]}
        Draft202012Validator(whole).validate(answer.json())
        assert not Draft202012Validator(whole).is_valid({"error": "why"})


def _asked(url: str) -> list[httpx.Response]:
    with httpx.Client(timeout=300) as client:
        return [client.request(method, url, **given) for _, method, given in _REFUSED]
