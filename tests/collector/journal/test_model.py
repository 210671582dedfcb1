"""Random histories of a journal against a list: append, read, release, restart, crash, damage."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.collector.journal.disk import (
    everything,
    flip,
    open_journal,
    positions,
    put,
    segment_paths,
)

from spanledger_collector.journal import Journal

_SEGMENT_BYTES = 700


class JournalModel(RuleBasedStateMachine):
    """The model is what was acknowledged, by sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="journal-model-"))
        self.loop = asyncio.new_event_loop()
        self.journal: Journal
        self.acknowledged: dict[int, bytes] = {}
        self.damaged: set[int] = set()
        self.released = 0
        self.highest = 0

    @initialize()
    def open(self) -> None:
        self.journal = open_journal(self.directory, segment_bytes=_SEGMENT_BYTES)

    @rule(payloads=st.lists(st.binary(max_size=300), min_size=1, max_size=8))
    def append_together(self, payloads: list[bytes]) -> None:
        async def run() -> list[int]:
            return await asyncio.gather(*(put(self.journal, payload) for payload in payloads))

        sequences = self.loop.run_until_complete(run())
        assert min(sequences) > self.highest, "numbers grow and never repeat"
        assert len(set(sequences)) == len(sequences)
        self.highest = max(sequences)
        self.acknowledged.update(zip(sequences, payloads, strict=True))

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        before = data.draw(st.integers(0, self.highest + 1))
        self.journal.release(before)
        self.released = max(self.released, before)

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.open()

    @rule(tail=st.binary(max_size=60), reserved=st.integers(0, 500))
    def crash(self, tail: bytes, reserved: int) -> None:
        """The end of a crash: the last segment has a torn write and reserved zeros behind it."""
        self.journal.close()
        if paths := segment_paths(self.directory):
            with paths[-1].open("ab") as file:
                file.write(tail + bytes(reserved))
        self.open()

    @precondition(lambda self: bool(self.acknowledged))
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """A bit of any stored record flips while the journal is closed."""
        self.journal.close()
        path = data.draw(st.sampled_from(segment_paths(self.directory) or [None]))
        if path is not None and (records := list(positions(self.directory, path))):
            index = data.draw(st.integers(0, len(records) - 1))
            start, _, end = records[index]
            header = path.read_bytes()[start:end]
            self.damaged.add(int.from_bytes(header[16:24], "little"))
            flip(path, data.draw(st.integers(start, end - 1)), data.draw(st.integers(0, 7)))
        self.open()

    @rule(data=st.data())
    def read_from_anywhere(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, self.highest + 2))
        wanted = data.draw(st.integers(1, 5))
        found = self.journal.read(start, max_records=wanted, max_spans=1000)
        sequences = [record.sequence for record in found]
        assert sequences == sorted(sequences)
        assert all(sequence >= start for sequence in sequences)
        assert all(self.acknowledged[r.sequence] == r.payload for r in found)

    @invariant()
    def everything_unreleased_is_there(self) -> None:
        if not hasattr(self, "journal"):
            return
        found = {record.sequence: record.payload for record in everything(self.journal)}
        assert found.items() <= self.acknowledged.items(), "nothing is invented or altered"
        needed = {s for s in self.acknowledged if s >= self.released} - self.damaged
        assert needed <= found.keys(), "nothing acknowledged is lost"
        assert not self.damaged & found.keys()
        assert self.journal.first_unreleased >= self.released

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.journal.close()
        self.loop.close()
        shutil.rmtree(self.directory)


JournalModel.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestJournalModel = JournalModel.TestCase
