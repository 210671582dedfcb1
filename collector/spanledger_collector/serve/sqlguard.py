"""Ad-hoc SQL made safe for the embedded engine, which has no users and no rights of its own.

The engine runs inside the collector, so a statement could read any file the collector can read,
whatever ``readonly`` says. Therefore a statement is never run as it was written:

1. it is parsed to a tree, which must be exactly one SELECT (unions, subqueries, joins, CTEs, window
   functions are fine) over the ledger's own tables and views;
2. the tree is written out again with every identifier quoted and every comment dropped, and that
   text must parse to itself: what runs is this text, never the user's;
3. functions are looked up both as they were written and as they will run: the
   text is cut into tokens by rules that leave the engine's lexer no other reading, and each
   bare word must be a listed keyword, type or function (``sqlwords``): a function is allowed
   because it is on the list, not because nobody has found out yet what it can do.

Limits of time, memory and rows are set outside the text (``serve/adhoc.py``), where no clause can
change them. Whoever may send SQL sees the whole ledger, all workspaces: it is an operator's tool.
"""

import re
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import sqlglot
from sqlglot import exp
from sqlglot.expressions.core import Expression as Node
from sqlglot.tokenizer_core import TokenType

from spanledger_collector.errors import RefusedQueryError

from .sqlwords import (
    BEFORE_PARENTHESIS,
    FUNCTIONS,
    KEYWORDS,
    MAX_STATEMENT_BYTES,
    TAKE_LAMBDAS,
    TYPES,
)

MAX_DEPTH = 64
_DIALECT = "clickhouse"
_NAME = re.compile(r"[^\\\"`'{}\x00-\x1f\x7f]{1,200}")
_NEVER = frozenset({"system", "information_schema", "_temporary_and_external_tables"})

# The only shapes a rendered statement may consist of. A bare word is checked against the lists.
_TOKEN = re.compile(
    r"""
    (?P<space>[ ]+)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>0x[0-9A-Fa-f]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
  | (?P<name>"[^"\\]*")
  | (?P<text>'(?:[^'\\\x00]|\\[^\x00]|'')*')
  | (?P<parameter>\{[A-Za-z_]\w*:[ ][A-Za-z][A-Za-z0-9_(), ']*\})
  | (?P<sign>->|::|<=|>=|<>|!=|\|\||[-+*/%=<>()\[\],.])
    """,
    re.VERBOSE | re.ASCII,
)
_ALLOWED = (
    "send one SELECT over the ledger's tables, with functions that only compute a value from "
    "their arguments"
)
_BEGINNINGS = ("select", "with", "from", "(")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PARAMETER = re.compile(r"'(?:[^'\\]|\\.|'')*'|(\{\w+: )")
_COMMENTS = ("--", "/*", "//", "*/")


@dataclass(frozen=True, slots=True)
class Readable:
    """What can be read; nothing else can.

    Attributes:
        tables: names of the ledger's tables and views.
        database: the ledger's database; a table may be qualified with it.
        parametrized: views that take parameters, ``view(parameter = value)``, and their names.
    """

    tables: Collection[str]
    database: str = ""
    parametrized: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])


def guard(sql: str, readable: Readable) -> str:
    """The statement that is run instead of ``sql``.

    Args:
        sql: what somebody sent.
        readable: what it may read.

    Returns:
        One SELECT, without comments, FORMAT and SETTINGS. Guarding it again gives the same text.

    Raises:
        RefusedQueryError: with the part that is not allowed, and what is.
    """
    if len(sql.encode(errors="replace")) > MAX_STATEMENT_BYTES:
        raise RefusedQueryError(f"the statement is longer than {MAX_STATEMENT_BYTES} bytes")
    text = _rendered(sql, readable)
    if _rendered(text, readable) != text:
        raise RefusedQueryError(
            "the statement has no stable form, so it is unclear what would run; write it simpler"
        )
    return text


