"""Nobody reads what is not theirs: every path of every port, found by discovery.

One collector, two workspaces with the same trace ids. Whatever a key of one workspace asks for, no
answer may hold a name that only the other one sent.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import itertools
import json
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import clickhouse_connect
import grpc
import pytest
import pytest_asyncio
from benchmarks.spans import request_bytes
from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import spanledger_collector.web
from spanledger import semconv
from spanledger_collector.access import KeyFile, WrongKeys
from spanledger_collector.config import CollectorConfig
from spanledger_collector.errors import RefusedQueryError, UnauthenticatedError
from spanledger_collector.pipeline import Collector, Ports
from spanledger_collector.pipeline import collector as pipeline_module
from spanledger_collector.query import Ledger, named, query_names
from spanledger_collector.query.named import DEFAULTS, VIEWS
from spanledger_collector.serve.api import NEEDS, Api
from spanledger_collector.web.pages import PAGES

_TRACE_ID = f"{1:032x}"
_NAMES = {workspace: f"agent-of-{workspace}" for workspace in ("acme", "beta")}
#: Values of what a query has to be told; a new query with another parameter fails here.
_VALUES: Mapping[str, str] = {
    "trace_id": _TRACE_ID, "span_id": f"{2:016x}", "provider": "openai", "model": "gpt-4o-mini",
    "at": "2026-11-01", "known_at": "2026-11-01", "slice_seconds": "86400",
    "agent_name": _NAMES["acme"],
}  # fmt: skip
_PATIENCE_SECONDS = 240
_BUDGETS = """
budgets:
  - {name: budget-of-acme, workspace: acme, limit_usd: '1', window: month}
  - {name: budget-of-beta, workspace: beta, limit_usd: '1', window: month}
