"""Writes the page ``docs/cost-conformance.md``: every case, our answer, and those of others.

Our column is computed when the page is written, from the shipped book; theirs is read from
``answers.json``. A test renders the page again and compares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from tests.collector.price import test_cases as bills

from benchmarks.conformance import answers
from spanledger_collector.price import PriceBook

PAGE: Final = Path(__file__).parents[2] / "docs" / "cost-conformance.md"
_INTRODUCTION: Final = Path(__file__).with_name("introduction.md")
OURS: Final = "spanledger"
_UNPRICED: Final = "UNPRICED"
#: Binary floating point is how most of them reckon: that alone is no error.
_TOLERANCE_USD: Final = Decimal("1e-9")
_GRADES: Final = ("A", "B", "C", "-")
_RIGHT, _WRONG, _ZERO, _NONE, _NOT_ASKED = "right", "wrong amount", "zero", "no answer", "not asked"
_OUTCOMES: Final = (_RIGHT, _WRONG, _ZERO, _NONE, _NOT_ASKED)
#: Columns of a case -> words; what a total contains stands in brackets behind it.
_INPUT_PARTS: Final = {
    "cache_read": "cached", "cache_write_5m": "written for 5 min",
    "cache_write_1h": "written for 1 h", "audio_in": "audio", "audio_cached": "of the audio cached",
    "image_in": "image",
}  # fmt: skip
_OUTPUT_PARTS: Final = {"reasoning": "reasoning", "audio_out": "audio", "image_out": "image"}
_UNITS: Final = {
    "web_searches": "web search(es)", "audio_seconds": "s of audio", "characters": "characters",
    "rerank_searches": "search unit(s)",
}  # fmt: skip

Case = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one calculator made of one case: an amount, or none, and how that is to be judged."""

    usd: Decimal | None
    outcome: str

    def cell(self) -> str:
        """As it stands in the table."""
        if self.outcome == _NOT_ASKED:
            return "-"
        shown = "none" if self.usd is None else f"{self.usd.normalize():f}"
        return f"{shown} ✓" if self.outcome == _RIGHT else f"**{shown}**"


def render() -> str:
    """The page, whole."""
    cases, calculators = bills.cases(), answers.load()
    table = {OURS: _ours(cases)}
    for name, calculator in calculators.items():
        table[name] = {case["case_id"]: _theirs(case, calculator) for case in cases}
    lines = [
        *_head(len(cases), calculators),
        *_summary(cases, table),
        *_findings(table),
        *_all_cases(cases, table),
        *_evidence(cases),
    ]
    return "\n".join(lines) + "\n"


def _ours(cases: Sequence[Case]) -> dict[str, Answer]:
    book = PriceBook.shipped()
    return {case["case_id"]: _judged(case, bills.priced(book, case).cost) for case in cases}


def _theirs(case: Case, calculator: answers.Calculator) -> Answer:
    told = calculator.answers[case["case_id"]]
    if "not_asked" in told:
        return Answer(None, _NOT_ASKED)
    return _judged(case, Decimal(told["usd"]) if "usd" in told else None)


def _judged(case: Case, usd: Decimal | None) -> Answer:
    if case["verdict_usd"] == _UNPRICED:
        right = usd is None
    else:
        right = usd is not None and abs(usd - Decimal(case["verdict_usd"])) <= _TOLERANCE_USD
    if right:
        return Answer(usd, _RIGHT)
    return Answer(usd, _NONE if usd is None else _WRONG if usd else _ZERO)


def _head(count: int, calculators: Mapping[str, answers.Calculator]) -> Iterator[str]:
    asked = ", ".join(f"{name} {one.version} ({one.asked_on})" for name, one in calculators.items())
    yield _INTRODUCTION.read_text(encoding="utf-8").format(count=count, asked=asked).rstrip()


def _summary(cases: Sequence[Case], table: Mapping[str, Mapping[str, Answer]]) -> Iterator[str]:
    yield "\n## Who is right how often\n"
    totals = Counter(case["evidence"] for case in cases)
    grades = [f"right of {totals[grade]} {grade}" for grade in _GRADES]
    yield _row("", *_OUTCOMES, *grades)
    yield _row("---", *["--:"] * (len(_OUTCOMES) + len(grades)))
    for name, column in table.items():
        outcomes = Counter(answer.outcome for answer in column.values())
        right = Counter(c["evidence"] for c in cases if column[c["case_id"]].outcome == _RIGHT)
        yield _row(name, *(outcomes[one] for one in _OUTCOMES), *(right[one] for one in _GRADES))
    yield "\n*Zero* is a wrong amount that nobody notices."
    yield "Where no amount can be known, *no answer* is the right one and counts as right."


def _findings(table: Mapping[str, Mapping[str, Answer]]) -> Iterator[str]:
    others = {name: column for name, column in table.items() if name != OURS}
    right = {
        case: [name for name, column in others.items() if column[case].outcome == _RIGHT]
        for case in table[OURS]
    }
    alone = ", ".join(case for case, names in right.items() if not names)
    yield f"\nNo other calculator is right on: {alone or 'none of them'}."
    for name in others:
        only = ", ".join(case for case, names in right.items() if names == [name])
        yield f"Of the others, only {name} is right on: {only or 'none'}."
    wrong = ", ".join(case for case, one in table[OURS].items() if one.outcome != _RIGHT)
    yield f"spanledger is wrong on: {wrong or 'none of these'}."


def _all_cases(cases: Sequence[Case], table: Mapping[str, Mapping[str, Answer]]) -> Iterator[str]:
    yield "\n## The cases\n"
    yield "USD; ✓ = right, **bold** = not, none = it says that it cannot tell, - = not asked.\n"
    yield _row("case", "model", "day", "the call", "bill", "grade", *table)
    yield _row(*["---"] * 4, "--:", "---", *["--:"] * len(table))
    for case in cases:
        bill = "none" if case["verdict_usd"] == _UNPRICED else case["verdict_usd"]
        column = (answer[case["case_id"]].cell() for answer in table.values())
        model = f"{case['provider']}: `{case['model']}`"
        day = case["timestamp"][:10]
        yield _row(case["case_id"], model, day, _call(case), bill, case["evidence"], *column)


def _call(case: Case) -> str:
    """The usage in words, then what is special about it."""
    said = [
        _total(case, "input_total", "in", _INPUT_PARTS),
        _total(case, "output_total", "out", _OUTPUT_PARTS),
        *(f"{int(case[unit]):,} {words}" for unit, words in _UNITS.items() if int(case[unit])),
        "batch" if case["batch"] == "True" else "",
        *(case[name] for name in ("tier", "speed", "region", "geo")),
    ]
    usage = ", ".join(one for one in said if one)
    return f"{usage}: {case['note']}" if case["note"] else usage


def _total(case: Case, column: str, name: str, parts: Mapping[str, str]) -> str:
    if not int(case[column]):
        return ""
    inside = ", ".join(f"{int(case[p]):,} {said}" for p, said in parts.items() if int(case[p]))
    return f"{int(case[column]):,} {name}" + (f" ({inside})" if inside else "")


def _evidence(cases: Sequence[Case]) -> Iterator[str]:
    yield "\n## The evidence\n"
    for case in cases:
        source = " / ".join(part.strip() for part in case["source"].split("|") if part.strip())
        yield f"- {case['case_id']}: {source}"


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
