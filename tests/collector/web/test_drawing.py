"""Numbers as people read them, and places on drawings: laws that hold for any figures."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import fields, replace
from datetime import datetime, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanledger_collector.query import CostPathRow, SpanRow
from spanledger_collector.web import figures
from spanledger_collector.web.asked import carried, exact
from spanledger_collector.web.charts.flame import Path, dearest, flame, in_order, path_of
from spanledger_collector.web.charts.scatter import Measured, scatter
from spanledger_collector.web.charts.spans import tree
from spanledger_collector.web.csvfile import csv_of
from spanledger_collector.web.table import KINDS, Column, Table, cell


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "unknown"),
        (Decimal(0), "$0.00"),
        (Decimal("0.0031800001"), "$0.00318"),
        (Decimal("0.999"), "$0.999"),
        (Decimal("0.9999"), "$1.00"),
        (Decimal("0.09996"), "$0.100"),
        (Decimal("99999.996"), "$100,000"),
        (Decimal("1.005"), "$1.00"),
        (Decimal("-12.346"), f"{figures.MINUS}$12.35"),
        (Decimal(1234567), "$1,234,567"),
        (Decimal("1e-12"), "$0.00000000000100"),
    ],
)
def test_money(amount: Decimal | None, shown: str) -> None:
    """Cents from a dollar on, three digits below, unknown is never a number."""
    assert figures.usd(amount) == shown


@pytest.mark.parametrize(
    ("time_ns", "shown"),
    [
        (0, figures.NOTHING),
        (10, "< 1 ms"),
        (40_000_000, "40 ms"),
        (999_900_000, "1.00 s"),
        (59_999_000_000, "1 min 00 s"),
        (1_500_000_000, "1.50 s"),
        (61_000_000_000, "1 min 01 s"),
        (7_260_000_000_000, "2 h 01 min"),
    ],
)
def test_durations(time_ns: int, shown: str) -> None:
    """The unit that reads best."""
    assert figures.duration(time_ns) == shown


@given(st.text())
def test_text_from_telemetry_moves_nothing(text: str) -> None:
    """No control, format or surrogate character gets to the page, but for joiners in words."""
    shown = figures.printable(text)
    assert re.sub("(?<=[^\\x00-\u02ff])[\u200c\u200d]", "", shown).isprintable()
    assert len(shown) == len(text)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", None),
        ("\u0915\u094d\u200d\u0937", None),
        ("\N{WOMAN}\u200d\N{PERSONAL COMPUTER} coder", None),
        ("a\u00a0b\u2009c\u3000d", "a b c d"),
        ("ad\u200dmin", "ad\ufffdmin"),
        ("\u200dadmin", "\ufffdadmin"),
        ("\u0645\u200c\u200c\u0645", "\u0645\u200c\ufffd\u0645"),
        ("soft\u00adhyphen\u202e", "soft\ufffdhyphen\ufffd"),
    ],
)
def test_names_of_all_scripts_are_read_as_they_are(name: str, shown: str | None) -> None:
    """Joiners belong to Persian and Indic words and to emoji; in Latin ones they only hide."""
    assert figures.printable(name) == (shown or name)


def test_a_known_none_is_no_dash() -> None:
    """A count of 0, a difference of 0; differences of shares are points."""
    assert (figures.count(0), figures.count(None)) == ("0", figures.NOTHING)
    told = [KINDS[f"signed {kind}"](value) for kind, value in (
        ("duration", 0), ("duration", -2_000_000), ("duration", None), ("ratio", -0.024),
        ("ratio", 0.0), ("usd", Decimal(0)))]  # fmt: skip
    dash, minus = figures.NOTHING, figures.MINUS
    assert told == ["0 s", f"{minus}2 ms", dash, f"{minus}2.4 points", "0.0 points", "$0.00"]


@given(st.lists(st.text(max_size=8) | st.decimals(-1000, 1000, places=12)))
def test_no_cell_of_csv_is_a_formula(values: list[str | Decimal]) -> None:
    """Text never begins with what a spreadsheet runs; numbers stay numbers."""
    rows = [SimpleNamespace(value=value) for value in values]
    text = csv_of(Table("t", "", [Column("Value", "value")], rows))
    lines = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert len(lines) == len(values)
    for value, line in zip(values, lines, strict=True):
        told = "".join(line)
        if isinstance(value, Decimal):
            assert Decimal(told) == value
        else:
            assert told in (value, f"'{value}")
            assert not told.lstrip().startswith(("=", "+", "-", "@"))


def row(path: Path, usd: int, before: int = 0) -> CostPathRow:
    kinds, names = (tuple(step[place] for step in path) for place in (0, 1))
    return CostPathRow(
        len(path),
        kinds,
        names,
        1,
        0,
        Decimal(usd),
        None,
        int(before > 0),
        0,
        Decimal(before),
        Decimal(usd - before),
        "exact",
    )


#: Agents that call each other, with tools and without, and at last a model.
def _ended(steps: list[tuple[str, str]], model: str) -> Path:
    return (*steps, ("model", model))


_steps = st.lists(
    st.tuples(st.sampled_from(["agent", "tool"]), st.sampled_from(["", "a", "b<"])), max_size=6
)
paths = st.dictionaries(
    st.builds(_ended, _steps, st.sampled_from(["m", "", "n"])),
    st.integers(-10_000, 10_000),
    min_size=1,
)


def rows_of(leaves: dict[Path, int]) -> list[CostPathRow]:
    """The rows of the query: every path with all below it, by depth."""
    sums: dict[Path, int] = {}
    for path, usd in leaves.items():
        for depth in range(len(path) + 1):
            sums[path[:depth]] = sums.get(path[:depth], 0) + usd
    rows = [row(path, usd) for path, usd in sums.items()]
    return sorted(rows, key=lambda one: (one.depth, -(one.cost_usd or 0)))


@given(paths, st.integers(0, 3))
def test_frames_lie_inside_their_parents(leaves: dict[Path, int], zoomed: int) -> None:
    """As wide as what was paid, credits or not; no two over each other, none out of its parent."""
    rows = rows_of(leaves)
    zoom = next(iter(leaves))[:zoomed]
    drawn = flame(rows, zoom, link=lambda _: "", is_compared=False)
    frames = {path_of(frame.row): frame for frame in drawn.frames}
    assert frames[zoom].width == drawn.width
    paid = {
        path: sum(max(usd, 0) for leaf, usd in leaves.items() if leaf[: len(path)] == path)
        for path in frames
    }
    for path, frame in frames.items():
        if path[: len(zoom)] == zoom and paid[zoom]:
            assert frame.width == pytest.approx(drawn.width * paid[path] / paid[zoom], abs=0.01)
    for path, frame in frames.items():
        if path and path[:-1] in frames:
            above = frames[path[:-1]]
            assert frame.x >= above.x - 0.02
            assert frame.x + frame.width <= above.x + above.width + 0.02
    assert drawn.height >= max(frame.y for frame in drawn.frames) + 34
    for depth in range(len(zoom), 9):
        level = [frame for path, frame in frames.items() if len(path) == depth]
        assert sum(frame.width for frame in level) <= drawn.width + 0.05
    assert len(in_order(rows)) == len(rows)


@given(paths, st.integers(0, 3), st.integers(1, 5))
def test_the_dearest_paths_stand_with_all_above_them(
    leaves: dict[Path, int], zoomed: int, most: int
) -> None:
    """As many as are asked for, and what called them; what is under the zoom before all else."""
    rows = rows_of(leaves)
    zoom = next(iter(leaves))[:zoomed]
    kept = dearest(rows, zoom, most)
    told = [path_of(row) for row in kept]
    assert len(told) == len(set(told)) >= min(most, len(rows))
    assert all(path[:-1] in told for path in told)
    under = [row for row in rows if path_of(row)[: len(zoom)] == zoom]
    paid = sorted((abs(row.cost_usd or 0) for row in under), reverse=True)[:most]
    assert {abs(row.cost_usd or 0) for row in kept}.issuperset(paid)
    assert rows == dearest(rows, zoom, len(rows))
    drawn = flame(rows, zoom, link=lambda _: "", is_compared=False).frames
    boxes = {path_of(frame.row) for frame in drawn}
    assert boxes <= {path_of(row) for row in dearest(rows, zoom, most, drawn)}


def test_all_that_was_paid_is_drawn() -> None:
    """Of 500 agents most have no box of their own: they share one, which says how many they are."""
    leaves = {(("agent", "dear"), ("model", "m")): 6000}
    leaves |= {(("agent", f"a{number:03}"), ("model", "m")): 10 for number in range(500)}
    rows = rows_of(leaves)
    drawn = flame(rows, (), link=lambda _: "", is_compared=False)
    for depth, others in ((1, "500 others"), (2, "")):
        level = [one for one in (*drawn.frames, *drawn.rests) if one.y == depth * 34]
        whole = sum(one.width for one in level)
        assert whole == pytest.approx(drawn.width if others else drawn.width * 6 / 11, abs=0.1)
    assert [one.told for one in drawn.rests] == ["500 others"]
    assert "shares one" in drawn.about
    few = flame(rows[:3], (), link=lambda _: "", is_compared=False)
    assert not few.rests


def span(number: int, parent: int, **given: Any) -> SpanRow:
    empty: dict[str, Any] = {"int": 0, "bool": False, "str": ""}
    values: dict[str, Any] = {one.name: empty.get(str(one.type)) for one in fields(SpanRow)}
    values["started_at"] = datetime(2026, 11, 1, tzinfo=timezone.utc)
    ids = {"span_id": f"{number:x}", "parent_span_id": f"{parent:x}" if parent else ""}
    told: dict[str, Any] = values | ids | given
    return SpanRow(**told)


@given(st.lists(st.integers(0, 6), max_size=6), st.data())
def test_every_span_stands_once(parents: list[int], data: st.DataObject) -> None:
    """Whatever names whose parent, cycles and missing ones included; bars stay on the axis."""
    spans = [
        span(
            number, parent, offset_ns=data.draw(st.integers(0, 2000)), trace_ns=1000,
            duration_ns=data.draw(st.integers(0, 2000)),
        )
        for number, parent in enumerate(parents, 1)
    ]  # fmt: skip
    placed = tree(spans)
    assert sorted(one.span.span_id for one in placed) == sorted(one.span_id for one in spans)
    for one in placed:
        assert 0 <= one.bar.x <= one.bar.x + one.bar.width <= 200.01


@given(
    st.lists(st.tuples(st.integers(0, 10**13), st.just(0.0) | st.floats(1e-12, 1e6)), max_size=20)
)
def test_points_lie_on_the_drawing(measured: list[tuple[int, float]]) -> None:
    """Those with both figures, and no other."""
    drawn = scatter("", "", [Measured(time, usd, "", "", "ok") for time, usd in measured])
    assert len(drawn.points) == sum(time > 0 and usd > 0 for time, usd in measured)
    for point in drawn.points:
        assert 0 <= point.x <= drawn.width
        assert 0 <= point.y <= drawn.height


def test_a_change_of_what_is_not_known_has_no_direction() -> None:
    """Dearer and cheaper where it is sure, in words and by a mark; else it is said to be open."""
    known = row((("agent", "a"),), 3, 2)
    cases = {
        "dearer": known,
        "the same": row((("agent", "a"),), 2, 2),
        "the change is not known": replace(
            known, before_cost_usd=None, before_unpriced_attempts=1, change_usd=None, change_is=""
        ),
    }
    partly = replace(known, before_unpriced_attempts=1, change_is="at_most")
    least = replace(known, unpriced_attempts=1, change_is="at_least")
    new = replace(known, before_attempts=0, before_cost_usd=None, change_usd=known.cost_usd)
    for word, one in [*cases.items(), ("the change is not known", partly), ("dearer", least),
                      ("dearer", new)]:  # fmt: skip
        (frame,) = flame([one], path_of(one), link=lambda _: "", is_compared=True).frames
        assert frame.told.endswith(f": {word}"), (frame.told, word)
        assert frame.label.startswith("▲") == (word == "dearer")
        assert "unknown" not in frame.told or one.before_cost_usd is None
    (frame,) = flame([partly], path_of(partly), link=lambda _: "", is_compared=True).frames
    assert "before ≥ $2.00" in frame.told
    (frame,) = flame([new], path_of(new), link=lambda _: "", is_compared=True).frames
    assert f"before {figures.NOTHING}" in frame.told


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (1.0, "100.0%"), (0.9999, "> 99.9%"), (0.0, "0.0%"), (0.0001, "< 0.1%"), (0.5, "50.0%"),
        (-2 / 3, f"{figures.MINUS}66.7%"), (-0.0001, f"> {figures.MINUS}0.1%"),
        (-0.9999, f"< {figures.MINUS}99.9%"), (-1.0, f"{figures.MINUS}100.0%"), (-0.0, "0.0%"),
        (Decimal("-0.25"), f"{figures.MINUS}25.0%"),
    ],
)  # fmt: skip
def test_almost_all_is_not_all(share: float | Decimal, shown: str) -> None:
    """A share that is rounded to a whole says that it is none; below 0 as above."""
    assert figures.ratio(share) == shown


@pytest.mark.parametrize("kind", ["usd", "usd_if_told", "count", "ratio", "factor", "exact"])
def test_what_is_below_zero_has_one_sign(kind: str) -> None:
    """A minus before the figure, as before money: no hyphen; programs read the exact value."""
    below = Decimal("-3.5")
    told = cell(Column("A", "value", kind), SimpleNamespace(value=below))
    assert told.text.startswith(figures.MINUS)
    assert "-" not in told.text + told.note
    assert Decimal(told.value) == below


def test_exact_has_no_exponent() -> None:
    """Every digit of a number, floats included."""
    assert figures.exact(2e-05) == "0.00002"
    assert figures.exact(1e22) == "1" + "0" * 22
    assert figures.exact(0.1) == "0.1"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_word_comes_back_from_a_field(word: str) -> None:
    """Whatever it holds: no field gets a character that a browser would change."""
    field = carried(word)
    assert not set(field) & {chr(code) for code in range(32)}
    assert exact({"agent": field}) == {"agent": word}
