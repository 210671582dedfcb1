"""The file of GPU pools: what is wrong in it is refused whole, and told with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.collector.gpu.pools import POOLS

from spanledger.compute.catalogue import open_entries
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.gpu import read_pools


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("gpus: 2", "gpus: 0"), "gpus"),
        (("gpus: 2", "gpus: 2\n    replicas: 3"), "2 gpus cannot be dealt out to 3 replicas"),
        (("NVIDIA H100 80GB HBM3", "Voodoo 2"), "Voodoo 2"),
        (("llama-3.1-8b", "nobody-knows"), "nobody-knows"),
        (("up_to: 2026-11-02T10:30:00", "up_to: 2026-11-02T09:00:00"), "up_to is not after"),
        (("    gpus: 2", "    gpus: 2\n    weight_format: int3"), "weight_format is one of"),
        (("gpu_pools:", "pools:"), "gpu_pools"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(
    change: tuple[str, str], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "gpus.yaml"
    path.write_text(POOLS.format(name="chat").replace(*change))
    with pytest.raises(ConfigurationError, match=told):
        read_pools(path)


def test_a_pool_serves_a_model_of_ones_own(tmp_path: Path) -> None:
    """By its config.json, beside the file; one that cannot be read is told."""
    file = POOLS.format(name="chat").replace("model: llama-3.1-8b", "config: mine.json")
    path = tmp_path / "gpus.yaml"
    path.write_text(file)
    with pytest.raises(ConfigurationError, match=r"GPU pools of .*mine\.json"):
        read_pools(path)
    config = tmp_path / "mine.json"
    for told, match in (("[]", "no config.json"), ("{", "GPU pools of"), ("{}", "hidden")):
        config.write_text(told)
        with pytest.raises(ConfigurationError, match=match):
            read_pools(path)
    entry = open_entries()["llama-3.1-8b"]
    config.write_text(json.dumps(entry["config"]))
    (pool,) = read_pools(path)
    arch = pool.engine.arch
    assert arch is not None
    assert (arch.name, arch.params.total) == ("chat", entry["published_params"])


def test_entries_of_a_pool_may_not_overlap(tmp_path: Path) -> None:
    """A pool that grew is two entries, one after the other."""
    one = POOLS.format(name="chat")
    path = tmp_path / "gpus.yaml"
    path.write_text(one + one.replace("gpu_pools:\n", "").replace("gpus: 2", "gpus: 4"))
    with pytest.raises(ConfigurationError, match="two entries of pool 'chat'"):
        read_pools(path)
    path.write_text(
        one + one.replace("gpu_pools:\n", "").replace("    gpus", "    workspace: w\n    gpus")
    )
    with pytest.raises(ConfigurationError, match="is of 'default' and of 'w'"):
        read_pools(path)
    later = one.replace("gpu_pools:\n", "").replace("T10:30", "T11:30").replace("T10:00", "T10:30")
    path.write_text(one + later)
    assert len(read_pools(path)) == 2
