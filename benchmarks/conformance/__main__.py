"""Asks the other calculators and writes ``docs/cost-conformance.md``.

    python -m benchmarks.conformance [--page]

With ``--page`` nobody is asked: the page is written anew from the answers that are kept.
"""

from __future__ import annotations

import argparse

from tests.collector.price.test_cases import cases

from benchmarks.conformance import answers, page


def main() -> None:
    """Ask, keep, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conformance", description=__doc__)
    parser.add_argument("--page", action="store_true", help="only write the page anew")
    if not parser.parse_args().page:
        answers.save(answers.ask(cases()))
    page.PAGE.write_text(page.render(), encoding="utf-8")
    print(f"wrote {page.PAGE.name}")


if __name__ == "__main__":
    main()
