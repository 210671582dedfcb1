"""The page of bills cannot drift from the book, the cases or the answers that are kept."""

from __future__ import annotations

import re

from benchmarks.conformance import answers, page, worker
from tests.collector.price.test_cases import cases


def test_the_page_is_what_its_generator_writes() -> None:
    """Our column too, which is computed from the shipped book as the page is written."""
    assert page.PAGE.read_text(encoding="utf-8") == page.render(), "run `make conformance`"


def test_every_calculator_with_pins_was_asked_for_every_case() -> None:
    """In the version that is pinned."""
    kept = answers.load()
    assert set(kept) == set(worker.CALCULATORS) == set(answers.CALCULATORS.names())
    for name, calculator in kept.items():
        pins = (answers.CALCULATORS.pins / f"{name}.txt").read_text(encoding="utf-8")
        assert re.search(rf"^{name}=={re.escape(calculator.version)}(\s|$)", pins, re.MULTILINE)
        assert set(calculator.answers) == {case["case_id"] for case in cases()}
        for answer in calculator.answers.values():
            assert len(answer) == 1
            assert set(answer) <= {"usd", "refused", "not_asked"}
