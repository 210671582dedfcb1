"""Fuzz the receivers for as long as one likes: other cases each time, memory and descriptors flat.

    python -m benchmarks.fuzz --minutes 60

Each target has its share of the time. A case that is answered otherwise than the contract says ends
the run: hypothesis prints the smallest one it can find.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from tests.support import fuzzing
from tests.support.receiving import MAX_REQUEST_BYTES, ReceiverProcess

_ROUND_EXAMPLES: Final = 200
_MB: Final = 1_000_000


def _fuzz(receiver: ReceiverProcess, name: str, seconds: float) -> int:
    """Cases that were sent."""
    send, cases = fuzzing.TARGETS[name]
    deadline = time.monotonic() + seconds
    sent: Counter[str] = Counter()

    @settings(
        max_examples=_ROUND_EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(cases)
    def run(case: Any) -> None:
        sent[name] += 1
        send(receiver, case)

    while time.monotonic() < deadline:
        run()
    fuzzing.is_well(receiver)
    return sent[name]


def main(*, minutes: float) -> None:
    """Print the figures; ends with an error where a bound is broken."""
    seconds = minutes * 60 / len(fuzzing.TARGETS)
    with ReceiverProcess() as receiver:
        for name in fuzzing.TARGETS:  # what is loaded lazily is there, and one bomb was unpacked
            _fuzz(receiver, name, 3)
        start_bytes, descriptors = receiver.resident_bytes(), receiver.descriptors()
        for name in fuzzing.TARGETS:
            cases = _fuzz(receiver, name, seconds)
            print(
                f"{name:10} {cases:9,} cases  resident {receiver.resident_bytes() / _MB:6.1f} MB"
                f"  peak {receiver.peak_bytes() / _MB:6.1f} MB"
                f"  descriptors {receiver.descriptors()}",
                flush=True,
            )
        grown_bytes = receiver.resident_bytes() - start_bytes
        assert receiver.alive()
        assert grown_bytes < 4 * MAX_REQUEST_BYTES, f"grown by {grown_bytes:,} bytes"
        assert receiver.descriptors() <= descriptors + 4, "descriptors leak"
        errors = receiver.end()
    assert "Traceback" not in errors, errors[-4000:]
    print(f"no 500, no crash; grown by {grown_bytes / _MB:.1f} MB since the first cases")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Fuzz the receivers.")
    parser.add_argument("--minutes", type=float, default=10.0)
    main(minutes=parser.parse_args().minutes)
