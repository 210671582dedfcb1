"""Books of assets as the rule has them, in fractions: runs and entries, as they are drawn."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from random import Random

BATCHES = 3
#: Days that plans per time are for, by the batches in which runs are charged; a batch is a day.
LIFE_DAYS = {1: Fraction(1, 2), 2: Fraction(5, 4)}
_ASSETS = ("a", "b", "c")
_AMOUNTS = ("0.01", "7", "30", "45.5", "100", "250", "1000000")
_WHATS = ("cost", "cost", "cost", "plan", "plan", "run", "run", "run", "run", "credit", "write_off")
_TRANSFERS = ("transfer to a", "transfer to b", "transfer to b", "transfer to c")


@dataclass(frozen=True)
class Event:
    """One entry or run: when it happened is its place in the book, when it arrives its batch.

    A run may be settled batches later.
    """

    number: int
    what: str
    asset: str
    said: str | None
    arrives: int
    settles: int
    #: Of a plan straight line per time: batches in which runs are charged by it.
    lives: int | None = None
    #: Of a run: the batch that brings its success.
    wins: int | None = None
    #: Of a cost in another currency: the batch from which its rate is known.
    rated: int | None = None

    def days_left(self, at: Event) -> Fraction:
        """Of a plan per time, when that entry comes."""
        life = LIFE_DAYS[self.lives or 1]
        return max(life - (at.arrives - self.arrives), Fraction(0))

    @property
    def target(self) -> str:
        return self.what.removeprefix("transfer to ") if self.what.startswith("transfer") else ""

    def knows_of(self, fund: Event) -> bool:
        """Whether it may take of that cost, or of what came by that transfer."""
        if fund.target:
            return fund.number < self.number
        return fund.number <= self.number or fund.arrives <= self.arrives


@dataclass
class Asset:
    """The rule's own books of one asset."""

    funds: list[tuple[Event, Fraction]] = field(default_factory=list[tuple[Event, Fraction]])
    entries: list[Event] = field(default_factory=list[Event])
    #: Of them, costs without a rate yet.
    unrated: list[Event] = field(default_factory=list[Event])
    #: Runs that are charged once these have one.
    waiting: list[Event] = field(default_factory=list[Event])
    #: Those that ever waited.
    waited: set[int] = field(default_factory=set[int])
    #: (plan, basis, amount) of each charged run.
    charges: list[tuple[int, tuple[int, int], Fraction]] = field(
        default_factory=list[tuple[int, tuple[int, int], Fraction]]
    )
    #: Charged runs.
    carriers: list[int] = field(default_factory=list[int])
    #: (basis, charged by then) -> arrivals of runs that found nothing to be charged.
    rests: dict[tuple[tuple[int, int], Fraction], list[int]] = field(
        default_factory=lambda: defaultdict[tuple[tuple[int, int], Fraction], list[int]](list)
    )
    taken: dict[Event, Fraction] = field(default_factory=dict[Event, Fraction])
    #: How often something was granted of it or to it.
    grants: int = 0

    @property
    def basis(self) -> tuple[int, int]:
        """Names the books as they are: whatever changes capital or plan makes it more."""
        return len(self.entries), len(self.entries) - len(self.unrated) + self.grants

    @property
    def plan(self) -> Event:
        """The newest one."""
        plans = [entry for entry in self.entries if entry.what == "plan"]
        return max(plans, key=lambda one: (one.arrives, one.number))

    @property
    def waits(self) -> bool:
        """Nothing is left to charge, units are, and costs will come when they have a rate."""
        return bool(self.unrated) and self.left == 0 and self.estimate[1] > self.units_charged

    @property
    def in_order(self) -> list[Event]:
        return sorted(self.entries, key=lambda one: (one.arrives, one.number))

    def brought(self, entry: Event) -> Fraction:
        """What it added to the capital; less than 0 is what it took."""
        came = sum((usd for fund, usd in self.funds if fund is entry), Fraction(0))
        return came - self.taken.get(entry, Fraction(0))

    @property
    def accrued(self) -> Fraction:
        """What the days before the newest entry cost; without days: what was charged."""
        spent = capital = Fraction(0)
        plan: Event | None = None
        entries = list(dict.fromkeys(self.in_order))  # it may give to itself
        for entry, following in pairwise(entries):
            capital += self.brought(entry)
            plan = entry if entry.what == "plan" else plan
            if plan is None:
                continue
            if plan.lives is None:
                if plan is entry:
                    spent += self.charged_by(plan)
                continue
            days = plan.days_left(entry)
            share = min((following.arrives - entry.arrives) / days, Fraction(1)) if days else 0
            spent += max(capital - spent, Fraction(0)) * share
        return spent

    def charged_by(self, plan: Event) -> Fraction:
        return sum((usd for by, _, usd in self.charges if by == plan.number), Fraction(0))

    @property
    def estimate(self) -> tuple[Fraction, Fraction]:
        """What there is to charge by the books as they are, and for how many units."""
        plan, (entries, _) = self.plan, self.basis
        earlier = [charge for charge in self.charges if charge[1] != self.basis]
        units = Fraction(str(plan.said))
        if plan.lives is None:
            idle = self.accrued - self.charged
            if self.in_order[-1] is plan:
                idle += self.charged_by(plan)
            usd = self.capital - sum((usd for _, _, usd in earlier), Fraction(0))
            came = sum(by == plan.number for by, _, _ in earlier)
            return usd - max(idle, Fraction(0)), units - came
        units *= plan.days_left(self.in_order[-1]) / LIFE_DAYS[plan.lives]
        came = sum(basis[0] == entries for _, basis, _ in earlier)
        share = (units - came) / units if units else Fraction(came == 0)
        return (self.capital - self.accrued) * share, units - came

    @property
    def units_charged(self) -> int:
        """By the books as they are."""
        return sum(basis == self.basis for _, basis, _ in self.charges)

    @property
    def left(self) -> Fraction:
        """What can still be charged by the books as they are."""
        since = sum((usd for _, basis, usd in self.charges if basis == self.basis), Fraction(0))
        return max(min(self.capital - self.charged, self.estimate[0] - since), Fraction(0))

    @property
    def charged(self) -> Fraction:
        return sum((amount for _, _, amount in self.charges), Fraction(0))

    @property
    def capital(self) -> Fraction:
        return sum((usd for _, usd in self.funds), Fraction(0)) - sum(self.taken.values())

    @property
    def written_off(self) -> Fraction:
        return sum((usd for one, usd in self.taken.items() if one.what == "write_off"), Fraction(0))

    @property
    def refused(self) -> Fraction:
        return sum(
            (Fraction(one.said) - self.taken[one] for one in self.taken if one.said), Fraction(0)
        )


