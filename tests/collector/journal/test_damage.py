"""Torn tails, flipped bits, garbage: damage costs the damaged record and is reported."""

import random
import zlib
from pathlib import Path

import pytest
from tests.collector.journal.disk import (
    everything,
    fill,
    flip,
    open_journal,
    overwrite,
    positions,
    segment_paths,
)

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.journal.record import Record, encode_header

_PAYLOADS = [bytes([n]) * 150 for n in range(10)]


@pytest.fixture(name="directory")
def _directory(tmp_path: Path) -> Path:
    """A closed journal with ten records in one segment."""
    directory = tmp_path / "journal"
    journal = open_journal(directory)
    fill(journal, _PAYLOADS)
    journal.close()
    return directory


def _payloads(directory: Path) -> list[bytes]:
    journal = open_journal(directory)
    try:
        return [record.payload for record in everything(journal)]
    finally:
        journal.close()


@pytest.mark.parametrize("restarts", [1, 2])
@pytest.mark.parametrize("end", ["torn", "flipped"])
def test_nobody_waits_for_records_that_cannot_be_read(
    directory: Path, end: str, restarts: int
) -> None:
    """When the rest of the journal is damaged, a loader has nothing to do until more comes."""
    (path,) = segment_paths(directory)
    for _ in range(restarts - 1):
        overwrite(path, path.stat().st_size, b"torn")
        open_journal(directory).close()
    journal = open_journal(directory)
    if end == "flipped":
        flip(path, list(positions(directory, path))[9][1])
    journal.release(10 if end == "flipped" else 11)
    assert journal.read(journal.first_unreleased, max_records=9, max_spans=9) == []
    assert not journal.wait(journal.first_unreleased, 0)
    assert journal.backlog().records == 0
    (sequence,) = fill(journal, [b"more"])
    assert journal.wait(journal.first_unreleased, 0)
    (record,) = journal.read(journal.first_unreleased, max_records=9, max_spans=9)
    assert (record.sequence, record.payload) == (sequence, b"more")
    journal.close()


@pytest.mark.parametrize(
    ("filler", "step"),
    [(b"", 1), (b"\0" * 4096, 11), (b"\xff" * 50, 11)],
    ids=["cut", "zeros", "garbage"],
)
def test_a_tail_torn_at_any_byte_costs_the_last_record_only(
    directory: Path, filler: bytes, step: int
) -> None:
    """1 to 100 bytes are missing, with nothing, reserved zeros or garbage after the tear."""
    (path,) = segment_paths(directory)
    whole = path.read_bytes()
    for missing in range(1, 101, step):
        for old in segment_paths(directory):
            old.unlink()
        path.write_bytes(whole[:-missing] + filler)
        journal = open_journal(directory)
        assert [r.payload for r in everything(journal)] == _PAYLOADS[:-1]
        assert journal.damages.torn_bytes > 0
        (sequence,) = fill(journal, [b"after"])
        assert sequence > 10, "a number that may have been used is not used again"
        assert everything(journal)[-1].payload == b"after"
        journal.close()


def test_a_torn_tail_is_kept_aside(directory: Path) -> None:
    (path,) = segment_paths(directory)
    path.write_bytes(path.read_bytes()[:-20])
    *_, (start, _, _) = positions(directory, path.with_name(path.name))
    expected = path.read_bytes()[start:] if start > 0 else b""
    journal = open_journal(directory)
    journal.close()
    kept = [file.read_bytes() for file in (directory / "quarantine").iterdir()]
    assert len(kept) == 1
    assert expected.endswith(kept[0])


def test_reserved_zeros_at_the_end_are_no_damage(directory: Path) -> None:
    """A crash right after a sync leaves the reserved rest of the segment."""
    (path,) = segment_paths(directory)
    path.write_bytes(path.read_bytes() + bytes(10_000))
    journal = open_journal(directory)
    assert [r.payload for r in everything(journal)] == _PAYLOADS
    assert journal.damages.ranges == 0
    assert fill(journal, [b"next"]) == [11]
    journal.close()


def test_any_flipped_bit_costs_one_record(directory: Path) -> None:
    """Whatever bit of records 1 to 9 flips: nine of ten come back, none altered."""
    (path,) = segment_paths(directory)
    whole = path.read_bytes()
    *_, (last, _, _) = positions(directory, path)
    chooser = random.Random(4711)  # noqa: S311 - repeatable choice of bits
    for _ in range(150):
        at = chooser.randrange(40, last)
        flip(path, at, chooser.randrange(8))
        journal = open_journal(directory)
        found = [r.payload for r in everything(journal)]
        assert len(found) == 9
        assert set(found) < set(_PAYLOADS)
        assert journal.damages.ranges == 1
        journal.close()
        path.write_bytes(whole)


def test_damaged_bytes_are_kept_and_counted_once(directory: Path) -> None:
    (path,) = segment_paths(directory)
    start, payload, end = list(positions(directory, path))[4]
    flip(path, payload + 7)
    harmed = path.read_bytes()[start:end]
    journal = open_journal(directory)
    everything(journal)
    everything(journal)
    assert (journal.damages.ranges, journal.damages.bytes) == (1, end - start)
    (kept,) = (directory / "quarantine").iterdir()
    assert kept.read_bytes() == harmed
    journal.close()


