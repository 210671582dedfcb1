"""The disk is full, or fails: nothing unsafe is acknowledged, and it heals by itself."""

import errno
import os
import resource
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.collector.journal.disk import everything, open_journal, put, segment_paths

from spanledger_collector.errors import JournalUnavailableError
from spanledger_collector.journal import Journal, durable


@pytest.fixture(name="journal")
def _journal(tmp_path: Path) -> Generator[Journal, None, None]:
    journal = open_journal(tmp_path)
    yield journal
    journal.close()


@pytest.fixture(name="file_size_limit")
def _file_size_limit() -> Generator[None, None, None]:
    """Whatever a test sets is taken back."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _limit_file_size(size: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


@pytest.mark.usefixtures("file_size_limit")
async def test_a_write_cut_short_by_the_system_is_not_acknowledged(
    journal: Journal, tmp_path: Path
) -> None:
    """The kernel takes half a record (RLIMIT_FSIZE), then refuses; later all is well again."""
    await put(journal, b"a" * 1000)
    (path,) = segment_paths(tmp_path)
    _limit_file_size(1600)
    with pytest.raises(JournalUnavailableError, match="File too large"):
        await put(journal, b"b" * 1000)
    assert path.stat().st_size < 1600, "the half record is cut off"
    with pytest.raises(JournalUnavailableError):
        await put(journal, b"c" * 1000)
    _limit_file_size(resource.RLIM_INFINITY)
    sequence = await put(journal, b"d" * 1000)
    assert sequence == 4
    assert [r.payload[:1] for r in everything(journal)] == [b"a", b"d"]


async def test_a_full_disk_refuses_until_there_is_room(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable, "reserve", full)
    for _ in range(2):
        with pytest.raises(JournalUnavailableError, match="No space left on device"):
            await put(journal, b"x")
    assert segment_paths(tmp_path) == []
    monkeypatch.undo()
    await put(journal, b"y")
    assert [r.payload for r in everything(journal)] == [b"y"]


async def test_a_failed_sync_is_never_tried_again_on_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After EIO the kernel may report success although the pages are gone."""
    journal = open_journal(tmp_path)
    await put(journal, b"good")
    synced: list[str] = []
    real = durable.sync_data

    def fail_once(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        if len(synced) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    monkeypatch.setattr(durable, "sync_data", fail_once)
    with pytest.raises(JournalUnavailableError, match="Input/output error"):
        await put(journal, b"lost")
    await put(journal, b"again")
    assert len(set(synced)) == 2
    journal.close()
    journal = open_journal(tmp_path)
    assert [r.payload for r in everything(journal)] == [b"good", b"again"]
    assert journal.damages.ranges == 0
    journal.close()


async def test_a_checkpoint_that_cannot_be_written_releases_nothing(
    journal: Journal, tmp_path: Path
) -> None:
    await put(journal, b"a")
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(JournalUnavailableError, match="checkpoint"):
        journal.release(2)
    assert journal.first_unreleased == 1
    (tmp_path / "checkpoint").rmdir()
    journal.release(2)
    assert journal.first_unreleased == 2


async def test_an_unforeseen_error_is_told_to_whoever_waits(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(durable, "write_all", broken)
    with pytest.raises(ZeroDivisionError):
        await put(journal, b"x")
    monkeypatch.undo()
    await put(journal, b"y")
