"""Attempts: those that a figure sums, dearest first, each with its explanation; their models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from spanledger_collector.query import AttemptBehindRow, Behind, Ledger, ModelsBehindRow
from spanledger_collector.web import figures
from spanledger_collector.web.asked import Asked, compact
from spanledger_collector.web.parts import Figure, Figures, Note, Page, Part, Tabled
from spanledger_collector.web.table import Column, Table

from .columns import NO_TENANT, OUTSIDE
from .paging import AT_ONCE, paging

_SHOWN: Final = 100
_MODELS: Final = 50
#: Words of the URL that say which attempts -> field of ``Behind``.
NARROWED: Final = {
    "by": "by",
    "key": "key",
    "only": "only",
    "reason": "rework_reason",
    "price": "price_status",
    "usage": "usage_source",
    "row": "price_id",
}
#: Words that are lists, as JSON: model ids, and the box of the flame graph that they are below.
_LISTS: Final = ("model", "path")
_TITLES: Final = {
    "only": "only",
    "reason": "rework",
    "price": "price",
    "usage": "usage",
    "row": "price row",
}


def page(ledger: Ledger, asked: Asked) -> Page:
    """The page."""
    figure = _figure(asked)
    models = ledger.models_behind(figure, limit=_MODELS)
    frozen = replace(figure, part=asked.frozen())
    offset = asked.offset()
    found = ledger.attempts_behind(figure, limit=_SHOWN + 1, offset=offset)

    def further(offset: int) -> Sequence[AttemptBehindRow]:
        return ledger.attempts_behind(frozen, limit=AT_ONCE, offset=offset)

    def further_models(offset: int) -> Sequence[ModelsBehindRow]:
        return ledger.models_behind(frozen, limit=AT_ONCE, offset=offset)

    parts: list[Part] = [
        *_which(asked),
        *_sums(models),
        Tabled("By model id", _models(models, asked, further_models)),
        *_cut(models),
        Tabled("Attempts", _attempts(found[:_SHOWN], asked, further)),
        *paging(asked, found, _SHOWN, "attempts", ("Dearer", "Cheaper")),
    ]
    return Page(
        "Attempts", parts, "Each try of a model call, and what else was paid: what sums are of.",
        at="prices", kept=(*NARROWED, *_LISTS),
    )  # fmt: skip


def _figure(asked: Asked) -> Behind:
    """Which attempts."""
    told = {field: asked.text(word) for word, field in NARROWED.items() if asked.text(word)}
    return Behind(
        asked.part(), **told, model_ids=asked.texts("model"), path=asked.steps("path")
    )  # fmt: skip


def _which(asked: Asked) -> Iterator[Part]:
    """What they have in common, and the way to all."""
    by = asked.text("by", "total")
    told = [] if by == "total" else [f"{by}: {asked.text('key') or '(none)'}"]
    told += [f"{title}: {asked.text(word)}" for word, title in _TITLES.items() if asked.text(word)]
    if asked.text("model"):
        told.append(f"model id: {' / '.join(filter(None, asked.texts('model'))) or '(no model)'}")
    if asked.text("path"):
        names = [name or f"({kind})" for kind, name in asked.steps("path")]
        told.append(f"below: {' > '.join(names)}")
    if told:
        yield Note(
            "", [" · ".join(told)], links=[("All attempts of the period", asked.link("attempts"))]
        )


def _sums(models: Sequence[ModelsBehindRow]) -> Iterator[Part]:
    for row in models[:1]:
        cost = figures.usd(row.all_cost_usd, at_least=bool(row.all_unpriced_attempts))
        unknown = f"{row.all_unpriced_attempts:,} of unknown cost"
        yield Figures(
            [
                Figure("Cost", cost, figures.exact(row.all_cost_usd), "variable cost", "#attempts"),
                Figure("Attempts", figures.count(row.all_attempts), str(row.all_attempts), unknown,
                       "#attempts"),
                Figure("Tokens", figures.count(row.all_tokens), str(row.all_tokens),
                       "input and output", "#attempts"),
            ]
        )  # fmt: skip


def _cut(models: Sequence[ModelsBehindRow]) -> Iterator[Part]:
    for row in models[:1]:
        if row.all_models > len(models):
            told = f"The dearest {len(models):,} of {row.all_models:,} are shown; the CSV has all."
            yield Note("", [told], "warn")


def _models(
    models: Sequence[ModelsBehindRow],
    asked: Asked,
    further: Callable[[int], Sequence[ModelsBehindRow]],
) -> Table:
    def behind(row: ModelsBehindRow) -> str:
        ids = (
            row.provider, row.request_model, row.response_model, row.priced_provider,
            row.priced_model,
        )  # fmt: skip
        return asked.again(
            price=row.price_status, usage=row.usage_source, model=compact(ids), offset=""
        )

    return Table(
        "models", "Model ids as called, as answered and as priced, dearest first",
        [
            Column("Asked for", "request_model", name="(no model)"),
            Column("Cost", "cost_usd", "usd", link=behind),
            Column("Attempts", "attempts", "count", link=behind),
            Column("Tokens", "tokens", "count", link=behind),
            Column("Price", "price_status", help="Whether the cost is known."),
            Column("Usage", "usage_source", help="Who told the tokens."),
            Column("Answered", "response_model"),
            Column("Provider", "provider"),
            Column("Priced as", "priced_model", name="(not in the price book)"),
            Column("Price of", "priced_provider", help="Provider of the price row."),
        ],
        models, query="models_behind", from_offset=further,
    )  # fmt: skip


def _attempts(
    rows: Sequence[AttemptBehindRow],
    asked: Asked,
    further: Callable[[int], Sequence[AttemptBehindRow]],
) -> Table:
    def explained(row: AttemptBehindRow) -> str:
        return asked.link("explain", id=row.span_id, trace=row.trace_id)

    return Table(
        "attempts", "Attempts, dearest first, those of unknown cost last",
        [
            Column("Started (UTC)", "started_at", "moment",
                   link=lambda row: asked.link("trace", id=row.trace_id)),
            Column("Cost", "cost_usd", "usd", "Leads to how it came about.", link=explained),
            Column("Agent", "agent_name", name=OUTSIDE),
            Column("Version", "agent_version"),
            Column("Operation", "operation"),
            Column("Asked for", "request_model", name="(no model)"),
            Column("Answered", "response_model"),
            Column("Price", "price_status", help="Whether the cost is known.", link=explained),
            Column("Usage", "usage_source", help="Who told the tokens."),
            Column("Input tokens", "input_tokens", "count", "Cached ones included.",
                   link=explained),
            Column("Output tokens", "output_tokens", "count", link=explained),
            Column("Rework", "rework_reason", help="Why it was wasted."),
            Column("Waited", "wait_seconds", "seconds", "Before trying again."),
            Column("Outcome", "outcome"),
            Column("Error", "error_type"),
            Column("Tenant", "tenant", name=NO_TENANT),
        ],
        rows, query="attempts_behind", link=explained, from_offset=further,
    )  # fmt: skip
