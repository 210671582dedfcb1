"""The SQL in the tree is what the table of spellings renders to."""

from spanledger_collector.load.dialects import parse, shipped
from spanledger_collector.load.render import COMMAND, TARGET, Renderer, rendered


def test_rendered_sql_is_fresh() -> None:
    """A change of the table or the template without rendering fails here, with what to run."""
    kept = TARGET.read_text(encoding="utf-8")
    assert kept == rendered(shipped()), f"{TARGET.name} is stale: run `{COMMAND}`"


def test_every_macro_is_expanded() -> None:
    """Nothing of the template's own language is left."""
    assert "@" not in rendered(shipped()).replace("@arizeai", "")


def test_text_from_the_table_is_quoted() -> None:
    """A name with a quote or a backslash cannot end the string it stands in."""
    table = parse(
        r"""
dialects: {a: {input: inclusive, output: inclusive, scopes: ["o'clock\\%"]}}
fields: {}
evidence: []
operations: {}
providers: {"it's": "x\\y"}
tiers: {}
content: []
"""
    )
    renderer = Renderer(table)
    assert renderer.providers("p") == r"transform(p, ['it\'s'], ['x\\y'], p)"
    assert renderer.scope_dialect("s").endswith(r"['a'], ['o\'clock\\'])")
