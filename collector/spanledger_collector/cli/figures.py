"""How figures with intervals look in tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from spanledger_collector.query import Estimate
from spanledger_collector.query.titles import TITLES, Unit
from spanledger_collector.query.waste import Bound

from .grid import Grid
from .output import count, seconds, text, usd

_VALUE_DIGITS, _END_DIGITS = 6, 3
#: Factors lie around 1, and what matters is how far off.
_FACTOR_DIGITS = 4
_PERCENT = 100

#: Before a share that is so much or more, or so much or less, as costs are unknown.
BOUNDS: Mapping[Bound, str] = {
    "at least": "\N{GREATER-THAN OR EQUAL TO}", "at most": "\N{LESS-THAN OR EQUAL TO}", "": "",
}  # fmt: skip

#: A figure as it is shown: a value, or an end of its interval (which is rounded).
Show = Callable[[Decimal], str]


def money(amount: Decimal) -> str:
    """USD, every digit."""
    return usd(amount)


def mean(amount: Decimal | None) -> Decimal | None:
    """What a sum over a count is shown as: a quotient may have no end of digits."""
    return None if amount is None else rounded(amount, _VALUE_DIGITS)


def percent(ratio: Decimal) -> str:
    """A share of one as a percentage."""
    return f"{ratio * _PERCENT:.1f}%"


def factor(times: Decimal) -> str:
    """So many times, such as a dollar of work."""
    return f"{times:.3f}"


def latency(duration_ns: Decimal) -> str:
    """A duration in nanoseconds, as people read it; a difference may be negative."""
    if duration_ns < 0:
        return f"-{seconds(-int(duration_ns))}"
    return seconds(int(duration_ns)) if duration_ns else "0 s"


_SHOWS: Mapping[Unit, Show] = {
    "usd": money, "ratio": percent, "factor": factor, "duration": latency,
}  # fmt: skip


def titled(name: str) -> tuple[str, Show]:
    """What a figure is called, and how it is shown."""
    title, unit = TITLES[name]
    return title, _SHOWS[unit]


def rounded(number: Decimal, digits: int) -> Decimal:
    """So many significant digits: figures with a doubt are no sums of the ledger."""
    if not number:
        return Decimal(0)
    places = number.adjusted() - digits + 1
    if places >= 0:
        return number.quantize(Decimal(1), ROUND_HALF_EVEN)
    return number.quantize(Decimal(1).scaleb(places), ROUND_HALF_EVEN)


def value(estimate: Estimate, show: Show, bound: Bound = "") -> str:
    """The figure alone, six digits of it; ``unknown`` where it is not known."""
    if estimate.value is None:
        return usd(None)
    digits = estimate.value if show is factor else rounded(estimate.value, _VALUE_DIGITS)
    return f"{BOUNDS[bound]}{show(digits)}"


def part(ratio: float | None, bound: Bound) -> str:
    """A share of a sum that was wasted; a dash where nothing is known to be, nor may be."""
    nothing = not ratio and bound != "at least"
    return "-" if ratio is None or nothing else f"{BOUNDS[bound]}{ratio:.1%}"


def interval(estimate: Estimate, show: Show) -> str:
    """Its interval, three digits of each end; where one is without bound the other; or a dash."""
    digits = _FACTOR_DIGITS if show is factor else _END_DIGITS
    low, high = (
        None if end is None else show(rounded(end, digits)) for end in (estimate.low, estimate.high)
    )
    if low is None:
        return "-" if high is None else f"{high} or less"
    return f"{low} or more" if high is None else f"{low} to {high}"


def shown(estimate: Estimate, show: Show, bound: Bound = "") -> tuple[str, str]:
    """The figure and its interval, as two cells; what is not known at all is a dash."""
    if estimate.value is None and estimate.low is None:
        return "-", "-"
    return value(estimate, show, bound), interval(estimate, show)


def figures_table(title: str, lines: Sequence[tuple[str, Estimate, Show, Bound]]) -> Grid:
    """One line a figure: value, interval, runs, form of the interval or why there is none."""
    return Grid(title, ("", ">value", ">95% interval", ">runs", "how"), _cells(lines))


def _cells(lines: Sequence[tuple[str, Estimate, Show, Bound]]) -> Iterator[Sequence[str]]:
    for name, estimate, show, bound in lines:
        yield (
            name,
            value(estimate, show, bound),
            interval(estimate, show),
            f"{count(estimate.n)} traces" if estimate.is_by_trace else count(estimate.n),
            text(estimate.reason or estimate.method),
        )
