"""TLS and client certificates on every port, followed when the files change."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from benchmarks.spans import request_bytes
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.support.certificates import Authority, Issued

from spanledger_collector.config import CollectorConfig
from spanledger_collector.errors import ConfigurationError, StoreUnavailableError
from spanledger_collector.pipeline import Collector, Ports
from spanledger_collector.query import RemoteReader

_TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _config(folder: Path, database: str, server: Issued, **settings: Any) -> CollectorConfig:
    usual: dict[str, Any] = {
        "data_dir": folder / "data", "database": database, "grpc_port": 0, "http_port": 0,
        "api_port": 0, "sql_port": -1, "tls_certificate": server.certificate,
        "tls_key": server.key,
    }  # fmt: skip
    return CollectorConfig(**{**usual, **settings})


@asynccontextmanager
async def _running(config: CollectorConfig) -> AsyncGenerator[Ports]:
    collector = Collector(config, stop_grace_seconds=10.0)
    ports = await collector.start()
    try:
        yield ports
    finally:
        await collector.stop()


def _greeted(port: int, ca: Path, client: Issued | None = None) -> int:
    """Serial number of the certificate that a port shows, once it has answered something."""
    context = ssl.create_default_context(cafile=str(ca))
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=120) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not connection.recv(12).startswith(b"HTTP/1.1 "):
            raise ConnectionResetError("closed before an answer")
        shown = connection.getpeercert()
        assert shown is not None
        return int(str(shown["serialNumber"]), 16)


def _credentials(ca: Path, client: Issued | None) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        ca.read_bytes(),
        None if client is None else client.key.read_bytes(),
        None if client is None else client.certificate.read_bytes(),
    )


async def _export(ports: Ports, ca: Path, client: Issued | None = None) -> bytes:
    credentials = _credentials(ca, client)
    async with grpc.aio.secure_channel(f"localhost:{ports.grpc}", credentials) as channel:
        answer: bytes = await channel.unary_unary(_TRACES)(request_bytes(1, 10), timeout=120)
        return answer


@pytest.mark.slow
async def test_every_port_speaks_tls_and_nothing_else(
    tmp_path: Path, authority: Authority, store_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _running(_config(tmp_path, store_dsn, authority.issue("server"))) as ports:
        for port in (ports.http, ports.api, ports.sql):
            await asyncio.to_thread(_greeted, port, authority.path)
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncio.to_thread(_greeted, port, Authority(tmp_path, "other").path)
            plain = RemoteReader(f"http://127.0.0.1:{port}")
            with pytest.raises(StoreUnavailableError):
                await asyncio.to_thread(plain.health)
        assert await _export(ports, authority.path) == b""
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
        reader = RemoteReader.at(f"spanledgers://127.0.0.1:{ports.api}")
        assert "journal" in await asyncio.to_thread(reader.health)
        await asyncio.to_thread(_emit, ports, authority.path)
        deadline = time.monotonic() + 120
        while not (await asyncio.to_thread(reader.health))["settled_traces"]:
            assert time.monotonic() < deadline, "what the exporter sent did not arrive"
            await asyncio.sleep(0.05)


def _emit(ports: Ports, ca: Path) -> None:
    """The stock exporter over https."""
    exporter = OTLPSpanExporter(
        endpoint=f"https://localhost:{ports.http}/v1/traces", certificate_file=str(ca)
    )
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("tests").start_as_current_span("chat"):
        pass
    provider.shutdown()


async def test_clients_without_a_certificate_stay_outside(
    tmp_path: Path, authority: Authority, store_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = authority.issue("server"), authority.issue("client")
    stranger = Authority(tmp_path, "other").issue("stranger")
    config = _config(
        tmp_path, store_dsn, server, tls_client_ca=authority.path, host="0.0.0.0", sql_port=0  # noqa: S104 - allowed with client certificates
    )  # fmt: skip
    async with _running(config) as ports:
        for port in (ports.http, ports.api):
            await asyncio.to_thread(_greeted, port, authority.path, client)
            for wrong in (None, stranger):
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    await asyncio.to_thread(_greeted, port, authority.path, wrong)
        assert await _export(ports, authority.path, client) == b""
        for wrong in (None, stranger):
            with pytest.raises(grpc.aio.AioRpcError):
                await _export(ports, authority.path, wrong)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
        address = f"spanledgers://127.0.0.1:{ports.api}"
        with pytest.raises(StoreUnavailableError):
            await asyncio.to_thread(RemoteReader.at(address).health)
        monkeypatch.setenv("SPANLEDGER_CLIENT_CERTIFICATE", str(client.certificate))
        monkeypatch.setenv("SPANLEDGER_CLIENT_KEY", str(client.key))
        assert await asyncio.to_thread(RemoteReader.at(address).health)


@pytest.mark.slow
async def test_a_renewed_certificate_is_shown_without_a_restart(
    tmp_path: Path, authority: Authority, store_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = authority.issue("server")
    async with _running(_config(tmp_path, store_dsn, server)) as ports:
        first = await asyncio.to_thread(_greeted, ports.http, authority.path)
        server.certificate.write_text("half a certifi")
        assert await asyncio.to_thread(_greeted, ports.http, authority.path) == first
        assert "stay in use" in caplog.text
        renewed = authority.issue("renewed")
        shutil.copy(renewed.key, server.key)
        shutil.copy(renewed.certificate, server.certificate)
        second = await asyncio.to_thread(_greeted, ports.http, authority.path)
        assert second not in (0, first)
        assert await asyncio.to_thread(_greeted, ports.api, authority.path) == second
        assert await _export(ports, authority.path) == b""


def test_files_that_cannot_work_are_refused_at_the_start(
    tmp_path: Path, authority: Authority
) -> None:
    server, other = authority.issue("server"), authority.issue("other")
    for settings, told in (
        ({"tls_certificate": server.certificate}, "both"),
        ({"tls_client_ca": authority.path}, "both"),
        ({"tls_certificate": server.certificate, "tls_key": other.key}, "together"),
        ({"tls_certificate": server.certificate, "tls_key": tmp_path / "none"}, "none"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            Collector(CollectorConfig(data_dir=tmp_path / "data", **settings))  # pyright: ignore[reportArgumentType] - paths by name