def _rendered(sql: str, readable: Readable) -> str:
    _check_nesting(sql)
    braces = _check_source(sql, readable.parametrized)
    with _refusing():
        statements = [tree for tree in sqlglot.parse(sql, dialect=_DIALECT) if tree is not None]
    if len(statements) != 1:
        raise RefusedQueryError(f"send exactly one statement, not {len(statements)}")
    tree = cast("Node", statements[0])
    if not isinstance(tree, (exp.Select, exp.SetOperation, exp.Subquery)):
        raise RefusedQueryError(f"only SELECT can be run here, not {tree.key.upper()}")
    _check_depth(tree)
    _check_tree(tree, readable)
    with _refusing():
        text = tree.sql(dialect=_DIALECT, identify=True, normalize_functions=False, comments=False)
    _check_tokens(text, readable.parametrized)
    if sum(map(bool, _PARAMETER.findall(text))) != braces:
        raise RefusedQueryError("braces are for parameters only: {name:Type}, of a listed type")
    return text


def _check_source(sql: str, views: Collection[str]) -> int:
    """Functions are listed under the name they were written with; gives the number of braces.

    The writer replaces some functions by others, so looking at what will run is not enough.
    """
    with _refusing():
        lexemes = sqlglot.tokenize(sql, read=_DIALECT)
    word = lexemes[0].text if lexemes else ""
    if word.lower() not in _BEGINNINGS:
        raise RefusedQueryError(f"only SELECT can be run here, not {word[:50] or 'nothing'}")
    for name, after in pairwise(lexemes):
        if after.token_type == TokenType.L_PAREN and _WORD.fullmatch(name.text):
            _check_word(name.text, called=True, views=views)
    return sum(lexeme.token_type == TokenType.L_BRACE for lexeme in lexemes)


