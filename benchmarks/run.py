"""Every figure, one after the other: ``make bench``."""

from benchmarks import budgets, calls, intake, lookup, memory, pages, ranges, reprice
from benchmarks.peers import run as peers


def main() -> None:
    """Print all figures (some ten minutes; the first time the peers' environments are made)."""
    for part in (
        calls.main,
        budgets.main,
        peers.main,
        memory.main,
        intake.main,
        lookup.main,
        reprice.main,
        ranges.main,
        pages.main,
    ):
        part()
        print()


if __name__ == "__main__":
    main()
