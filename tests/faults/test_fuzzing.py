"""F32: every receiver under harmed input, over real sockets: no crash, no 500, memory bounded.

The same cases each time; ``python -m benchmarks.fuzz --minutes 60`` draws others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import fuzzing
from tests.support.receiving import MAX_REQUEST_BYTES, ReceiverProcess

_EXAMPLES = 50


@pytest.fixture(scope="module")
def receiver() -> Iterator[ReceiverProcess]:
    with ReceiverProcess() as running:
        fuzzing.is_well(running)
        yield running
        assert running.alive()
        logged = running.end()
        assert "Traceback" not in logged, logged


@pytest.mark.parametrize("name", fuzzing.TARGETS)
def test_f32_harmed_input_is_refused_or_understood(name: str, receiver: ReceiverProcess) -> None:
    send, cases = fuzzing.TARGETS[name]
    before_bytes = receiver.peak_bytes()

    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(case=st.shared(cases, key=name))
    def run(case: Any) -> None:
        send(receiver, case)

    run()
    fuzzing.is_well(receiver)
    # One request at a time: its body unpacked, parsed and encoded again, and what the interpreter
    # keeps for later.
    assert receiver.peak_bytes() - before_bytes < 16 * MAX_REQUEST_BYTES


def test_f32_what_a_peer_says_goes_into_no_log() -> None:
    """A GOAWAY has a text of the peer's: it could forge lines, or move the cursor of a terminal."""
    text = b"\nFORGED LINE\x1b[2J"
    goaway = (8 + len(text)).to_bytes(3, "big") + b"\x07" + bytes(12) + b"\x0b" + text
    settings_frame = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    with ReceiverProcess() as receiver:
        fuzzing.raw_grpc(receiver, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings_frame + goaway)
        fuzzing.is_well(receiver)
        assert "FORGED" not in receiver.end()
