"""What the contracts of clients and of frameworks have in common: behaviours, modes and holes.

A behaviour is a test; it runs on every row (one way to call a subject, in one mode) that it is
about. What a subject cannot do is declared with a reason: a mode that it lacks, or a hole, whose
rows run all the same and have to fail. ``tests/support/matrix.py`` prints what came out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeVar

import pytest

Mode = Literal["sync", "async", "stream", "async stream"]
MODES: Final[tuple[Mode, ...]] = ("sync", "async", "stream", "async stream")

#: Names of files, separated by commas: only their subjects are looked at. In an environment where
#: some are there in their oldest version, others cannot be imported.
ONLY: Final = "SPANLEDGER_TESTS_CONTRACT_OF"
OLDEST: Final = ONLY in os.environ

F = TypeVar("F", bound=Callable[..., Any])


def under_contract(names: Iterable[str]) -> list[str]:
    """Those of these files that are looked at: all, by default."""
    only = os.environ.get(ONLY)
    return [name for name in names if only is None or name in only.split(",")]


@dataclass(frozen=True)
class Hole:
    """A behaviour (name of the contract's test, without ``test_``) that does not hold.

    ``ways`` and ``modes`` say where; everywhere, by default. ``parts`` names what of the behaviour
    does not hold (:func:`check_parts`): all the rest of it has to. By default the whole may fail.
    """

    behaviour: str
    reason: str
    ways: tuple[str, ...] = ()
    modes: tuple[Mode, ...] = ()
    parts: tuple[str, ...] = ()


class PartsFailedError(AssertionError):
    """Exactly those parts of a behaviour failed that were declared holes."""


def check_parts(holes: Collection[str], parts: Mapping[str, Callable[[], None]]) -> None:
    """Check each part of a behaviour, whatever came of those before.

    Args:
        holes: names of those that are declared not to hold.
        parts: by name, what asserts that it does.

    Raises:
        AssertionError: of a part that is no declared hole, or that a declared one holds.
        PartsFailedError: the declared ones failed, and no other.
    """
    failed: list[str] = []
    for name, part in parts.items():
        try:
            part()
        except AssertionError:
            if name not in holes:
                raise
            failed.append(name)
    working = sorted(set(holes) - set(failed))
    assert not working, f"declared holes that hold, or are no parts: {working}"
    if failed:
        raise PartsFailedError(", ".join(failed))


class Subject(Protocol):
    """What is under contract: a client or a framework."""

    @property
    def name(self) -> str:
        """As it stands in the matrix."""
        ...

    @property
    def lacks(self) -> Mapping[Mode, str]:
        """Modes that it does not have, with the reason."""
        ...

    @property
    def holes(self) -> tuple[Hole, ...]:
        """Behaviours that do not hold."""
        ...


@dataclass(frozen=True)
class Row:
    """One way to use a subject in one mode.

    ``values`` are the test's arguments. Rows of the same subject, mode and ``kind`` are alike
    enough for a behaviour that asks for one of them only.
    """

    subject: Subject
    way: str
    mode: Mode
    values: tuple[Any, ...]
    kind: str = ""

    def hole(self, behaviour: str) -> Hole | None:
        """What says that this behaviour does not hold here."""
        for hole in self.subject.holes:
            if (
                hole.behaviour == behaviour
                and (not hole.ways or self.way in hole.ways)
                and (not hole.modes or self.mode in hole.modes)
            ):
                return hole
        return None


class Contract:
    """The behaviours that all subjects of one family have, and on what rows they are tried.

    Args:
        family: title of the matrix.
        names: the arguments that each test takes of a row.
        rows: every way to use every subject.
    """

    def __init__(self, family: str, names: tuple[str, ...], rows: Iterable[Row]) -> None:
        self.family = family
        self.names = names
        self.rows: Sequence[Row] = tuple(rows)
        self._tried: dict[str, list[Row]] = {}

    def behaviour(
        self, where: Callable[[Row], bool] = lambda _: True, *, each: bool = True
    ) -> Callable[[F], F]:
        """Run a test on all these rows (where ``each`` is false, on the first one of a kind)."""

        def decorate(test: F) -> F:
            name = test.__name__.removeprefix("test_")
            rows = [row for row in self.rows if where(row)]
            if not each:
                first = {(row.subject.name, row.mode, row.kind): row for row in reversed(rows)}
                rows = [row for row in rows if any(row is one for one in first.values())]
            self._tried[name] = rows
            return pytest.mark.parametrize(self.names, [self._case(name, row) for row in rows])(
                test
            )

        return decorate

    def _case(self, behaviour: str, row: Row) -> Any:
        hole = row.hole(behaviour)
        told = pytest.mark.contract(
            family=self.family,
            subject=row.subject.name,
            behaviour=behaviour,
            mode=row.mode,
            way=row.way,
            reason=hole.reason if hole else "",
            parts=hole.parts if hole else (),
            lacks=dict(row.subject.lacks),
        )
        marks = [told]
        if hole:
            raises = PartsFailedError if hole.parts else None
            marks.append(pytest.mark.xfail(strict=True, reason=hole.reason, raises=raises))
        return pytest.param(
            *row.values,
            id=f"{row.subject.name}-{row.way}-{row.mode}".replace(" ", "_"),
            marks=marks,
        )

    def gaps(self) -> list[str]:
        """What nobody decided about: neither tried nor declared, or declared of nothing."""
        found: list[str] = []
        subjects = {row.subject.name: row.subject for row in self.rows}.values()
        for subject in subjects:
            mine = {row.mode for row in self.rows if row.subject is subject}
            found += [
                f"{subject.name}: {mode} is lacking and there"
                for mode in mine
                if mode in subject.lacks
            ]
            for behaviour, rows in self._tried.items():
                tried = {row.mode for row in rows if row.subject is subject}
                wanted = {row.mode for row in rows} - tried - set(subject.lacks)
                found += [f"{subject.name}: {behaviour} is not tried, {mode}" for mode in wanted]
            found += self._void(subject)
        return found

    def _void(self, subject: Subject) -> list[str]:
        rows = [
            (behaviour, row)
            for behaviour, rows in self._tried.items()
            for row in rows
            if row.subject is subject
        ]
        void = [
            hole for hole in subject.holes if not any(row.hole(name) is hole for name, row in rows)
        ]
        nameless = [hole for hole in subject.holes if not hole.reason]
        return [
            *(f"{subject.name}: a hole in nothing, {hole.behaviour}" for hole in void),
            *(f"{subject.name}: a hole without a reason, {hole.behaviour}" for hole in nameless),
            *(
                f"{subject.name}: lacks {mode}, no reason"
                for mode, why in subject.lacks.items()
                if not why
            ),
        ]
