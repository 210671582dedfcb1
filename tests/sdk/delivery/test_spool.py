"""The spool as a file format and a set of locks: what is damaged, full, shared, left behind."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from spanledger._delivery import spool as spool_module
from spanledger._delivery.spool import MAGIC, SEGMENT_BYTES, Spool
from spanledger._delivery.spooled_spans import from_bytes, to_bytes
from spanledger.errors import ConfigurationError

CAPACITY = 64 * 1024 * 1024


def everything(spool: Spool) -> list[bytes]:
    """All that was left behind, delivered."""
    found: list[bytes] = []
    while part := spool.adopt():
        for data, kept in part:
            found.append(data)
            kept.settle()
    return found


def keep(spool: Spool, records: Sequence[bytes]) -> None:
    for record in records:
        assert spool.keep(record) is not None


@contextmanager
def abandoned(records: Sequence[bytes]) -> Generator[Path]:
    """The segment of a process that is gone, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder), CAPACITY)
        keep(spool, records)
        spool.close()
        [path] = Path(folder).iterdir()
        yield path


def test_what_is_left_comes_back_in_order_and_once(tmp_path: Path) -> None:
    first = Spool(tmp_path, CAPACITY)
    records = [b"%d" % number * 100 for number in range(50)]
    keep(first, records)
    second = Spool(tmp_path, CAPACITY)
    assert everything(second) == []  # the first is alive, and holds its lock
    first.close()
    third = Spool(tmp_path, CAPACITY)
    assert everything(third) == records
    assert list(tmp_path.iterdir()) == []
    assert everything(Spool(tmp_path, CAPACITY)) == []


def test_what_is_delivered_leaves_nothing(tmp_path: Path) -> None:
    """Over many segments; the current one is emptied, and goes with the process."""
    spool = Spool(tmp_path, CAPACITY)
    for _ in range(20):
        kept = [spool.keep(b"x" * 50_000) for _ in range(3)]
        for one in kept:
            assert one is not None
            one.settle()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= SEGMENT_BYTES
    assert spool.left() == 0
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_what_was_given_up_is_adopted_again_by_the_same_process(tmp_path: Path) -> None:
    spool = Spool(tmp_path, CAPACITY)
    kept = [spool.keep(data) for data in (b"one", b"two", b"three")]
    assert all(kept)
    for number, one in enumerate(kept):
        assert one is not None
        assert spool.adopt() == []  # some are still on their way
        one.settle() if number == 1 else one.leave()
    assert everything(spool) == [b"one", b"two", b"three"]  # nobody knows which were delivered
    assert spool.left() == 0


@settings(max_examples=60, deadline=None)
@given(records=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=6), data=st.data())
def test_a_tail_torn_at_any_byte_costs_the_last_record_only(
    records: list[bytes], data: st.DataObject
) -> None:
    with abandoned(records) as path:
        size = path.stat().st_size
        cut = data.draw(st.integers(1, 8 + len(records[-1])))
        os.truncate(path, size - cut)
        assert everything(Spool(path.parent, CAPACITY)) == records[:-1]
        assert list(path.parent.iterdir()) == []


@settings(max_examples=60, deadline=None)
@given(records=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=6), data=st.data())
def test_any_flipped_bit_costs_one_record(records: list[bytes], data: st.DataObject) -> None:
    """And never invents one."""
    with abandoned(records) as path:
        content = bytearray(path.read_bytes())
        bit = data.draw(st.integers(0, 8 * len(content) - 1))
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        found = everything(Spool(path.parent, CAPACITY))
    assert len(found) >= len(records) - 1
    left = iter(records)
    assert all(record in left for record in found), "in order, and only what was written"


def test_a_length_of_garbage_is_not_believed(caplog: pytest.LogCaptureFixture) -> None:
    with abandoned([b"one", b"two"]) as path:
        content = path.read_bytes()
        huge = b"\xff\xff\xff\xff"
        path.write_bytes(content[: len(MAGIC)] + huge + content[len(MAGIC) + 4 :])
        assert everything(Spool(path.parent, CAPACITY)) == [b"two"]
    assert "are damaged" in caplog.text


