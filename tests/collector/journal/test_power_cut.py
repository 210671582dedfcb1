"""F6: the power goes at any moment: every acknowledged record is there, and none is invented."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from tests.collector.journal.disk import everything, fill, open_journal, put
from tests.collector.journal.power_cut import Disk, after_a_cut

from spanledger_collector.journal import Journal, durable

_RECORDS = 60
_CUTS = 60


def _payloads(chance: random.Random) -> list[bytes]:
    return [
        b"%06d" % number + chance.randbytes(chance.choice([1, 100, 700, 3000]))
        for number in range(_RECORDS)
    ]


async def _use(journal: Journal, disk: Disk, payloads: list[bytes], chance: random.Random) -> None:
    """Append in groups, and release some of them now and then; the disk notes what was promised."""
    left = list(payloads)
    while left:
        group = [left.pop(0) for _ in range(min(len(left), chance.choice([1, 1, 2, 5])))]
        sequences = await asyncio.gather(*(put(journal, payload) for payload in group))
        for sequence, payload in zip(sequences, group, strict=True):
            disk.mark(("acknowledged", sequence, payload))
        if chance.random() < 0.2:
            before = chance.randint(1, max(sequences))
            disk.mark(("released", before, b""))
            journal.release(before)


@pytest.mark.parametrize("seed", range(3))
def test_f6_whatever_a_power_cut_leaves_holds_what_was_acknowledged(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)  # noqa: S311 -- one state of many, no secret
    root = tmp_path / "journal"
    root.mkdir()
    payloads = _payloads(chance)
    with monkeypatch.context() as patch:
        disk = Disk(root, patch)
        patch.setattr(durable, "sync_data", disk._fdatasync)
        journal = open_journal(root, segment_bytes=8 * 1024)
        asyncio.run(_use(journal, disk, payloads, chance))
        events = list(disk.events)
        journal.close()
    assert {"write", "sync", "unlink", "move", "sync_folder"} <= {one.kind for one in events}
    for cut in range(_CUTS):
        target = tmp_path / f"cut-{cut}"
        marks = after_a_cut(events[: chance.randint(0, len(events))], chance, root, target)
        promised = {number: what for kind, number, what in marks if kind == "acknowledged"}
        released = max((number for kind, number, _ in marks if kind == "released"), default=0)
        again = open_journal(target, segment_bytes=8 * 1024)
        found = {record.sequence: record.payload for record in everything(again)}
        missing = [n for n in promised if n >= released and found.get(n) != promised[n]]
        assert not missing, (cut, missing, released)
        assert set(found.values()) <= set(payloads), "invented"
        [sequence] = fill(again, [b"after the cut"])
        assert sequence > max([*promised, 0]), "a number is used once"
        assert {r.sequence: r.payload for r in everything(again)}[sequence] == b"after the cut"
        again.close()
