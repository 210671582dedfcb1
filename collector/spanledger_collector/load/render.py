"""Renders the SQL of the transform from the table of spellings.

``python -m spanledger_collector.load.render`` writes ``sql/schema/0011_otlp_in_v1_to_spans.sql``.
The text stays in the tree, so that a change of a spelling shows as a change of SQL, and a test
fails when it is stale. A file that landed is never edited; how to change the transform stands at
``frame.ROW_FORMAT``.

The shape is in ``transform.sql.template``; ``@name(argument)`` there is one of the macros below.
Known attribute names are found by one ``transform()`` that gives each a code: bits 26..31 dialect
its presence proves (63 = first of the list), 0 = none; 16..25 field; 0..15 precedence within it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from spanledger.hosts import HOSTS
from spanledger.semconv import USAGE_UNITS_PREFIX
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.load.dialects import (
    CACHED_PARTS,
    NANOSECONDS,
    Field,
    FieldType,
    Spelling,
    Table,
    matches,
    shipped,
)
from spanledger_collector.load.frame import TABLE
from spanledger_collector.load.literals import array, mapped, quoted
from spanledger_collector.load.prefixes import Prefixes
from spanledger_collector.load.unfold import SPAN_COLUMNS, unfold

#: Where the rendered text is kept.
_NUMBER = "0011"
TARGET = Path(__file__).parents[1] / "sql" / "schema" / f"{_NUMBER}_{TABLE}_to_spans.sql"
#: The command that renews it.
COMMAND = "python -m spanledger_collector.load.render"

_MACRO = re.compile(r"@(\w+)\(((?:[^()]|\([^()]*\))*)\)")
_FIRST_MARKER = 63
_OWN = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "output")
_CORE: Mapping[str, tuple[str, ...]] = {
    "own": tuple(f"own_{name}" for name in _OWN),
    "foreign": ("input", "output", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h"),
}
_BESIDE_CORE = ("reasoning", "input_high", "output_high")


class Renderer(Prefixes):
    """Turns the template into SQL for one table of spellings.

    Every public method is a macro: it takes the text between the brackets and gives SQL.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        order = {"tokens": 0, "integer": 0, "real": 1, "text": 1, "list": 2}
        parts = {name: Field("tokens", spellings) for name, spellings in table.parts.items()}
        self._all = {**parts, **table.fields}
        self._fields = sorted(self._all, key=lambda name: order[self._all[name].type])
        self._kinds = [order[self._all[name].type] for name in self._fields]
        self._evidence = len(self._fields) + 1
        self._json = self._evidence + 1
        self._tag = self._json + 1
        self._unit = self._tag + 1

    def render(self, template: str) -> str:
        """The template with every macro replaced, innermost first."""
        text, count = template, 1
        while count:
            text, count = _MACRO.subn(self._expand, text)
        return text

    def _expand(self, match: re.Match[str]) -> str:
        macro: Callable[[str], str] = getattr(self, match[1])
        return macro(match[2])

    def _number_of(self, name: str) -> int:
        return self._fields.index(name) + 1

    # --- fields of a span -----------------------------------------------------------------------
    def id(self, name: str) -> str:
        """The number of a field."""
        return str(self._number_of(name))

    def text(self, name: str) -> str:
        """The text of a field, empty when absent."""
        return f"text_{self._checked(name, 'text', 'real')}"

    def number(self, name: str) -> str:
        """The whole number in a field, 0 when absent, -1 when it is none."""
        return f"number_{self._checked(name, 'tokens', 'integer')}"

    def list(self, name: str) -> str:
        """The elements of a field; a single text counts as one element."""
        return f"list_{self._checked(name, 'list')}"

    def real(self, name: str) -> str:
        """The number in a field, NULL when it is none."""
        return f"toFloat64OrNull({self.text(name)})"

    def extracted(self, _: str) -> str:
        """One column for each field: ``number_``, ``text_`` or ``list_`` and its name."""
        return ",\n".join(self._column(name) for name in self._fields if name in self._table.fields)

    def _column(self, name: str) -> str:
        kind, at = self._table.fields[name].type, f"indexOf(fields, {self._number_of(name)})"
        if kind == "list":
            found = f"if(texts[{at}] != '' and empty(lists[{at}]), [texts[{at}]], lists[{at}])"
            return f"{found} AS list_{name}"
        if kind in ("tokens", "integer"):
            return f"numbers[{at}] AS number_{name}"
        return f"texts[{at}] AS text_{name}"

    def _checked(self, name: str, *types: FieldType) -> str:
        if self._table.fields[name].type not in types:
            raise ConfigurationError(
                f"the template reads {name} as one of {types}, which it is not"
            )
        return name

    def natural(self, name: str) -> str:
        """The whole number in a field, 0 when absent, no number or negative."""
        return f"greatest({self.number(name)}, 0)"

    def sane(self, name: str) -> str:
        """The count in a token field, 0 when it is impossible."""
        return f"if(bitShiftRight({self.number(name)}, 40) = 0, {self.number(name)}, 0)"

    def any(self, group: str) -> str:
        """Whether one of a group's fields is present."""
        numbers = ", ".join(str(self._number_of(name)) for name in _CORE[group])
        return f"hasAny(fields, [{numbers}])"

    def bad(self, group: str) -> str:
        """Whether one of a group's counts is negative or 2^40 and more.

        Bits instead of ``or``: the engine spends 20 ms on analysing each comparison in a chain.
        """
        return f"bitShiftRight({self._bits(_CORE[group])}, 40) != 0"

    def huge(self, group: str) -> str:
        """Whether one of a group's counts is more than a call can have: 2^27 = 134 million tokens.

        The longest context that anybody sells is 10 million tokens. An aggregate of calls, which is
        only observed where a call under it was told, may be larger.
        """
        return f"bitShiftRight({self._bits(_CORE[group])}, 27) != 0"

    def blank(self, _nothing: str) -> str:
        """Whether no count of tokens is anything but 0, nor the most an estimate may have been."""
        return f"{self._bits([*_CORE['own'], *_CORE['foreign'], *_BESIDE_CORE])} = 0"

    def _bits(self, names: Sequence[str]) -> str:
        bits = self.number(names[0])
        for name in names[1:]:
            bits = f"bitOr({bits}, {self.number(name)})"
        return bits

    def decimal(self, name: str) -> str:
        """The amount in a field, NULL when it is none."""
        return f"toDecimal128OrNull({self.text(name)}, 12)"

    def unit(self, name: str) -> str:
        """Nanoseconds in one unit of the field's value."""
        spellings = self._table.fields[name].spellings
        branches: list[str] = []
        for spelling in spellings:
            key = f"keys[indexOf(fields, {self._number_of(name)})] = {quoted(spelling.key)}"
            for dialect, unit in (spelling.units or {}).items():
                branches.append(f"{key} and dialect = {quoted(dialect)}, {NANOSECONDS[unit]:.0f}")
            branches.append(f"{key}, {NANOSECONDS[spelling.unit or 'ns']:.0f}")
        return f"multiIf({', '.join(branches)}, 0)"

    # --- values ---------------------------------------------------------------------------------
    def cut(self, expression: str) -> str:
        """At most 256 bytes of a text, whole characters only."""
        return (
            f"if(length({expression}) > 256, replaceRegexpOne(toValidUTF8("
            f"substring({expression}, 1, 256)), '\\\\x{{FFFD}}$', ''), {expression})"
        )

    def parse(self, text: str) -> str:
        """A whole number from a text: fractions are dropped, what is no number gives -1."""
        real = f"toFloat64OrNull({text})"
        whole = f"if(abs({real}) < 9.2e18, toInt64({real}), -1)"
        return f"ifNull(toInt64OrNull({text}), ifNull({whole}, -1))"

    def keep(self, column: str) -> str:
        """Only the elements at known attributes."""
        return f"arrayFilter((v, c) -> c != 0, {column}, codes)"

    # --- the table ------------------------------------------------------------------------------
    def operations(self, column: str) -> str:
        """An operation or kind name, normalised."""
        return mapped(column, {k: v[0] for k, v in self._table.operations.items()}, column)

    def roles(self, column: str) -> str:
        """The role of an operation or kind name, empty when not known."""
        return mapped(column, {k: v[1] for k, v in self._table.operations.items()}, "''")

    def span_roles(self, column: str) -> str:
        """The role that a span's name gives it in its dialect, empty when it gives none."""
        roles = {
            f"{dialect} {name}": role
            for dialect, rules in self._table.dialects.items()
            for name, role in (rules.span_roles or {}).items()
        }
        return mapped(f"concat(dialect, ' ', {column})", roles, "''")

    def forced_roles(self, column: str) -> str:
        """The role that a dialect gives all its spans, empty when it gives none."""
        dialects = self._table.dialects
        return mapped(column, {k: d.role for k, d in dialects.items() if d.role}, "''")

    def providers(self, column: str) -> str:
        """A provider's name, normalised."""
        return mapped(column, self._table.providers, column)

    def host_provider(self, column: str) -> str:
        """Who bills at a host, empty when not known: one lookup, as for scopes."""
        endings, inside, names = zip(*HOSTS, strict=True)
        providers = array(self._table.providers.get(name, name) for name in names)
        return (
            f"arrayFirst((p, e, i) -> endsWith(concat('.', {column}), e) "
            f"and position({column}, i) > 0, "
            f"{providers}, {array(f'.{ending}' for ending in endings)}, {array(inside)})"
        )

    def host_in(self, column: str) -> str:
        """The host in a URL, in a host with its port, or the host as it is; lower case."""
        parts = r"(?s)^(?:[a-z0-9+.-]+://)?(?:[^/\\x40]*\\x40)?([^:/\\x40]+|\\[[^\\]]*\\])(?::[0-9]+)?(?:[/?].*)?$"
        return f"replaceRegexpOne(lower({column}), '{parts}', '\\\\1')"

    def tiers(self, column: str) -> str:
        """A served tier, as the price book calls it."""
        return mapped(column, self._table.tiers, column)

    def dialects(self, rule: str) -> str:
        """Names of the dialects with ``side=value``, as an array."""
        side, value = rule.split("=")
        return array(k for k, d in self._table.dialects.items() if getattr(d, side) == value)

    def exclusive_providers(self, _: str) -> str:
        """``<dialect> <provider>`` whose input leaves out the cached tokens, as an array."""
        pairs = [
            f"{name} {provider}"
            for name, dialect in self._table.dialects.items()
            for provider in dialect.exclusive_providers
        ]
        return array(pairs)

    def exclusive(self, name: str) -> str:
        """Whether the field was read from a spelling that leaves a part out."""
        keys = [s.key for s in self._table.fields[name].spellings if s.exclusive]
        return f"keys[indexOf(fields, {self._number_of(name)})] IN {array(keys)}"

    def has(self, name: str) -> str:
        """Whether a field was sent at all."""
        return f"has(fields, {self._number_of(name)})"

    def scope_dialect(self, column: str) -> str:
        """The dialect that an instrumentation scope's name tells, else empty.

        One lookup of beginnings (a whole name ends in a line break): the engine spends
        a millisecond on analysing each branch of a condition.
        """
        told = [
            (name, pattern[:-1] if pattern.endswith("%") else pattern + "\n")
            for name, dialect in self._table.dialects.items()
            for pattern in dialect.scopes
        ]
        if not told:
            return "''"
        names, beginnings = array(name for name, _ in told), array(text for _, text in told)
        return (
            f"arrayFirst((d, b) -> startsWith(concat({column}, '\\n'), b), {names}, {beginnings})"
        )

    def marked_dialect(self, column: str) -> str:
        """The dialect that the highest marker among the known names tells, else empty."""
        markers = ", ".join(str(_FIRST_MARKER - at) for at, _ in enumerate(self._table.dialects))
        return f"transform({column}, [{markers}], {array(self._table.dialects)}, '')"

    # --- codes ----------------------------------------------------------------------------------
    def _marker(self, key: str) -> int:
        for at, dialect in enumerate(self._table.dialects.values()):
            if any(matches(pattern, key) for pattern in dialect.keys):
                return _FIRST_MARKER - at
        return 0

    def _codes(self) -> Iterable[tuple[Spelling, int]]:
        spelt = [(self._number_of(n), self._all[n].spellings) for n in self._fields]
        for number, spellings in [*spelt, (self._evidence, self._table.evidence)]:
            for rank, spelling in enumerate(spellings):
                yield spelling, self._marker(spelling.key) << 26 | number << 16 | rank

    def codes(self, column: str) -> str:
        """The code of an attribute name; 0 = not known."""
        groups: dict[tuple[str, ...], dict[str, int]] = {}
        for spelling, code in self._codes():
            if not spelling.inside:
                groups.setdefault(spelling.only, {})[spelling.key] = code
        for attribute in self._table.json:
            code = self._marker(attribute.key) << 26 | self._json << 16
            groups.setdefault((), {})[attribute.key] = code
        parts: list[str] = []
        for only, codes in groups.items():
            numbers = ", ".join(str(code) for code in codes.values())
            found = f"transform({column}, {array(codes)}, [{numbers}], toUInt32(0))"
            parts.append(f"if(has({array(only)}, scope_dialect), {found}, 0)" if only else found)
        return " + ".join(parts)

    def leaf_codes(self, column: str) -> str:
        """The code of a name inside a JSON attribute; 0 = not known."""
        codes = {spelling.key: code for spelling, code in self._codes() if spelling.inside}
        if not codes:
            return "toUInt32(0)"
        numbers = ", ".join(str(code) for code in codes.values())
        return f"transform({column}, {array(codes)}, [{numbers}], toUInt32(0))"

    def python_texts(self, key: str) -> str:
        """Whether an attribute's text is a dict as Python prints it."""
        return f"{key} IN {array(a.key for a in self._table.json if a.format == 'python')}"

    def json_field(self, _: str) -> str:
        """The field number of an attribute that is an object."""
        return str(self._json)

    def evidence_field(self, _: str) -> str:
        """The field number of what is kept and not read."""
        return str(self._evidence)

    def tag_code(self, _: str) -> str:
        """The code of a user tag."""
        return str(self._tag << 16)

    def tag_field(self, _: str) -> str:
        """The field number of a user tag."""
        return str(self._tag)

    def unit_code(self, _: str) -> str:
        """The code of a unit beside tokens: it proves our own dialect."""
        return str(self._marker(USAGE_UNITS_PREFIX) << 26 | self._unit << 16)

    def unit_field(self, _: str) -> str:
        """The field number of a unit beside tokens."""
        return str(self._unit)

    # --- parts of the buckets -------------------------------------------------------------------
    def first_part(self, _: str) -> str:
        """The number of the first part: they are the first fields."""
        return str(min(map(self._number_of, self._table.parts), default=1))

    def last_part(self, _: str) -> str:
        """The number of the last part."""
        return str(max(map(self._number_of, self._table.parts), default=0))

    def part_names(self, column: str) -> str:
        """The name of a part by its field number."""
        numbers = ", ".join(str(self._number_of(name)) for name in self._table.parts)
        return f"transform({column}, [{numbers}], {array(self._table.parts)}, '')"

    def cached_parts(self, column: str) -> str:
        """The cached part inside a part of the input, empty for any other."""
        return mapped(column, CACHED_PARTS, "''")

    def last_number(self, _: str) -> str:
        """The last field that holds a whole number."""
        return str(self._kinds.count(0))

    def table(self, _: str) -> str:
        """The Null table that requests are inserted into."""
        return TABLE

    # --- the stages -----------------------------------------------------------------------------
    def span_columns(self, _: str) -> str:
        """Columns of a span that every stage hands on."""
        return ", ".join(SPAN_COLUMNS)

    def unfold(self, _: str) -> str:
        """Request rows to resource, to scope, to span rows, by three ARRAY JOINs."""
        return unfold(self.scope_dialect("scope_name"), self.cut)


def rendered(table: Table) -> str:
    """The whole statement for a table of spellings."""
    template = Path(__file__).with_name("transform.sql.template").read_text(encoding="utf-8")
    return Renderer(table).render(template)


def main() -> None:
    """Writes the statement for the shipped table to its place in the tree."""
    TARGET.write_text(rendered(shipped()), encoding="utf-8")


if __name__ == "__main__":
    main()
