"""What the transform must make of a span, told again in plain Python: the oracle of the decoder.

Shares only the table of spellings with the collector; every rule is written out a second time.
"""

import json
import math
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

from tests.support.otlp_requests import PlainRecord, PlainSpan
from tests.support.reference_text import (
    amount,
    cut,
    elements,
    host,
    leaves,
    lower,
    real,
    text_of,
    wait,
    whole,
)

from spanledger.hosts import provider_of_host
from spanledger.semconv import USAGE_UNITS_PREFIX as _BESIDE
from spanledger_collector.load.dialects import (
    CACHED_PARTS,
    Dialect,
    Field,
    Spelling,
    Table,
    matches,
    shipped,
)

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
STATUSES = {1: "ok", 2: "error"}
EARLIEST_NS = 1_577_836_800_000_000_000
DAY_NS = 86_400_000_000_000
MOST_TOKENS = 2**40
MOST_OF_A_CALL = 2**27
_UNITS = {"s": 1e9, "ms": 1e6, "ns": 1.0, None: 1.0}
#: As many digits as the engine's amounts have; by default Python keeps 28.
_WIDE = Context(prec=38)
_OWN = (
    "own_input_uncached",
    "own_cache_read",
    "own_cache_write_5m",
    "own_cache_write_1h",
    "own_output",
)
_FOREIGN = ("input", "output", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h")


class Fields:
    """The fields of one span, by the table's precedence."""

    def __init__(self, table: Table, span: PlainSpan) -> None:
        self.table = table
        told = self._of_scope(span.scope)
        read = {s.key for s in table.spellings() if not s.only or told in s.only}
        inside = {s.key for s in table.spellings() if s.inside}
        self.known = read - inside | {attribute.key for attribute in table.json}
        unread = {s.key for s in table.spellings()} - read
        objects = {attribute.key: attribute for attribute in table.json}
        self.sent = [
            (k, text_of(v), v)
            for k, v in span.attributes
            if text_of(v) is not None and (k in self.known or k not in inside | unread)
        ]
        self.dialect = told or self._of_keys()
        self.sent += [
            (key, cut(text), cut(text))
            for k, v in span.attributes
            if k in objects and text_of(v) is not None
            for key, text in leaves(objects[k], v if isinstance(v, str) else "")
            if key in inside and text != "null"
        ]

    def _of_scope(self, scope: str) -> str:
        for name, dialect in self.table.dialects.items():
            if any(matches(pattern, cut(scope)) for pattern in dialect.scopes):
                return name
        return ""

    def _of_keys(self) -> str:
        keys = [key for key, _, _ in self.sent]
        seen = [key for key in keys if key in self.known or key.startswith(_BESIDE)]
        for name, dialect in self.table.dialects.items():
            if any(matches(pattern, key) for pattern in dialect.keys for key in seen):
                return name
        return ""

    def rules(self) -> Dialect | None:
        return self.table.dialects.get(self.dialect)

    def best(self, name: str) -> tuple[Spelling, str, Any] | None:
        """The spelling that counts, its text and its value."""
        field: Field = self.field(name)
        ranked: list[tuple[int, int, int, Spelling, str, Any]] = []
        for at, spelling in enumerate(field.spellings):
            for position, (key, text, plain) in enumerate(self.sent):
                if key == spelling.key and text is not None:
                    usable = self._rank(field, text)
                    ranked.append((usable, at, position, spelling, text, plain))
        return min(ranked, key=lambda r: r[:3])[3:] if ranked else None

    def field(self, name: str) -> Field:
        return self.table.fields.get(name) or Field("tokens", self.table.parts[name])

    def beside(self) -> dict[str, Decimal | None]:
        """Units beside tokens, in the order of their text; None = impossible."""
        found: dict[str, Decimal | None] = {}
        for key, text, _ in sorted(self.sent, key=lambda sent: sent[1] == ""):
            if key.startswith(_BESIDE) and key != _BESIDE and text is not None:
                found.setdefault(cut(key[len(_BESIDE) :]), amount(text))
        return found

    def _rank(self, field: Field, text: str) -> int:
        if field.type not in ("tokens", "integer"):
            return int(text == "")
        number = whole(text)
        return 0 if number > 0 else 1 if number == 0 else 2

    def exclusive(self, name: str) -> bool:
        """Whether the spelling that counts leaves a part out."""
        found = self.best(name)
        return bool(found and found[0].exclusive)

    def self_counted(self) -> bool:
        """Whether the emitter counted a stream's tokens itself, by its dialect's habit."""
        rules = self.rules()
        streamed = lower(self.text("streaming")) in ("true", "1")
        habit = rules.streams if rules else ""
        return bool(habit) and streamed and self.best("cache_read") is None

    def text(self, name: str) -> str:
        found = self.best(name)
        return found[1] if found else ""

    def number(self, name: str) -> int:
        found = self.best(name)
        return whole(found[1]) if found else 0

    def natural(self, name: str) -> int:
        return max(0, self.number(name))

    def sane(self, name: str) -> int:
        number = self.number(name)
        return number if 0 <= number < MOST_TOKENS else 0

    def list(self, name: str) -> list[str]:
        found = self.best(name)
        if found is None:
            return []
        inside = elements(found[2])
        return inside or ([found[1]] if found[1] else [])

    def present(self, names: tuple[str, ...]) -> bool:
        return any(self.best(name) for name in names)

    def absurd(self, names: tuple[str, ...], role: str) -> bool:
        most = MOST_OF_A_CALL if role in ("call", "engine") else MOST_TOKENS
        return any(not 0 <= self.number(name) < most for name in names)


def _role(fields: Fields, span: PlainSpan, operation: str, metered: bool) -> str:
    rules = fields.rules()
    named = (rules.span_roles or {}).get(cut(span.name), "") if rules else ""
    known = fields.table.operations.get(operation, ("", ""))[1]
    return (rules.role if rules else "") or named or known or ("call" if metered else "other")


def _reasoning(f: Fields) -> int:
    rules = f.rules()
    told = f.sane("reasoning")
    if told or not f.number("input") or not rules or rules.output != "exclusive":
        return told
    return max(0, f.sane("total") - f.sane("input") - f.sane("output"))


def _buckets(f: Fields, own: bool, usable: bool) -> dict[str, Any]:
    rules = f.rules()
    reasoning = _reasoning(f) if usable else 0
    row: dict[str, Any] = {"reasoning_tokens": reasoning, "usage_assumed": False}
    if not usable or own:
        for name, at in zip(_OWN, _columns(), strict=True):
            row[at] = f.number(name) if usable else 0
        return row
    read, five, hour = (f.number(n) for n in ("cache_read", "cache_write_5m", "cache_write_1h"))
    written = f.number("cache_write") if f.number("cache_write") > 0 else five + hour
    hour = hour if five + hour <= written else 0
    total, output = f.number("input"), f.number("output")
    unfit = total < read + written
    exclusive = bool(rules and rules.input == "exclusive") or f.exclusive("input")
    exclusive |= bool(rules and lower(f.text("provider")) in rules.exclusive_providers)
    outside = bool(rules and rules.output == "exclusive") or f.exclusive("output")
    row["input_uncached_tokens"] = total if unfit or exclusive else total - read - written
    row["cache_read_tokens"] = read
    row["cache_write_5m_tokens"] = written - hour
    row["cache_write_1h_tokens"] = hour
    row["output_tokens"] = output + (reasoning if reasoning > output or outside else 0)
    if unfit:
        row["usage_assumed"] = not exclusive
    elif reasoning > output:
        row["usage_assumed"] = not outside
    else:
        row["usage_assumed"] = read + written > 0 and bool(rules and rules.input == "assumed")
    return row


def _units(f: Fields) -> dict[str, Decimal]:
    """Parts of the buckets without their cached part, and units beside tokens; none that is 0."""
    found = {name: Decimal(f.sane(name)) for name in f.table.parts}
    for name, cached in CACHED_PARTS.items():
        found[name] -= min(found[name], found[cached])
    found |= {name: amount for name, amount in f.beside().items() if amount is not None}
    return {name: amount for name, amount in found.items() if amount > 0}


def _reasons(told: str) -> list[str]:
    """A list that was sent as JSON text."""
    if not told.startswith('["'):
        return [told]
    try:
        return [str(reason) for reason in json.loads(told)]
    except ValueError:
        return []


def _columns() -> tuple[str, ...]:
    return tuple(f"{name.removeprefix('own_')}_tokens" for name in _OWN)


def _provider(f: Fields) -> str:
    billed = provider_of_host(host(f.text("server_address")))
    if billed:
        return f.table.providers.get(billed, billed)
    name = lower(f.text("provider"))
    return f.table.providers.get(name, name)


def _times(f: Fields, span: PlainSpan, record: PlainRecord) -> dict[str, Any]:
    latest = record.received_at_ns + DAY_NS
    timely = EARLIEST_NS <= span.start_ns <= latest
    start = span.start_ns if timely else record.received_at_ns
    lasted = max(min(span.end_ns, latest), span.start_ns) - span.start_ns if timely else 0
    found = f.best("ttft_ns")
    unit = (found[0].units or {}).get(f.dialect, found[0].unit) if found else None
    ttft = (real(found[1]) or 0.0) * _UNITS[unit] if found else 0.0
    streamed = lower(f.text("streaming")) not in ("false", "0")
    first = next((at for name, at in span.events if name == "First Token Stream Event"), 0)
    token = first - span.start_ns if first > span.start_ns else 0
    return {
        "started_at_ns": start,
        "ended_at_ns": start + lasted,
        "duration_ns": lasted,
        "ttft_ns": (int(min(ttft, 9e18)) if streamed else 0) if ttft > 0 else token,
    }


def _money(f: Fields) -> Decimal | None:
    text = f.text("emitted_cost")
    number = real(text)
    if lower(f.text("emitted_currency")) not in ("", "usd") or number is None:
        return None
    if not math.isfinite(number):
        return None
    exact = Decimal(text)
    if abs(exact) >= Decimal(10) ** 26:
        return None
    cut_off = exact.quantize(Decimal("1e-12"), rounding=ROUND_DOWN, context=_WIDE)
    rules = f.rules()
    return None if rules and rules.zero_cost == "missing" and cut_off == 0 else cut_off


def _blank(f: Fields) -> bool:
    """Whether nothing that was told is more than 0."""
    names = (*_OWN, *_FOREIGN, "reasoning", "input_high", "output_high")
    return not any(f.number(name) for name in names) and not _units(f)


def _usage_source(f: Fields, role: str, metered: bool, absurd: bool) -> str:
    none = "missing" if role in ("call", "engine") else ""
    told = f.text("usage_source")
    if absurd:
        return "missing"
    blank = _blank(f)
    if told in ("missing", "none"):
        return told
    if lower(f.text("cache_hit")) in ("true", "1") and (blank or not told):
        return "none"
    if blank and (none or metered):
        return "missing"
    if told not in ("provider", "estimated") and metered:
        return "estimated" if f.self_counted() else "provider"
    return told if told in ("provider", "estimated") else none


def _maps(f: Fields) -> dict[str, Any]:
    tags: dict[str, str] = {}
    kept: dict[str, str] = {}
    for name in (*f.table.fields, *f.table.parts):
        for spelling in f.field(name).spellings:
            texts = [t for k, t, _ in f.sent if k == spelling.key and t is not None]
            if texts:
                kept[spelling.key] = min(texts, key=lambda t: f._rank(f.field(name), t))
    for key, text, _ in reversed(f.sent):
        if key.startswith("spanledger.tag.") and text is not None:
            if text or not tags.get(cut(key[15:])):
                tags[cut(key[15:])] = text
        elif text is not None and key in {s.key for s in f.table.evidence}:
            kept[key] = text or kept.get(key, "")
    return {"tags": tags, "attributes": kept}


def decode(span: PlainSpan, record: PlainRecord) -> dict[str, Any]:
    """The row of ``spans``; times in nanoseconds as ``<column>_ns``."""
    f = Fields(shipped(), span)
    own = f.present(_OWN)
    foreign = f.present(_FOREIGN)
    metered = own or foreign or bool(f.beside())
    absurd = None in f.beside().values()
    told = lower(f.text("operation"))
    role = _role(f, span, told, metered)
    absurd = absurd or (f.absurd(_OWN, role) if own else foreign and f.absurd(_FOREIGN, role))
    usable = metered and not absurd
    operation = f.table.operations.get(told, (told, ""))[0]
    untold = operation in _GENERATING and role == "call" and span.status != _ERROR and not own
    untold = untold and f.number("input") > 0 and f.best("output") is None
    resource = {k: v for k, v in reversed(span.resource) if isinstance(v, str) and v}
    gpu = real(f.text("gpu_seconds")) or 0.0
    attempt = f.number("attempt_number")
    attempt = attempt if attempt > 0 else f.number("resend_count") + 1
    entity = f.text("entity_name")
    tier = lower(f.text("service_tier"))
    row: dict[str, Any] = {
        "workspace": record.workspace,
        "tenant": record.tenant
        or f.text("tenant")
        or cut(resource.get("spanledger.tenant.id", "")),
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "name": cut(span.name),
        "kind": KINDS.get(span.kind, "unspecified"),
        "service_name": cut(resource.get("service.name", "")),
        "scope_name": cut(span.scope),
        "scope_version": cut(span.scope_version),
        "status": STATUSES.get(span.status, "unset"),
        "dialect": f.dialect,
        "role": role,
        "operation": operation,
        "provider": _provider(f),
        "service_tier": f.table.tiers.get(tier, tier),
        "streaming": lower(f.text("streaming")) in ("true", "1"),
        "usage_source": _usage_source(f, role, metered, absurd),
        "usage_partial": lower(f.text("usage_partial")) in ("true", "1"),
        "units": (_units(f) | ({"output_untold": Decimal(1)} if untold else {})) if usable else {},
        "input_tokens_low": f.sane("input_low") if usable else 0,
        "input_tokens_high": f.sane("input_high") if usable else 0,
        "output_tokens_low": f.sane("output_low") if usable else 0,
        "output_tokens_high": f.sane("output_high") if usable else 0,
        "agent_name": f.text("agent_name") or (entity if role == "agent" else ""),
        "workflow_name": f.text("workflow_name") or (entity if role == "workflow" else ""),
        "tool_name": f.text("tool_name") or (entity if role == "tool" else ""),
        "attempt_number": min(max(attempt, 1), 65535),
        "finish_reasons": [r for told in f.list("finish_reasons") for r in _reasons(told)],
        "retry_reasons": f.list("retry_reasons"),
        "retry_wait_seconds": [wait(t) for t in f.list("retry_wait_seconds")],
        "gpu_seconds": min(max(gpu, 0.0), 1e15) if abs(gpu) != float("inf") else 0.0,
        "gpu_count": min(f.natural("gpu_count"), 65535),
        "emitted_cost_usd": _money(f),
        "vram_weights_bytes": f.natural("vram_weights"),
        "vram_kv_bytes": f.natural("vram_kv"),
        "vram_peak_bytes": f.natural("vram_peak"),
        "received_at_ns": record.received_at_ns,
        "journal_id": "journal",
        "sequence": record.sequence,
    }
    row |= {
        n: f.natural(n) for n in f.table.fields if n.startswith("flops_") and n != "flops_method"
    }
    row |= {"usage_method": "emitter" if metered and f.self_counted() else f.text("usage_method")}
    row["server_address"] = host(f.text("server_address"))
    row |= {n: f.text(n) for n in _TEXTS} | _times(f, span, record) | _maps(f)
    return row | _buckets(f, own, usable)


_GENERATING = ("chat", "text_completion", "generate_content")
_ERROR = 2
_TEXTS = (
    *("error_type", "request_model", "response_model", "response_id"),
    *("run_id", "parent_run_id", "agent_id", "agent_version"),
    *("conversation_id", "retry_of", "rework_of", "rework_reason"),
    *("flops_method", "vram_source", "gpu_model"),
)