"""
_STATIC = Path(spanledger_collector.web.__file__).with_name("static")


@dataclass
class _Scene:
    ports: Ports
    api: Api
    keys: Mapping[str, str]
    folder: Path

    async def ask(
        self, path: str, key: str = "", body: bytes | None = None, *, port: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:  # fmt: skip
        """Status and body; the key by its name in ``keys``."""
        sent = dict(headers or {})
        if key:
            sent["Authorization"] = f"Bearer {self.keys.get(key, key)}"
        return await asyncio.to_thread(_asked, port or self.ports.api, path, body, sent)

    def paths(self) -> Iterator[str]:
        """Every path that the API has, with something in the place of its parameters."""
        for route in self.api.routed.routes:
            path: str = getattr(route, "path", "")
            assert path, f"a route without a path: {route!r}"
            if path == "/v1/queries/{name}":
                yield from map(_query_path, (*query_names(), *(f"view:{one}" for one in VIEWS)))
            elif path == "/v1/agents/{name}/comparison":
                yield f"/v1/agents/{_NAMES['acme']}/comparison?old=1.0&new=1.0"
            elif path == "/ui/{path}":
                yield from map("/ui/{}?range=all".format, (*PAGES, "budgets"))
                yield f"/ui/trace?id={_TRACE_ID}"
                yield f"/ui/agent?agent={_NAMES['acme']}&range=all"
            elif path == "/ui/static":
                yield f"{path}/{next(_STATIC.iterdir()).name}"
            else:
                yield path.replace("{name}", _NAMES["acme"]).replace("{trace_id}", _TRACE_ID)


def _query_path(name: str) -> str:
    parameters = named(name).parameters
    needed = set(parameters) - set(DEFAULTS)
    given = {one: _VALUES[one] for one in sorted(needed)}
    if name == "records":
        given["trace_id"] = _TRACE_ID
    return f"/v1/queries/{quote(name)}?{urlencode(given)}"


def _asked(port: int, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET" if body is None else "POST", path, body, headers)
    answer = connection.getresponse()
    result = answer.status, answer.read()
    connection.close()
    return result


def _spans(workspace: str) -> bytes:
    """The same ids for everybody; agents have the name of their workspace."""
    request = ExportTraceServiceRequest.FromString(request_bytes(0, 10))
    for span in request.resource_spans[0].scope_spans[0].spans:
        for attribute in span.attributes:
            if attribute.key == semconv.AGENT_NAME:
                attribute.value.string_value = _NAMES[workspace]
    return request.SerializeToString()


@pytest_asyncio.fixture(name="scene", scope="module", loop_scope="module")
async def _scene(
    tmp_path_factory: pytest.TempPathFactory, engine_dsn: str
) -> AsyncGenerator[_Scene]:
    folder = tmp_path_factory.mktemp("isolation")
    file = KeyFile(folder / "keys.json")
    keys = {
        "acme": file.add("acme")[0],
        "beta": file.add("beta")[0],
        "beta reads": file.add("beta", may=frozenset({"read"}))[0],
        "acme sends": file.add("acme", may=frozenset({"send"}))[0],
        "tenant": file.add("acme", tenant="pinned", may=frozenset({"send"}))[0],
        "operator": file.add("ops", may=frozenset({"read", "operate"}))[0],
    }
    (folder / "alerts.yaml").write_text(_BUDGETS)
    config = CollectorConfig(
        data_dir=folder, database=f"{engine_dsn}?database=isolation_{time.time_ns()}", grpc_port=0,
        http_port=0, api_port=0, sql_port=-1, load_linger_seconds=0.0, settle_quiet_seconds=0.1,
        alerts_file=folder / "alerts.yaml", alert_interval_seconds=0.1,
    )  # fmt: skip
    made: list[Api] = []

    class SeenApi(Api):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            made.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline_module, "Api", SeenApi)
        # A day between any two wrong keys: their limit is tested elsewhere.
        days = itertools.count(step=86_400)
        patch.setattr(pipeline_module, "WrongKeys", partial(WrongKeys, now=days.__next__))
        collector = Collector(config, stop_grace_seconds=2.0)
        ports = await collector.start()
    try:
        await collector.opened()
        scene = _Scene(ports, made[0], keys, folder)
        await _filled(scene)
        yield scene
    finally:
        await collector.stop()


async def _filled(scene: _Scene) -> None:
    protobuf = {"Content-Type": "application/x-protobuf"}
    for workspace in _NAMES:
        told = await scene.ask(
            "/v1/traces", workspace, _spans(workspace), port=scene.ports.http, headers=protobuf
        )
        assert told == (200, b"")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for workspace, name in _NAMES.items():
        while True:
            _, body = await scene.ask(f"/v1/traces/{_TRACE_ID}", workspace)
            _, budgets = await scene.ask("/v1/budgets", workspace)
            if name.encode() in body and b"budget-of" in budgets:
                break
            assert time.monotonic() < deadline, body[-500:]
            await asyncio.sleep(0.1)


pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_every_path_needs_a_key(scene: _Scene) -> None:
    for path in scene.paths():
        status, body = await scene.ask(path)
        if NEEDS.get(path, "read") is None:
            assert (status, json.loads(body)) == (200, {"ready": True}), path
        else:
            assert status == 401, (path, status)
        status, body = await scene.ask(path, scene.keys["acme"] + "x")
        assert (status in (200, 401), b"agent-of" in body) == (True, False), path


async def test_every_path_shows_the_keys_own_workspace_only(scene: _Scene) -> None:
    shown: set[str] = set()
    for path in scene.paths():
        _, theirs = await scene.ask(path, "beta")
        assert b"of-acme" not in theirs.replace(_asked_for(path), b""), (path, theirs[:500])
        if "/view%3A" in path:
            continue
        _, body = await scene.ask(path, "acme")
        assert b"of-beta" not in body, path
        if b"of-acme" in body:
            shown.add(path.partition("?")[0])
    # What shows nothing to anybody would prove nothing.
    assert {"/v1/budgets", f"/v1/traces/{_TRACE_ID}", "/v1/queries/runs"} <= shown
    assert len(shown) > 12, sorted(shown)


def _asked_for(path: str) -> bytes:
    """Names that stand in the path are told back by errors."""
    return _NAMES["acme"].encode() if _NAMES["acme"] in path else b"\0"


async def test_no_path_shows_an_asked_workspace_of_others(scene: _Scene) -> None:
    for path in scene.paths():
        if NEEDS.get(path, "read") != "read":
            continue
        for asked in ("workspace=acme", "workspace=beta&workspace=acme", "workspace=%61cme"):
            url = f"{path}{'&' if '?' in path else '?'}{asked}"
            status, body = await scene.ask(url, "beta")
            assert (status, b"reads no other" in body) == (403, True), (url, status)


async def test_what_concerns_all_needs_an_operator(scene: _Scene) -> None:
    statement = b"SELECT agent_name FROM runs"
    for path, body in (("/metrics", None), ("/v1/sql", statement)):
        for key in ("acme", "beta reads", "acme sends"):
            status, told = await scene.ask(path, key, body)
            assert status == 403, path
            assert b"agent-of" not in told
        assert (await scene.ask(path, "operator", body))[0] == 200
    json_kind = {"Content-Type": "application/json"}
    for key, status in (("acme", 403), ("beta reads", 403), ("acme sends", 403), ("operator", 200)):
        told = await scene.ask("/v1/settlements", key, b"{}", headers=json_kind)
        assert told[0] == status, (key, told)
    status, told = await scene.ask("/v1/queries/agents?workspace=acme", "operator")
    assert (status, b"agent-of-acme" in told) == (200, True)
    assert b"journal" in (await scene.ask("/healthz", "operator"))[1]


async def test_sending_and_reading_are_apart(scene: _Scene) -> None:
    assert (await scene.ask("/v1/queries/agents", "acme sends"))[0] == 403
    for port in (scene.ports.http, scene.ports.api):
        record = json.dumps({"records": []}).encode()
        headers = {"Content-Type": "application/json"}
        for key, status in (("beta reads", 403), ("", 401), ("acme sends", 200)):
            told = await scene.ask("/v1/records", key, record, port=port, headers=headers)
            assert told[0] == status, (port, key, told)


async def test_grpc_asks_for_a_key(scene: _Scene) -> None:
    method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    async with grpc.aio.insecure_channel(f"127.0.0.1:{scene.ports.grpc}") as channel:
        export = channel.unary_unary(method)
        for key, code in (
            (None, grpc.StatusCode.UNAUTHENTICATED),
            ("guess", grpc.StatusCode.UNAUTHENTICATED),
            (scene.keys["beta reads"], grpc.StatusCode.PERMISSION_DENIED),
        ):
            metadata = [("x-api-key", key)] if key else []
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await export(_spans("beta"), metadata=metadata)
            assert refused.value.code() is code
        metadata = [("authorization", f"Bearer {scene.keys['acme sends']}")]
        assert await export(_spans("acme"), metadata=metadata) == b""


async def test_drivers_log_in_with_an_operators_key(scene: _Scene) -> None:
    def connect(key: str) -> Any:
        return clickhouse_connect.get_client(
            host="127.0.0.1", port=scene.ports.sql, username="anybody", password=key
        )

    client = await asyncio.to_thread(connect, scene.keys["operator"])
    rows = await asyncio.to_thread(client.query, "SELECT DISTINCT agent_name FROM runs ORDER BY 1")
    assert [row[0] for row in rows.result_rows] == ["agent-of-acme", "agent-of-beta"]
    for key in ("guess", scene.keys["acme"]):
        with pytest.raises(ClickHouseError):
            await asyncio.to_thread(connect, key)
    status, told = await scene.ask("/?query=SELECT+1", port=scene.ports.sql)
    assert (status, b"AUTHENTICATION_FAILED" in told) == (401, True)


async def test_python_reads_with_a_key(scene: _Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"spanledger://127.0.0.1:{scene.ports.api}"

    def agents(**how: Any) -> list[str]:
        with Ledger.connect(address, **how) as ledger:
            return [row.agent_name for row in ledger.agents()]

    assert await asyncio.to_thread(agents, key=scene.keys["acme"]) == ["agent-of-acme"]
    monkeypatch.setenv("SPANLEDGER_API_KEY", scene.keys["beta"])
    assert await asyncio.to_thread(agents) == ["agent-of-beta"]
    with pytest.raises(RefusedQueryError, match="reads no other"):
        await asyncio.to_thread(agents, workspace="acme")
    with pytest.raises(UnauthenticatedError):
        await asyncio.to_thread(agents, key="guess")


async def test_no_secret_is_told_or_logged(scene: _Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    paths = [path for path in scene.paths() if "/queries/" not in path and "/ui" not in path]
    told = [await scene.ask(path, key) for path in paths for key in ("acme", "operator")]
    basic = base64.b64encode(f"x:{scene.keys['acme']}".encode()).decode()
    told.append(await scene.ask("/v1/nope", headers={"Authorization": f"Basic {basic}"}))
    text = caplog.text + "".join(body.decode("latin-1") for _, body in told)
    hashes = [key.sha256 for key in KeyFile(scene.folder / "keys.json").read()]
    for secret in (*scene.keys.values(), *hashes, basic):
        assert secret not in text
