"""Append, read, release: the journal while nothing goes wrong."""

import asyncio
import json
import stat
import threading
import time
import zlib
from pathlib import Path

import pytest
from tests.collector.journal.disk import (
    RECEIVED_AT_NS,
    everything,
    fill,
    open_journal,
    overwrite,
    put,
    segment_paths,
)

from spanledger_collector.errors import (
    ConfigurationError,
    JournalUnavailableError,
    OverloadedError,
)
from spanledger_collector.journal import Backlog, Journal, durable


def test_records_come_back_in_order_with_whose_they_are(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    assert fill(journal, [b"one", b"", b"three"]) == [1, 2, 3]
    records = everything(journal)
    assert [(r.sequence, r.payload) for r in records] == [(1, b"one"), (2, b""), (3, b"three")]
    assert {(r.workspace, r.tenant, r.received_at_ns) for r in records} == {
        ("default", "acme", RECEIVED_AT_NS)
    }
    journal.close()


async def test_many_waiting_appends_share_syncs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """256 concurrent appends take few groups, each with a sequence of its own."""
    syncs: list[int] = []
    real = durable.sync_data

    def counted(descriptor: int) -> None:
        syncs.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(durable, "sync_data", counted)
    journal = Journal.open(tmp_path, max_bytes=1 << 30)
    sequences = await asyncio.gather(*(put(journal, b"x" * 100) for _ in range(256)))
    assert sorted(sequences) == list(range(1, 257))
    assert len(syncs) <= 256 / 64 + 2
    journal.close()


def test_segments_follow_each_other(tmp_path: Path) -> None:
    """Records spread over several segments, one larger than a segment among them."""
    journal = open_journal(tmp_path, segment_bytes=1000)
    payloads = [bytes([n]) * (3000 if n == 5 else 300) for n in range(12)]
    fill(journal, payloads)
    assert len(segment_paths(tmp_path)) > 3
    assert [r.payload for r in everything(journal)] == payloads
    journal.close()


def test_a_read_stops_at_its_limits_but_gives_at_least_one(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    for spans in (5, 5, 100, 1):
        asyncio.run(put(journal, b"x", spans=spans))

    def read(start: int, max_records: int, max_spans: int) -> list[int]:
        found = journal.read(start, max_records=max_records, max_spans=max_spans)
        return [record.sequence for record in found]

    assert read(1, 10, 11) == [1, 2]
    assert read(3, 10, 11) == [3]
    assert read(1, 3, 1000) == [1, 2, 3]
    assert read(4, 3, 1000) == [4]
    assert read(5, 3, 1000) == []
    journal.close()


def test_reads_may_jump_back_and_forth(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, segment_bytes=600)
    fill(journal, [bytes([n]) * 100 for n in range(20)])
    for start in (7, 8, 3, 20, 1, 2, 14):
        found = journal.read(start, max_records=2, max_spans=100)
        assert [r.sequence for r in found] == list(range(start, min(start + 2, 21)))
    journal.close()


def test_numbers_go_on_after_a_restart_even_when_all_is_loaded_and_gone(tmp_path: Path) -> None:
    for first in (1, 4, 7):
        journal = open_journal(tmp_path)
        assert journal.first_unreleased == first
        assert fill(journal, [b"a", b"b", b"c"]) == [first, first + 1, first + 2]
        journal.close()
        journal = open_journal(tmp_path)
        assert [r.sequence for r in journal.read(first, max_records=9, max_spans=9)] == [
            first,
            first + 1,
            first + 2,
        ]
        journal.release(first + 3)
        assert segment_paths(tmp_path) == []
        journal.close()


def test_the_id_stays(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    first = journal.journal_id
    journal.close()
    journal = open_journal(tmp_path)
    assert journal.journal_id == first
    assert len(first) == 32
    journal.close()


def test_release_never_goes_back_nor_beyond_what_exists(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    fill(journal, [b"a", b"b", b"c"])
    journal.release(3)
    journal.release(2)
    assert journal.first_unreleased == 3
    journal.release(1000)
    assert journal.first_unreleased == 4
    assert fill(journal, [b"d"]) == [4]
    assert journal.backlog().records == 1
    journal.close()


def test_loaded_segments_are_kept_for_the_retention_time(tmp_path: Path) -> None:
    """They can be loaded again, and still do not count as backlog."""
    journal = open_journal(tmp_path, segment_bytes=500, retention_seconds=3600)
    fill(journal, [bytes([n]) * 200 for n in range(8)])
    journal.release(9)
    assert len(everything(journal)) == 8
    assert journal.backlog() == Backlog(0, 0, 0.0)
    journal.close()


def test_the_backlog_tells_records_bytes_and_age(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, segment_bytes=500)
    assert journal.backlog() == Backlog(0, 0, 0.0)
    fill(journal, [bytes([n]) * 200 for n in range(8)])
    youngest = time.time() - RECEIVED_AT_NS / 1e9
    before = journal.backlog()
    oldest = time.time() - RECEIVED_AT_NS / 1e9
    assert before.records == 8
    assert before.bytes > 8 * 200
    assert youngest <= before.oldest_age_seconds <= oldest
    journal.release(5)
    after = journal.backlog()
    assert after.records == 4
    assert after.bytes < before.bytes
    journal.close()


async def test_a_full_journal_refuses_and_takes_again_after_release(tmp_path: Path) -> None:
    """The oldest record is never dropped to make room."""
    journal = open_journal(tmp_path, max_bytes=10_000)
    outcomes = await asyncio.gather(
        *(put(journal, b"x" * 1000) for _ in range(12)), return_exceptions=True
    )
    stored = sum(isinstance(outcome, int) for outcome in outcomes)
    assert 5 <= stored <= 9
    with pytest.raises(OverloadedError, match="not loaded yet"):
        await put(journal, b"x" * 1000)
    assert [r.sequence for r in everything(journal)] == list(range(1, stored + 1))
    journal.release(stored + 1)
    for _ in range(50):
        sequence = await put(journal, b"y" * 1000)
        journal.release(sequence + 1)
    journal.close()


async def test_one_large_loaded_record_does_not_block_a_small_journal(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, max_bytes=10_000)
    journal.release(await put(journal, b"x" * 9_000) + 1)
    journal.release(await put(journal, b"y" * 9_000) + 1)
    journal.close()


def test_wait_returns_when_the_record_is_there(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    assert not journal.wait(1, 0.0)
    answers: list[bool] = []
    waiter = threading.Thread(target=lambda: answers.append(journal.wait(2, 30.0)))
    waiter.start()
    fill(journal, [b"a", b"b"])
    waiter.join(120)
    assert answers == [True]
    assert journal.wait(1, 0.0)
    journal.close()


def test_a_second_collector_is_refused(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with pytest.raises(ConfigurationError, match="in use by another collector"):
        open_journal(tmp_path)
    journal.close()
    open_journal(tmp_path).close()


async def test_a_closed_journal_refuses(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.close()
    with pytest.raises(JournalUnavailableError, match="closed"):
        await put(journal, b"late")


def test_only_the_owner_can_read_what_is_stored(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    journal = open_journal(directory)
    fill(journal, [b"a"])
    journal.release(2)
    journal.set_aside(journal.read(1, max_records=1, max_spans=1)[0], "does not load")
    journal.close()
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [directory, *directory.rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_a_record_that_cannot_be_loaded_is_kept_with_its_reason(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    fill(journal, [b"bad"])
    journal.set_aside(journal.read(1, max_records=1, max_spans=1)[0], "code 26: cannot parse")
    stem = tmp_path / "dead_letters" / f"{1:020d}"
    assert stem.with_suffix(".pb").read_bytes() == b"bad"
    about = json.loads(stem.with_suffix(".json").read_bytes())
    assert (about["sequence"], about["tenant"]) == (1, "acme")
    assert about["reason"] == "code 26: cannot parse"
    journal.close()


async def test_a_cancelled_append_leaves_the_others_alone(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, max_bytes=1 << 30, linger_seconds=0.05)
    first = asyncio.create_task(put(journal, b"a"))
    second = asyncio.create_task(put(journal, b"b"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 2
    assert [r.payload for r in everything(journal)] == [b"a", b"b"]
    journal.close()


async def test_names_too_long_for_a_record_are_refused(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with pytest.raises(ConfigurationError, match="1024 bytes"):
        await journal.append(b"", workspace="w" * 1025, tenant="", span_count=0, received_at_ns=0)
    journal.close()


def test_a_missing_id_is_not_replaced_beside_segments(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    fill(journal, [b"a"])
    journal.close()
    (tmp_path / "journal_id").unlink()
    with pytest.raises(ConfigurationError, match="missing or damaged"):
        open_journal(tmp_path)
    assert len(segment_paths(tmp_path)) == 1


def test_segments_of_a_newer_version_are_left_alone(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    fill(journal, [b"a"])
    journal.close()
    (path,) = segment_paths(tmp_path)
    header = bytearray(path.read_bytes()[:36])
    header[6:8] = (2).to_bytes(2, "little")
    overwrite(path, 0, bytes(header) + zlib.crc32(header).to_bytes(4, "little"))
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="newer version"):
        open_journal(tmp_path)
    assert path.read_bytes() == before


async def test_a_loader_thread_reads_and_releases_while_requests_are_appended(
    tmp_path: Path,
) -> None:
    """Segments come and go meanwhile; every record is read once, in order."""
    journal = open_journal(tmp_path, segment_bytes=2000)
    total = 600
    loaded: list[bytes] = []

    def load() -> None:
        position = journal.first_unreleased
        while len(loaded) < total and journal.wait(position, 30.0):
            for record in journal.read(position, max_records=11, max_spans=1000):
                loaded.append(record.payload)
                position = record.sequence + 1
            journal.release(position)

    async def send(sender: int) -> None:
        for number in range(total // 20):
            await put(journal, b"%d:%d:" % (sender, number) + b"x" * (number * 7))

    loading = asyncio.create_task(asyncio.to_thread(load))
    await asyncio.gather(*(send(sender) for sender in range(20)))
    await loading
    assert len(set(loaded)) == len(loaded) == total
    for sender in range(20):
        own = [int(p.split(b":")[1]) for p in loaded if p.startswith(b"%d:" % sender)]
        assert own == sorted(own)
    assert journal.backlog() == Backlog(0, 0, 0.0)
    assert len(segment_paths(tmp_path)) == 1
    journal.close()
