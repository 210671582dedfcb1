"""F44: a day of load in small; `make soak` takes 20 minutes, the day is run by hand."""

from __future__ import annotations

import pytest
from benchmarks import soak


@pytest.mark.slow
def test_f44_load_while_the_collector_is_killed_and_stopped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """First kill -9, then SIGTERM: sent = acknowledged = stored, asserted by the soak itself."""
    soak.main(minutes=0.5, spans_per_second=200, senders=2, kills=2)
    told = capsys.readouterr().out.split()
    sent, acknowledged, stored = (
        told[told.index(word) + 1] for word in ("sent", "acknowledged", "stored")
    )
    assert sent == acknowledged == stored != "0"
