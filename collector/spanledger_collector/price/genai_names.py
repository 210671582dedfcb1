"""Which ids mean which model: the match rules of ``genai-prices``, in the book's compact form.

A developer's tool, imported only by ``build``. The overlay's aliases go before upstream's rules.
"""

import re
from collections.abc import Iterable, Sequence
from typing import cast

from genai_prices.data import providers
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    MatchLogic,
    Provider,
)

from spanledger.rates.clauses import Clause, ModelClauses
from spanledger.rates.listings import Listing
from spanledger_collector.errors import ConfigurationError

from .document import Document

#: Makers of models: recognised by the look of an id when a span names no provider.
MAKERS = frozenset(
    {
        "anthropic",
        "cohere",
        "deepseek",
        "google",
        "mistral",
        "moonshotai",
        "openai",
        "voyageai",
        "x-ai",
    }
)
#: A quantifier on a group or two in a row can make a regular expression explode.
_RISKY = re.compile(r"[*+}]\s*\)[*+{]|\.\*.*\.\*|\.\+.*\.\+")


def listings(
    documents: Iterable[Document], named: Iterable[tuple[str, str]] = ()
) -> dict[str, Listing]:
    """The listings of every provider that upstream or the overlay knows.

    Args:
        documents: the overlay.
        named: (provider, model) of models that only the second source knows, by their names.
    """
    ours = _ours(documents)
    for provider, model in named:
        ours.setdefault(provider, []).append((model, [["^", model.lower()]]))
    found = {provider.id: _listing(provider, ours.pop(provider.id, [])) for provider in providers}
    found.update({name: Listing(models) for name, models in ours.items()})
    return dict(sorted(found.items()))


def clause(match: MatchLogic) -> Clause:
    """An upstream rule in compact form.

    Raises:
        ConfigurationError: a regular expression that could take very long.
    """
    if isinstance(match, ClauseOr):
        return ["|", [clause(part) for part in match.or_]]
    if isinstance(match, ClauseAnd):
        return ["&", [clause(part) for part in match.and_]]
    if isinstance(match, ClauseRegex):
        if _RISKY.search(match.regex):
            raise ConfigurationError(f"the expression {match.regex!r} may take very long to match")
        return ["/", match.regex]
    return _plain(match)


def _plain(match: ClauseEquals | ClauseStartsWith | ClauseEndsWith | ClauseContains) -> Clause:
    if isinstance(match, ClauseEquals):
        return ["=", match.equals.lower()]
    if isinstance(match, ClauseStartsWith):
        return ["^", match.starts_with.lower()]
    if isinstance(match, ClauseEndsWith):
        return ["$", match.ends_with.lower()]
    return ["~", match.contains.lower()]


def _listing(provider: Provider, ours: Sequence[ModelClauses]) -> Listing:
    recognises: Clause = []
    if provider.id in MAKERS and provider.model_match is not None:
        recognises = clause(provider.model_match)
    theirs = [(model.id, _parts(clause(model.match))) for model in provider.models]
    return Listing([*ours, *theirs], provider.fallback_model_providers or [], recognises)


def _parts(rule: Clause) -> Sequence[Clause]:
    operator, operand = rule
    return cast("Sequence[Clause]", operand) if operator == "|" else [rule]


def _ours(documents: Iterable[Document]) -> dict[str, list[ModelClauses]]:
    """The overlay's aliases, and for a model that only the overlay prices its own name."""
    found: dict[str, list[ModelClauses]] = {}
    theirs = {(provider.id, model.id) for provider in providers for model in provider.models}
    for document in documents:
        for alias in document.aliases:
            rules = found.setdefault(alias.provider, [])
            rules.append((alias.model, [_glob(alias.id)]))
        named = set(theirs)
        for statement in document.prices:
            name = (statement.provider, statement.model)
            if name not in named:
                named.add(name)
                rules = found.setdefault(statement.provider, [])
                rules.append((statement.model, [["=", statement.model.lower()]]))
    return found


def _glob(pattern: str) -> Clause:
    if pattern.endswith("*"):
        return ["^", pattern[:-1].lower()]
    if pattern.startswith("*"):
        return ["$", pattern[1:].lower()]
    return ["=", pattern.lower()]
