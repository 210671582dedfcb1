"""Which model an id means: match clauses in the book's compact form, compiled for speed.

A clause is a list ``[operator, operand]``: ``=`` equals, ``^`` starts with, ``$`` ends with,
``~`` contains, ``/`` regular expression, ``&`` all of, ``|`` any of. The models of a provider are
in order and the first match wins, as upstream defines; thousands of plain ids are one dictionary,
the few hundred other clauses are tried in order. Regular expressions come from our own book
only, never from a span, and are checked at build time.
"""

import re
from collections.abc import Callable, Sequence
from typing import cast

#: ``["=", "gpt-5"]``; the operand is text, or a list of clauses for ``&`` and ``|``.
Clause = Sequence[object]
#: Model id and its clauses (any of them).
ModelClauses = tuple[str, Sequence[Clause]]
#: What kind of clause matched.
EXACT, PREFIX, PATTERN = "exact", "prefix", "pattern"

_Predicate = Callable[[str], bool]
_NONE = 1 << 31


class Names:
    """The model ids of one provider.

    Args:
        models: model id and clauses, in order of precedence.
    """

    def __init__(self, models: Sequence[ModelClauses]) -> None:
        self._ids = [model for model, _ in models]
        self._equals: dict[str, int] = {}
        self._others: list[tuple[int, str, _Predicate]] = []
        for index, (_, clauses) in enumerate(models):
            for clause in clauses:
                self._add(index, clause)

    def find(self, reference: str) -> tuple[str, str] | None:
        """Model id and method of the first model that a lower-case reference matches."""
        bound = self._equals.get(reference, _NONE)
        for index, method, matches in self._others:
            if index >= bound:
                break
            if matches(reference):
                return self._ids[index], method
        return None if bound == _NONE else (self._ids[bound], EXACT)

    def _add(self, index: int, clause: Clause) -> None:
        operator, operand = clause
        if operator == "|":
            for part in cast("Sequence[Clause]", operand):
                self._add(index, part)
        elif operator == "=":
            self._equals.setdefault(cast("str", operand).lower(), index)
        else:
            method = PREFIX if operator == "^" else PATTERN
            self._others.append((index, method, predicate(clause)))


def predicate(clause: Clause) -> _Predicate:
    """A clause as a function of a lower-case reference.

    Raises:
        ValueError: the operator is not one of the module's list.
    """
    operator, operand = clause
    if operator in ("&", "|"):
        parts = [predicate(part) for part in cast("Sequence[Clause]", operand)]
        every = all if operator == "&" else any
        return lambda text: every(part(text) for part in parts)
    return _leaf(str(operator), cast("str", operand))


def _leaf(operator: str, operand: str) -> _Predicate:
    if operator == "/":
        pattern = re.compile(operand)
        return lambda text: pattern.search(text) is not None
    wanted = operand.lower()
    leaves: dict[str, _Predicate] = {
        "=": lambda text: text == wanted,
        "^": lambda text: text.startswith(wanted),
        "$": lambda text: text.endswith(wanted),
        "~": lambda text: wanted in text,
    }
    if operator not in leaves:
        raise ValueError(f"unknown match operator {operator!r} for {operand!r}")
    return leaves[operator]