class Book:
    """One drawn book, carried on batch by batch by the definition."""

    def __init__(self, events: list[Event], by_success: frozenset[str]) -> None:
        self.events = events
        self.assets = {name: Asset() for name in _ASSETS}
        #: Assets that are charged by success; the others by execution.
        self.by_success = by_success

    def came(self, run: Event) -> int:
        """The batch in which its unit was there; after the last one if it never is."""
        if run.asset not in self.by_success:
            return run.arrives
        return BATCHES if run.wins is None else run.wins

    def carry_on(self, batch: int) -> None:
        new = [event for event in self.events if event.arrives == batch]
        for event in new:
            if event.what != "run":
                self._enter(event)
        for event in self.events:
            if event.rated is not None and max(event.arrives, event.rated) == batch:
                self._rate(event)
        while self._grant():
            pass
        self._charge_all([
            event
            for event in self.events
            if event.what == "run" and self.is_settled(event, batch) and (
                event in self.assets[event.asset].waiting
                or (self.is_due(event) and max(event.settles, self.came(event)) == batch)
            )
        ])  # fmt: skip
        # The others that waited are settled again after these.
        self._charge_all([
            run for asset in self.assets.values() for run in asset.waiting
            if not self.is_settled(run, batch)
        ])  # fmt: skip

    def is_settled(self, event: Event, batch: int) -> bool:
        """Whether its trace is: when it is due, and when its success comes later."""
        return batch in (event.settles, max(event.settles, event.wins or 0))

    def _charge_all(self, runs: list[Event]) -> None:
        """In the order in which they came; those of an asset that waits then, later."""
        waits = {name for name in {run.asset for run in runs} if self.assets[name].waits}
        for run in sorted(runs, key=lambda one: (self.came(one), one.number)):
            asset = self.assets[run.asset]
            if run in asset.waiting:
                asset.waiting.remove(run)
            if run.asset in waits:
                asset.waiting.append(run)
                asset.waited.add(run.number)
            else:
                self._charge(asset, run)

    def _rate(self, event: Event) -> None:
        asset = self.assets[event.asset]
        asset.unrated.remove(event)
        asset.funds.append((event, Fraction(str(event.said))))

    def is_due(self, run: Event) -> bool:
        """Whether a plan was in force when the run arrived: arrivals alone say so."""
        return run.what == "run" and self._plan_of(run) is not None and not self.is_over(run)

    def is_over(self, run: Event) -> bool:
        """Whether the days of the plan that was known when the run arrived were over."""
        plan = self._plan_of(run)
        lives = None if plan is None else plan.lives
        return plan is not None and lives is not None and run.arrives >= plan.arrives + lives

    def _plan_of(self, run: Event) -> Event | None:
        known = [
            one
            for one in self.events
            if one.what == "plan" and one.asset == run.asset and one.arrives <= run.arrives
        ]
        return max(known, key=lambda one: (one.arrives, one.number), default=None)

    def _enter(self, event: Event) -> None:
        asset = self.assets[event.asset]
        asset.entries.append(event)
        if event.rated is not None:
            asset.unrated.append(event)
        elif event.what == "cost":
            asset.funds.append((event, Fraction(str(event.said))))
        elif event.what != "plan":
            asset.taken[event] = Fraction(0)
        if event.target:
            self.assets[event.target].entries.append(event)

    def _grant(self) -> bool:
        """One pass over what is asked; whether anything was granted."""
        passed_on: list[tuple[str, Event, Fraction]] = []
        for asset in self.assets.values():
            gone = asset.charged + sum(asset.taken.values())
            for take in sorted(asset.taken, key=lambda one: (one.arrives, one.number)):
                known = sum((usd for fund, usd in asset.funds if take.knows_of(fund)), Fraction(0))
                left = max(known - gone, Fraction(0))
                usd = (
                    left
                    if take.said is None
                    else min(left, Fraction(take.said) - asset.taken[take])
                )
                if usd > 0:
                    asset.taken[take] += usd
                    asset.grants += 1
                    gone += usd
                    passed_on.append((take.target, take, usd))
        for target, take, usd in passed_on:
            if target:
                self.assets[target].funds.append((take, usd))
                self.assets[target].grants += 1
        return bool(passed_on)

    def _charge(self, asset: Asset, run: Event) -> None:
        came = self.came(run)
        if any(min(found) <= came <= max(found) for found in asset.rests.values()):
            return
        (usd, units), left = asset.estimate, asset.left
        if usd > 0 and units > 0 and left > 0:
            asset.charges.append((asset.plan.number, asset.basis, min(usd / units, left)))
            asset.carriers.append(run.number)
        else:
            asset.rests[asset.basis, asset.charged].append(came)


