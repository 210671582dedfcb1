"""API keys: made, listed, revoked; only hashes are kept."""

from __future__ import annotations

import base64
import json
import logging
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.access import Identity, KeyFile, Keyring, api_key
from spanledger_collector.access import keyring as keyring_module
from spanledger_collector.errors import (
    ConfigurationError,
    ForbiddenError,
    NotFoundError,
    PermanentError,
    UnauthenticatedError,
)


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "data" / "keys.json")


@pytest.fixture(autouse=True)
def _looks_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_module, "LOOK_SECONDS", 0.0)


def test_a_key_is_its_workspace(file: KeyFile) -> None:
    first, _ = file.add("acme")
    second, _ = file.add("beta", tenant="t", may=frozenset({"send"}))
    ring = Keyring(file.path)
    assert ring.needs_keys
    assert (ring(first).workspace, ring(first).tenant) == ("acme", "")
    assert (ring(second).workspace, ring(second).tenant) == ("beta", "t")


def test_only_the_hash_is_kept_for_the_owner_only(file: KeyFile) -> None:
    key, record = file.add("acme")
    stored = file.path.read_text()
    secret = key.rpartition(record.key_id)[2].strip("_")
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert key not in stored
    assert secret not in stored
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert record.sha256 not in repr(record)


def test_unknown_missing_and_revoked_keys_are_refused(file: KeyFile) -> None:
    key, record = file.add("acme")
    ring = Keyring(file.path)
    wrong = [None, "", "x", key[:-1], key + "x", f"sl_{record.key_id}_", f"sl_{'0' * 12}_{key}"]
    for one in wrong:
        with pytest.raises(UnauthenticatedError) as refused:
            ring(one)
        assert one is None or len(one) < 2 or one not in str(refused.value)
    file.revoke(record.key_id)
    with pytest.raises(UnauthenticatedError, match=f"{record.key_id} was revoked"):
        ring(key)
    with pytest.raises(NotFoundError):
        file.revoke("0" * 12)


@pytest.fixture(name="ring", scope="module")
def _ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    file = KeyFile(tmp_path_factory.mktemp("keys") / "keys.json")
    file.add("acme")
    return Keyring(file.path)


@given(text=st.text() | st.text().map("sl_{}_x".format))
def test_any_text_is_refused_clearly(text: str, ring: Keyring) -> None:
    with pytest.raises(UnauthenticatedError):
        ring(text)


def test_without_a_file_nobody_needs_a_key_and_the_first_one_closes_the_door(
    file: KeyFile,
) -> None:
    ring = Keyring(file.path)
    assert not ring.needs_keys
    assert ring(None) == Identity()
    file.add("acme")
    with pytest.raises(UnauthenticatedError):
        ring(None)


def test_a_file_that_goes_bad_or_away_opens_nothing(
    file: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    key, _ = file.add("acme")
    ring = Keyring(file.path)
    file.path.write_text('{"secret": "leave me out of logs"')
    assert ring(key).workspace == "acme"
    file.path.unlink()
    assert ring(key).workspace == "acme"
    with pytest.raises(UnauthenticatedError):
        ring(None)
    assert "stay in force" in caplog.text
    assert "leave me out" not in caplog.text


def test_a_damaged_file_is_refused_at_the_start(file: KeyFile) -> None:
    file.add("acme")
    for content in ("", "[]", '{"version": 2, "keys": []}', '{"keys": [{"key_id": "x"}]}'):
        file.path.write_text(content)
        with pytest.raises(ConfigurationError, match=r"keys\.json"):
            Keyring(file.path)


def test_a_tenants_key_sends_only(file: KeyFile) -> None:
    with pytest.raises(PermanentError, match="send only"):
        file.add("acme", tenant="t")
    with pytest.raises(PermanentError, match="workspace"):
        file.add("")
    assert file.read() == []
    file.add("acme", tenant="t", may=frozenset({"send"}))
    told = json.loads(file.path.read_text())
    told["keys"][0]["may"] = ["send", "read"]
    file.path.write_text(json.dumps(told))
    with pytest.raises(ConfigurationError, match="not a file of keys"):
        Keyring(file.path)


def test_commands_at_once_lose_no_key(file: KeyFile) -> None:
    threads = [threading.Thread(target=file.add, args=(f"w{n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.workspace for key in file.read()} == {f"w{n}" for n in range(20)}


def test_a_key_reads_its_own_workspace_and_operators_any() -> None:
    own = Identity("acme", may=frozenset({"read"}), key_id="k")
    assert own.workspace_of("") == own.workspace_of("acme") == "acme"
    with pytest.raises(ForbiddenError, match="'acme'"):
        own.workspace_of("beta")
    with pytest.raises(ForbiddenError, match="may not send"):
        own.check("send")
    operator = Identity("acme", may=frozenset({"read", "operate"}), key_id="k")
    assert operator.workspace_of("beta") == "beta"


def test_where_a_key_is_looked_for() -> None:
    basic = base64.b64encode(b"anybody:sl_k:with_colon").decode()
    assert api_key({"authorization": "bearer  k "}) == "k"
    assert api_key({"x-api-key": "k"}) == "k"
    assert api_key({"authorization": f"Basic {basic}"}) == "sl_k:with_colon"
    for nothing in ({}, {"authorization": "Basic !"}, {"authorization": "Bearer "}, {"a": "k"}):
        assert api_key(nothing) is None


def test_the_log_names_keys_by_id_only(file: KeyFile, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ring = Keyring(file.path)
    key, record = file.add("acme")
    ring(key)
    file.revoke(record.key_id)
    with pytest.raises(UnauthenticatedError):
        ring(key)
    assert key not in caplog.text
    assert record.sha256 not in json.dumps(caplog.text)
