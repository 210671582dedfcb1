"""F2: whichever call on the disk is the last one, or fails: what was acknowledged is there, once.

Appends, the change of segments, checkpoints, deletions and dead letters are one sequence of calls;
each of them in turn is where the process dies, or what fails while the process goes on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.collector.journal.disk import PLENTY, everything, fill, open_journal, put
from tests.collector.journal.faulty_calls import Fault, FaultyCalls

from spanledger_collector.errors import CollectorError, JournalUnavailableError
from spanledger_collector.journal import Journal
from spanledger_collector.journal.dead_letters import DeadLetters

#: Three records fill a segment.
_SEGMENT_BYTES = 1500
_PAYLOADS = [b"%02d" % number * 200 for number in range(6)]
_TRIES = 3


@dataclass
class _Told:
    """What the sender and the loader were told."""

    acknowledged: dict[int, bytes] = field(default_factory=dict[int, bytes])
    released: int = 0
    set_aside: set[int] = field(default_factory=set[int])


async def _sent(journal: Journal, payload: bytes, told: _Told) -> None:
    """Send until it is taken, as an exporter does."""
    for _ in range(_TRIES):
        try:
            told.acknowledged[await put(journal, payload)] = payload
        except JournalUnavailableError:
            continue
        return


def _use(folder: Path, told: _Told) -> None:
    journal = open_journal(folder, segment_bytes=_SEGMENT_BYTES)
    try:
        for number, payload in enumerate(_PAYLOADS):
            asyncio.run(_sent(journal, payload, told))
            if number % 3 == 2:
                _load(journal, told)
    finally:
        journal.close()


def _load(journal: Journal, told: _Told) -> None:
    """All but the newest is loaded; the oldest of them cannot be, and is set aside."""
    records = everything(journal)
    if len(records) < 2:
        return
    try:
        journal.set_aside(records[0], "refused")
        told.set_aside.add(records[0].sequence)
        told.released = max(told.released, records[-1].sequence)
        journal.release(records[-1].sequence)
    except JournalUnavailableError:
        return


def _run(
    folder: Path, patch: pytest.MonkeyPatch, fault: Fault, at: int
) -> tuple[_Told, FaultyCalls]:
    told = _Told()
    with patch.context() as patched:
        calls = FaultyCalls(folder, patched, fault, at)
        try:
            _use(folder, told)
        except CollectorError:
            assert calls.happened  # it did not even open
    return told, calls


def _check(folder: Path, told: _Told, fault: Fault, place: tuple[int, str]) -> None:
    again = open_journal(folder, segment_bytes=_SEGMENT_BYTES)
    found = everything(again)
    by_number = {record.sequence: record.payload for record in found}
    assert len(by_number) == len(found), place
    kept = {number: one for number, one in told.acknowledged.items() if number >= told.released}
    assert kept.items() <= by_number.items(), place
    assert told.set_aside <= {letter.sequence for letter in DeadLetters(folder).all()}, place
    copies = Counter(by_number.values())
    assert set(copies) <= set(_PAYLOADS), place
    # A refused one is nowhere, so that sending it again makes no copy.
    assert max(copies.values(), default=0) <= 1, place
    if fault == "fails":
        assert set(kept) == {number for number in by_number if number >= told.released}, place
    [new] = fill(again, [b"afterwards"])
    assert new > max([0, *told.acknowledged]), place
    assert {record.sequence: record.payload for record in everything(again)}[new] == b"afterwards"
    assert again.damages.ranges <= 1, place
    again.close()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["dies", "fails"])
def test_f2_each_call_on_the_disk(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, calls = _run(tmp_path / "well", monkeypatch, fault, 0)
    assert {
        "pwritev",
        "fdatasync",
        "fsync",
        "replace",
        "unlink",
        "posix_fallocate",
        "ftruncate",
    } <= set(calls.calls)
    for at, name in enumerate(calls.calls, 1):
        folder = tmp_path / f"{at}"
        told, done = _run(folder, monkeypatch, fault, at)
        assert done.happened
        assert done.calls[at - 1] == name, "the same calls each time"
        _check(folder, told, fault, (at, name))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["dies", "fails"])
def test_f2_each_call_of_giving_dead_letters_back(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a letter or in the journal, and all letters can be listed whatever happened."""
    at, happened = 0, True
    while happened:
        at += 1
        folder = tmp_path / f"{at}"
        letters = _two_letters(folder)
        with monkeypatch.context() as patched:
            calls = FaultyCalls(folder, patched, fault, at)
            with suppress(CollectorError):
                letters.give_back(letters.all(), max_bytes=PLENTY)
        happened = calls.happened
        left = {letters.payload(letter.sequence) for letter in letters.all()}
        assert left | _journaled(folder) == set(_PAYLOADS[:2]), (at, calls.calls)
        letters.give_back(letters.all(), max_bytes=PLENTY)
        assert _journaled(folder) == set(_PAYLOADS[:2]), (at, calls.calls)
        assert letters.all() == [], (at, calls.calls)
    assert at > 10


def _two_letters(folder: Path) -> DeadLetters:
    journal = open_journal(folder)
    fill(journal, _PAYLOADS[:2])
    for record in everything(journal):
        journal.set_aside(record, "refused")
    journal.release(3)
    journal.close()
    return DeadLetters(folder)


def _journaled(folder: Path) -> set[bytes]:
    journal = open_journal(folder)
    try:
        found = everything(journal)
        return {record.payload for record in found if record.sequence >= 3}
    finally:
        journal.close()
