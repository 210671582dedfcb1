"""How amounts of energy, of what it emits and shares of a peak look in tables."""

_PARTS = 1000


def between(low: float | None, high: float | None, units: tuple[str, str]) -> str:
    """Both ends in one unit: the small one while they are below one of the large.

    Args:
        low: in the large unit; None = not known, which shows as a dash.
        high: the other end.
        units: the small one (a thousandth), the large one.
    """
    if low is None or high is None:
        return "-"
    factor, unit = (_PARTS, units[0]) if high < 1 else (1, units[1])
    ends = [f"{end * factor:.3g}" for end in (low, high)]
    return f"{ends[0]} {unit}" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]} {unit}"


def percent_between(low: float | None, high: float | None) -> str:
    """Both ends of a share, in percent; a dash where it is not known."""
    if low is None or high is None:
        return "-"
    ends = [f"{end:.1%}" for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
