"""`spanledger health`, as a container runs it: with TLS, names of its own, and without a ledger."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.collector.whole_collector import running
from tests.support.certificates import Authority

from spanledger_collector.config import CollectorConfig
from spanledger_collector.pipeline import Ports

_AWAY = "http://127.0.0.1:1/spanledger"


def _settings(folder: Path, database: str, **more: Any) -> dict[str, Any]:
    """Those of a container that serves other machines by a name of its own."""
    return {
        "data_dir": folder / "data", "database": database, "grpc_port": 0, "http_port": 0,
        "host": "0.0.0.0", "insecure": True, "allowed_hosts": "ledger.example,collector", **more,  # noqa: S104 - what is tested
    }  # fmt: skip


async def _health(
    given: dict[str, Any], ports: Ports, *options: str
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with the settings of the collector as variables."""
    told = {f"SPANLEDGER_{name.upper()}": str(value) for name, value in given.items()}
    environment = {**os.environ, **told, "SPANLEDGER_API_PORT": str(ports.api)}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "spanledger_collector.cli", "health", *options],
        env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


async def test_a_container_with_tls_and_names_is_healthy(tmp_path: Path, store_dsn: str) -> None:
    """It shows a certificate that no name of this machine is in, and is asked by its own names."""
    server = Authority(tmp_path).issue("server")
    given = _settings(tmp_path, store_dsn, tls_certificate=server.certificate, tls_key=server.key)
    async with running(CollectorConfig(**given, api_port=0)) as (collector, ports):
        await collector.opened()
        done = await _health(given, ports)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"ready  https://127.0.0.1:{ports.api}\n"
        told = json.loads((await _health(given, ports, "--json")).stdout)
        assert told["ready"]
        assert told["journal"]["records"] == 0
        # Who shows another certificate is somebody else.
        other = Authority(tmp_path, "other").issue("another")
        stranger = {**given, "tls_certificate": other.certificate, "tls_key": other.key}
        done = await _health(stranger, ports)
        assert done.returncode == 3
        assert "CERTIFICATE_VERIFY_FAILED" in done.stderr


async def test_clients_have_to_show_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own, or the one that is named; without a ledger it is not ready, and says so."""
    authority = Authority(tmp_path)
    server, client = authority.issue("server"), authority.issue("client")
    given = _settings(
        tmp_path, _AWAY, tls_certificate=server.certificate, tls_key=server.key,
        tls_client_ca=authority.path,
    )  # fmt: skip
    async with running(CollectorConfig(**given, api_port=0)) as (_, ports):
        done = await _health(given, ports, "--json")
        assert done.returncode == 3
        assert json.loads(done.stdout)["ready"] is False
        assert "is not ready" in done.stderr
        monkeypatch.setenv("SPANLEDGER_CLIENT_CERTIFICATE", str(client.certificate))
        monkeypatch.setenv("SPANLEDGER_CLIENT_KEY", str(client.key))
        assert "is not ready" in (await _health(given, ports)).stderr
        stranger = Authority(tmp_path, "other").issue("stranger")
        monkeypatch.setenv("SPANLEDGER_CLIENT_CERTIFICATE", str(stranger.certificate))
        monkeypatch.setenv("SPANLEDGER_CLIENT_KEY", str(stranger.key))
        done = await _health(given, ports)
        assert done.returncode == 3
        assert "SPANLEDGER_CLIENT_CERTIFICATE" in done.stderr


async def test_settings_that_tell_no_address(tmp_path: Path) -> None:
    """Any free port is none, and nothing listens on another."""
    given = _settings(tmp_path, _AWAY)
    done = await _health(given, Ports(grpc=0, http=0, api=0, sql=0))
    assert done.returncode == 2
    assert "SPANLEDGER_API_PORT" in done.stderr
    done = await _health(given, Ports(grpc=0, http=0, api=1, sql=0))
    assert done.returncode == 3
    assert "no collector answers at http://127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
    wrong = {**given, "tls_certificate": tmp_path / "none", "tls_key": tmp_path / "none"}
    assert (await _health(wrong, Ports(grpc=0, http=0, api=1, sql=0))).returncode == 2