@contextmanager
def _refusing() -> Generator[None, None, None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 -- over hostile text the parser raises anything
        told = str(error).split("\n", 1)[0] or type(error).__name__
        raise RefusedQueryError(f"the statement cannot be read as one SELECT: {told}") from None


def _check_nesting(sql: str) -> None:
    """The parser recurses: what is nested too deeply is refused before it starts."""
    depth = deepest = 0
    for character in sql:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    if deepest > MAX_DEPTH:
        raise RefusedQueryError(f"parentheses are nested deeper than {MAX_DEPTH}")


def _check_depth(tree: Node) -> None:
    level: list[Node] = [tree]
    for _ in range(MAX_DEPTH * 8):
        level = [child for node in level for child in node.iter_expressions()]
        if not level:
            return
    raise RefusedQueryError("the statement is nested too deeply")


def _check_tree(tree: Node, readable: Readable) -> None:
    ctes = _cte_names(tree, readable.tables)
    for node in tree.walk():
        if isinstance(node, exp.Table):
            _check_table(node, readable, ctes)
        elif isinstance(node, exp.In):
            _check_in(node)
        elif isinstance(node, exp.CastToStrType):
            raise RefusedQueryError("write CAST(x AS Type): a type in quotes is not checked")
        elif isinstance(node, exp.Identifier):
            _check_name(node.name)
        elif isinstance(node, exp.Query):
            _check_clauses(node)


def _check_clauses(node: exp.Query) -> None:
    for clause in ("settings", "format", "into"):
        if node.args.get(clause):
            raise RefusedQueryError(
                f"{clause.upper()} is not allowed in the statement: the endpoint sets it"
            )


def _cte_names(tree: Node, tables: Collection[str]) -> set[str]:
    names = {cte.alias for cte in tree.find_all(exp.CTE)}
    shadowing = sorted(names & set(tables))
    if shadowing:
        raise RefusedQueryError(f"WITH {shadowing[0]!r} hides the table of that name; rename it")
    return names


def _check_table(node: exp.Table, readable: Readable, ctes: Collection[str]) -> None:
    called = node.this if isinstance(node.this, exp.Anonymous) else None
    name = called.name if called else node.name
    if (called and name not in readable.parametrized) or not (
        called or isinstance(node.this, exp.Identifier)
    ):
        raise RefusedQueryError(
            f"{_shown(node.this)} is not a table of the ledger: table functions are not allowed"
        )
    if node.args.get("catalog") or node.db not in ("", readable.database):
        raise RefusedQueryError(f"only the ledger's own database can be read, not {node.db!r}")
    if node.db:
        node.set("db", None)
    if name not in readable.tables and name not in ctes:
        known = ", ".join(sorted(readable.tables))
        raise RefusedQueryError(f"there is no table {name!r} here; there are: {known}")
    if name in readable.parametrized and name not in ctes:
        _check_parameters(name, called, readable.parametrized[name])


def _check_parameters(view: str, called: exp.Anonymous | None, wanted: Collection[str]) -> None:
    """A view with parameters is given all of them, each a constant or a parameter of the query."""
    given: set[str] = set()
    for one in called.expressions if called else ():
        value = one.expression if isinstance(one, exp.EQ) else None
        value = value.this if isinstance(value, exp.Neg) else value
        if not isinstance(value, (exp.Literal, exp.Placeholder)) or not isinstance(
            one.this, exp.Column
        ):
            raise RefusedQueryError(f"{_shown(one)}: give {view} its parameters as name = constant")
        given.add(one.this.name)
    if given != set(wanted):
        raise RefusedQueryError(
            f"the view {view} takes all of {', '.join(f'{name} = ...' for name in sorted(wanted))}"
        )


def _check_in(node: exp.In) -> None:
    """On the right of IN the engine takes a name for a table's."""
    field = node.args.get("field")
    suspects = [field] if field is not None else []
    suspects += [column for listed in node.expressions for column in _outside_queries(listed)]
    if suspects:
        raise RefusedQueryError(
            f"IN {_shown(suspects[0])} is not allowed: write constants, or IN (SELECT ...)"
        )


def _outside_queries(node: Node) -> Iterator[Node]:
    for found in node.walk(prune=lambda inner: isinstance(inner, exp.Query)):
        if isinstance(found, (exp.Column, exp.Identifier, exp.Table)):
            yield found


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RefusedQueryError(f"{name[:50]!r} cannot be a name: no quotes, braces or backslashes")
    if name.lower() in _NEVER:
        raise RefusedQueryError(f"{name!r} cannot be read here: only the ledger's own tables")


def _check_tokens(text: str, views: Collection[str]) -> None:
    """Every lexeme of the rendered statement is of a known shape, every bare word is listed."""
    tokens = list(_tokens(text))
    following = [*(lexeme for _, lexeme in tokens[1:]), ""]
    for place, ((kind, lexeme), after) in enumerate(zip(tokens, following, strict=True)):
        if kind == "word":
            _check_word(lexeme, called=after == "(", views=views)
        elif kind == "parameter":
            _check_parameter(lexeme)
        elif kind == "name" and after == "(":
            raise RefusedQueryError(f"{lexeme}( is not allowed: a quoted name is not a function")
        if lexeme.lower() in TAKE_LAMBDAS and after == "(":
            _check_lambda(lexeme, [lexeme for _, lexeme in tokens[place + 2 :]])


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each lexeme, without the spaces."""
    place, before = 0, ""
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise RefusedQueryError(f"{text[place]!r} is not allowed outside of quotes")
        if before + found.group() in _COMMENTS:
            raise RefusedQueryError("the statement could be read as holding a comment")
        place, before = found.end(), found.group()
        if found.lastgroup != "space":
            yield str(found.lastgroup), before


def _check_lambda(function: str, tokens: Sequence[str]) -> None:
    """The first of several arguments is a lambda written in place.

    The engine takes a bare name there for a function's: ``arrayMap(file, ['/etc/passwd'])`` reads
    the file.
    """
    depth = 0
    for lexeme in tokens:
        if lexeme == "->" and depth == 0:
            return
        if lexeme == "," and depth == 0:
            raise RefusedQueryError(f"write a lambda, x -> ..., as first argument of {function}")
        depth += (lexeme in ("(", "[")) - (lexeme in (")", "]"))
        if depth < 0:
            return


def _check_word(word: str, *, called: bool, views: Collection[str]) -> None:
    """A bare word is a keyword, a type, or a function or a view that is called."""
    known = word.lower()
    if called and word in views:
        return
    if called and known in FUNCTIONS | TYPES | BEFORE_PARENTHESIS:
        return
    if not called and known in KEYWORDS | TYPES:
        return
    what = f"the function {word}" if called else word
    raise RefusedQueryError(f"{what} is not allowed: {_ALLOWED}")


def _check_parameter(lexeme: str) -> None:
    kind = lexeme.partition(":")[2]
    for word in _WORD.findall(re.sub(r"'[^']*'", "", kind)):
        if word.lower() not in TYPES:
            raise RefusedQueryError(f"a parameter cannot be of type {word}: only values can be")


def _shown(node: Any) -> str:
    return str(node)[:80]