def test_it_is_bounded_and_tells(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool(tmp_path, 4 * SEGMENT_BYTES)
    taken = [spool.keep(b"x" * 10_000) for _ in range(200)]
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert size <= 4 * SEGMENT_BYTES
    assert spool.refused == taken.count(None) > 0
    assert caplog.text.count("is full") == 1
    for one in taken:
        if one is not None:
            one.settle()
    assert spool.keep(b"room again") is not None


def test_a_record_larger_than_a_segment_has_one_of_its_own(tmp_path: Path) -> None:
    spool = Spool(tmp_path, CAPACITY)
    keep(spool, [b"small", b"x" * (2 * SEGMENT_BYTES), b"small too"])
    spool.close()
    found = everything(Spool(tmp_path, CAPACITY))
    assert sorted(map(len, found)) == [5, 9, 2 * SEGMENT_BYTES]


def test_a_failed_sync_is_never_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path, CAPACITY)
    calls: list[int] = []

    def failing(descriptor: int) -> None:
        calls.append(descriptor)
        raise OSError(5, "Input/output error")

    keep(spool, [b"good"])
    monkeypatch.setattr(spool_module, "_sync", failing)
    assert spool.keep(b"doubtful") is not None  # it may be there: it is sent again if it is
    monkeypatch.undo()
    assert spool.keep(b"later") is None
    assert len(calls) == 1
    assert "is not used any more" in caplog.text


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs limits of files")
def test_a_full_disk_costs_the_record_and_not_the_program(tmp_path: Path) -> None:
    """A write cut short by the system, in a process of its own; what was there stays readable."""
    program = f"""
import pathlib, resource
from spanledger._delivery.spool import Spool
spool = Spool(pathlib.Path({str(tmp_path)!r}), 10**9)
assert spool.keep(b"a" * 1000)
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, most))
print(spool.keep(b"b" * 1000), spool.keep(b"c" * 1000), spool.refused)
"""
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    assert finished.stdout.split() == ["None", "None", "2"]
    assert finished.stderr.count("cannot be written") == 1
    assert everything(Spool(tmp_path, CAPACITY)) == [b"a" * 1000]


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        Spool(tmp_path / "file", CAPACITY)


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    """Only segments are looked at; a link is not followed."""
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "elsewhere").write_bytes(MAGIC + b"\x03\x00\x00\x00")
    (tmp_path / "link.spool").symlink_to(tmp_path / "elsewhere")
    spool = Spool(tmp_path, CAPACITY)
    assert everything(spool) == []
    spool.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "elsewhere",
        "link.spool",
        "notes.txt",
    ]


# --- spans as bytes and back ----------------------------------------------------------------------
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_SCALAR = st.one_of(
    _TEXT, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)
)
_VALUE = st.one_of(
    _SCALAR,
    st.lists(_TEXT, max_size=3).map(tuple),
    st.lists(st.integers(-5, 5), max_size=3).map(tuple),
)
_ATTRIBUTES = st.dictionaries(st.text("abc.", min_size=1, max_size=8), _VALUE, max_size=5)
_TIME = st.integers(0, 2**63)
_CONTEXT = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.just(TraceFlags(1)),
    st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "x"])).map(
        lambda given: TraceState(list(given.items()))
    ),
)
_SPANS = st.builds(
    ReadableSpan,
    name=_TEXT,
    context=_CONTEXT,
    parent=st.none() | _CONTEXT,
    resource=st.builds(Resource, _ATTRIBUTES, st.sampled_from(["", "https://schema/1"])),
    attributes=_ATTRIBUTES,
    events=st.lists(st.builds(Event, _TEXT, _ATTRIBUTES, _TIME), max_size=2),
    links=st.lists(st.builds(Link, _CONTEXT, _ATTRIBUTES), max_size=2),
    kind=st.sampled_from(SpanKind),
    status=st.builds(Status, st.just(StatusCode.ERROR), _TEXT) | st.just(Status(StatusCode.OK)),
    start_time=_TIME,
    end_time=_TIME,
    instrumentation_scope=st.builds(
        InstrumentationScope, _TEXT, _TEXT, st.sampled_from(["", "https://schema/1"]), _ATTRIBUTES
    ),
)


@settings(max_examples=150, deadline=None)
@given(_SPANS)
def test_a_span_that_comes_back_is_the_one_that_went(span: ReadableSpan) -> None:
    data = to_bytes(span)
    assert to_bytes(from_bytes(data)) == data


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_span_are_told_apart(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_bytes(data)
