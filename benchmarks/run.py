"""Every figure, one after the other: ``make bench``."""

from benchmarks import calls, intake, lookup


def main() -> None:
    """Print all figures (a few minutes)."""
    for part in (calls.main, intake.main, lookup.main):
        part()
        print()


if __name__ == "__main__":
    main()