def drawn_book(random: Random) -> Book:
    """A cost, a plan and what else there may be; most arrives in order, a third whenever."""
    events: list[Event] = []
    size = random.randint(8, 14)
    foreign = {name for name in _ASSETS if random.random() < 1 / 2}
    for number in range(1, size + 1):
        what = random.choice((*_WHATS, *_TRANSFERS))
        what = {1: "cost", 2: "plan"}.get(number, what)
        said = random.choice(_AMOUNTS)
        if what == "plan":
            said = str(random.randint(1, 6))
        elif what == "run" or (what not in ("cost", "credit") and random.random() < 1 / 4):
            said = None
        asset = "a" if number <= 2 else random.choice(("a", "a", *_ASSETS))
        late = random.random() < 1 / 3
        arrives = random.randrange(BATCHES) if late else (number - 1) * BATCHES // size
        waits = what == "run" and random.random() < 2 / 3
        settles = random.randrange(arrives, BATCHES) if waits else arrives
        lives = random.choice((None, 1, 2)) if what == "plan" else None
        wins = random.randrange(arrives, BATCHES) if random.random() < 2 / 3 else None
        wins = wins if what == "run" else None
        rated = random.randrange(1, BATCHES) if asset in foreign and what == "cost" else None
        events.append(Event(number, what, asset, said, arrives, settles, lives, wins, rated))
    return Book(events, frozenset(name for name in _ASSETS if random.random() < 1 / 2))
