"""What devices drew, from their readings: pure."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.gpu.measured import GAP, Drawn, Kind, Reading, drawn

S = 10**9
BEGIN, END = 600 * S, 1200 * S


def _readings(
    kind: Kind, told: Sequence[tuple[float, float]], device: str = "a", began_s: float = 0
) -> list[Reading]:
    return [Reading(device, kind, int(began_s * S), int(at * S), value) for at, value in told]


def _counter(watts: float, every_s: int = 60, device: str = "a") -> list[Reading]:
    """A counter that begins anywhere, read from before the window until after it."""
    told = [(at, 7e9 + watts * at) for at in range(500, 1400, every_s)]
    return _readings("cumulative", told, device)


def _is(found: Drawn, joules: float, known_ns: int) -> None:
    assert (found.joules, found.known_ns) == (pytest.approx(joules), known_ns)


def test_a_counter_tells_what_was_drawn_between_any_two_moments() -> None:
    """Cut at the edges of the window, whatever the times of its readings."""
    _is(drawn(_counter(300.0), BEGIN, END), 300.0 * 600, END - BEGIN)


@given(st.lists(st.integers(540, 1260), min_size=2, max_size=60), st.integers(600, 1200))
def test_the_energy_of_two_halves_is_that_of_the_whole(times: list[int], cut_s: int) -> None:
    """Windows share nothing and lose nothing, at any place."""
    told = _readings("cumulative", [(at, 250.0 * at) for at in sorted({*times, 540, 1260})])
    whole = drawn(told, BEGIN, END)
    halves = [drawn(told, BEGIN, cut_s * S), drawn(told, cut_s * S, END)]
    assert sum(half.joules for half in halves) == pytest.approx(whole.joules)
    assert sum(half.known_ns for half in halves) == whole.known_ns


def test_devices_are_summed() -> None:
    """Each has its own counter."""
    told = _counter(300.0) + _counter(100.0, device="b")
    _is(drawn(told, BEGIN, END), 400.0 * 600, 2 * (END - BEGIN))


def test_power_is_even_between_its_readings() -> None:
    """The mean of both ends."""
    told = _readings("power", [(600, 100.0), (700, 300.0), (800, 300.0)])
    _is(drawn(told, BEGIN, END), 200.0 * 100 + 300.0 * 100, 200 * S)


def test_the_counter_is_used_rather_than_power() -> None:
    """It misses nothing between two readings; power is used where it says more of the time."""
    power = _readings("power", [(at, 900.0) for at in range(540, 1300, 60)])
    assert drawn(_counter(300.0) + power, BEGIN, END).joules == pytest.approx(300.0 * 600)
    short = _readings("cumulative", [(600, 0.0), (660, 6000.0)])
    assert drawn(short + power, BEGIN, END).joules == pytest.approx(900.0 * 600)


def test_deltas_of_two_processes_count_once() -> None:
    """Both tell the same device; the first delta of each holds all since the driver was loaded."""
    told = [Reading("a", "delta", 0, 601 * S, 7e9)]
    for shift in (0, 25):
        told += [
            Reading("a", "delta", (at - 60 + shift) * S, (at + shift) * S, 300.0 * 60)
            for at in range(600, 1300, 60)
        ]
    _is(drawn(told, BEGIN, END), 300.0 * 600, END - BEGIN)


@pytest.mark.parametrize(
    "told",
    [
        [],
        _readings("cumulative", [(700, 5.0)]),
        _readings("power", [(700, 300.0)]),
        _readings("cumulative", [(700, 5e9), (760, 3.0)]),  # the driver was loaded anew
        _readings("cumulative", [(700, 0.0), (760, 3001.0 * 60)]),  # no board draws that
        _readings("power", [(650, 300.0), (651 + GAP.total_seconds(), 300.0)]),
        _readings("cumulative", [(100, 0.0), (160, 60.0)]),
        _readings("cumulative", [(700, 0.0), (700, 60.0)]),
    ],
)
def test_what_says_nothing_of_the_window_is_not_known(told: list[Reading]) -> None:
    """Not zero: no time of it is known."""
    assert drawn(told, BEGIN, END) == Drawn(0.0, 0)