def test_a_zeroed_page_costs_the_records_on_it(directory: Path) -> None:
    (path,) = segment_paths(directory)
    spans = list(positions(directory, path))
    overwrite(path, spans[3][0] + 5, bytes(spans[5][2] - spans[3][0] - 10))
    found = _payloads(directory)
    assert found == _PAYLOADS[:3] + _PAYLOADS[6:]


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0, 0x80000000, 151])
def test_a_length_of_garbage_is_not_believed(directory: Path, length: int) -> None:
    """Neither memory is taken for it nor are records skipped."""
    (path,) = segment_paths(directory)
    start, _, _ = list(positions(directory, path))[2]
    overwrite(path, start + 12, length.to_bytes(4, "little"))
    assert _payloads(directory) == _PAYLOADS[:2] + _PAYLOADS[3:]


def test_a_record_inside_a_payload_never_becomes_one(tmp_path: Path) -> None:
    """A sender who writes journal records into its payload gains nothing from damage."""
    forged = Record(2, "victim", "", 1, 1, b"forged")
    payload = b"".join(encode_header(forged, salt) + forged.payload for salt in (0, 1, 0xFFFFFFFF))
    journal = open_journal(tmp_path)
    fill(journal, [b"first", payload, b"third"])
    journal.close()
    (path,) = segment_paths(tmp_path)
    start, _, _ = list(positions(tmp_path, path))[1]
    flip(path, start)
    assert _payloads(tmp_path) == [b"first", b"third"]


def test_damage_in_an_older_segment_does_not_stop_the_start(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, segment_bytes=600)
    payloads = [bytes([n]) * 150 for n in range(20)]
    fill(journal, payloads)
    journal.close()
    first, second, *_ = segment_paths(tmp_path)
    overwrite(first, 0, b"\xaa" * first.stat().st_size)
    second.unlink()
    journal = open_journal(tmp_path)
    found = [r.payload for r in everything(journal)]
    assert found == payloads[-len(found) :]
    assert len(found) >= 10
    assert fill(journal, [b"next"]) == [21]
    journal.close()


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"\xff\xfe", "other"])
def test_a_lost_checkpoint_means_loading_again(
    directory: Path, content: bytes | str | None
) -> None:
    journal = open_journal(directory)
    journal.release(6)
    journal.close()
    checkpoint = directory / "checkpoint"
    if content is None:
        checkpoint.unlink()
    elif isinstance(content, str):
        text = f"{'0' * 32} 999"
        checkpoint.write_text(f"{text} {zlib.crc32(text.encode()):08x}\n")
    else:
        checkpoint.write_bytes(content)
    journal = open_journal(directory)
    assert journal.first_unreleased == 1
    assert len(everything(journal)) == 10
    journal.close()


def test_a_segment_of_another_journal_is_put_aside(directory: Path, tmp_path: Path) -> None:
    other = open_journal(tmp_path / "other")
    fill(other, [b"foreign"])
    other.close()
    (foreign,) = segment_paths(tmp_path / "other")
    target = directory / "segments" / f"{500:020d}.seg"
    target.write_bytes(foreign.read_bytes())
    journal = open_journal(directory)
    assert [r.payload for r in everything(journal)] == _PAYLOADS
    assert journal.damages.foreign_segments == 1
    assert (directory / "quarantine" / target.name).exists()
    journal.close()


def test_a_segment_copied_twice_is_not_read_twice(directory: Path) -> None:
    (path,) = segment_paths(directory)
    path.with_name(f"{5:020d}.seg").write_bytes(path.read_bytes())
    assert _payloads(directory) == _PAYLOADS


def test_a_damaged_id_is_refused(directory: Path) -> None:
    (directory / "journal_id").write_bytes(b"\xff\xff")
    with pytest.raises(ConfigurationError, match="missing or damaged"):
        open_journal(directory)


def test_an_unfinished_new_segment_is_replaced(directory: Path) -> None:
    """A crash while a segment is created leaves an empty or half-written file."""
    (directory / "segments" / f"{11:020d}.seg").write_bytes(b"SLJ")
    journal = open_journal(directory)
    assert [r.payload for r in everything(journal)] == _PAYLOADS
    assert fill(journal, [b"next"]) == [11]
    journal.close()


def test_numbers_of_rotten_records_are_never_used_again(directory: Path) -> None:
    """They may be loaded already: another record with such a number would be taken for a copy."""
    (path,) = segment_paths(directory)
    start, _, _ = list(positions(directory, path))[6]
    overwrite(path, start, b"\xaa" * (path.stat().st_size - start))
    for _ in range(3):
        open_journal(directory).close()
    journal = open_journal(directory)
    assert len(everything(journal)) == 6
    assert fill(journal, [b"next"])[0] > 10
    journal.close()


def test_nothing_is_waited_for_where_numbers_were_skipped(directory: Path) -> None:
    """A loader that has everything sleeps, although the next number is far away."""
    (path,) = segment_paths(directory)
    path.write_bytes(path.read_bytes() + b"torn" * 50)
    journal = open_journal(directory)
    journal.release(11)
    assert not journal.wait(journal.first_unreleased, 0)
    assert journal.backlog().records == 0
    fill(journal, [b"next"])
    assert journal.wait(journal.first_unreleased, 0)
    (record,) = journal.read(journal.first_unreleased, max_records=9, max_spans=9)
    assert record.payload == b"next"
    journal.release(record.sequence + 1)
    assert not journal.wait(journal.first_unreleased, 0)
    journal.close()


def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        open_journal(tmp_path / "file")
