"""What the doctor finds out by trying, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # every client is imported

_EXAMINE = """
import dataclasses, json, os, socket, sys
os.environ.pop("LITELLM_LOCAL_MODEL_COST_MAP", None)  # which our own tests set
looked_up = []
def look_up(host, *rest, **named):
    looked_up.append(host)
    raise socket.gaierror("there is no network")
socket.getaddrinfo = look_up
from spanledger import _doctor
found = _doctor.examine()
modules = [name for name in ("openai", "anthropic") if name in sys.modules]
still_on = [one.target for one in _doctor.registry.status() if one.state.value == "installed"]
assert not [one for one in looked_up if one], looked_up
assert "LITELLM_LOCAL_MODEL_COST_MAP" not in os.environ
print(json.dumps([dataclasses.asdict(found), modules, still_on], default=lambda state: state.value))
"""


def _examined(folder: Path) -> tuple[dict[str, Any], list[str], list[str]]:
    """The report of a process that finds the modules of this folder first."""
    done = subprocess.run(
        [sys.executable, "-c", _EXAMINE],
        cwd=folder, capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_every_patch_is_tried(tmp_path: Path) -> None:
    """Installed clients are imported, so that each patch has found its method or tells why not.

    Nobody is looked up in the network for it.
    """
    found, modules, still_on = _examined(tmp_path)
    assert modules == ["openai", "anthropic"]
    assert still_on == []
    for client in found["clients"]:
        states = {patch["state"] for patch in client["patches"] if not patch["optional"]}
        assert not states & {"missing", "pending"}, client["client"]
        assert "installed" in {patch["state"] for patch in client["patches"]}, client["client"]
    engines = {engine["client"]: engine for engine in found["engines"]}
    assert set(engines) == {"transformers", "llama-cpp-python", "vllm"}
    for engine in engines.values():  # none of them is among our packages
        states = {patch["state"] for patch in engine["patches"]}
        assert states == ({"installed"} if engine["version"] else {"pending"}), engine["client"]
    assert {patch["state"] for patch in found["http"]} == {"installed"}
    assert found["internal_errors"] == {}


def test_a_client_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    """With the reason; the others are tried all the same."""
    (tmp_path / "openai.py").write_text("raise RuntimeError('a broken installation')")
    found, _, _ = _examined(tmp_path)
    clients = {client["client"]: client for client in found["clients"]}
    assert "RuntimeError: a broken installation" in " ".join(clients["openai"]["notes"])
    assert {patch["state"] for patch in clients["openai"]["patches"]} == {"missing"}
    assert "installed" in {patch["state"] for patch in clients["anthropic"]["patches"]}
