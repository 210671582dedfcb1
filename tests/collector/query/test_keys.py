"""Keys of agents and versions: no two pairs read alike, and each leads to its own attempts."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

from tests.collector.settle import scene

from spanledger import semconv
from spanledger_collector.query import Behind, DirectReader, Ledger
from spanledger_collector.query.keys import version_key
from spanledger_collector.store import Store

NAMES = ("a", "a b", ' "a"', '"a"', " a", "", "a  b")
VERSIONS = ("", "b", " b", "b c", '"b"')


def test_each_agent_and_version_has_a_key_of_its_own(store: Store) -> None:
    """Agent `a b` without a version is not version `b` of `a`; costs stay apart everywhere."""
    pairs = [(name, version) for name, version in product(NAMES, VERSIONS) if name]
    rows: list[scene.Row] = []
    for trace, (name, version) in enumerate(pairs, 1):
        who = {"agent_name": name, "agent_version": version, "trace": trace}
        prompt = {semconv.PROMPT_NAME: name, semconv.PROMPT_VERSION: version}
        rows += [
            scene.span(1, 0, "agent", **who),
            scene.call(2, 1, (trace, 0), **who, attributes=prompt),
        ]
    with store.connect() as connection:
        scene.publish(connection, [scene.price("m1", input="0.01")])
        scene.load(connection, rows)
    scene.settle(store, range(1, len(pairs) + 1))
    costs = {Decimal(trace) / 100 for trace in range(1, len(pairs) + 1)}
    with Ledger(DirectReader(store)) as ledger:
        for by in ("version", "prompt"):
            rates = ledger.rework(by=by).rates
            assert {row.cost_usd for row in rates} == costs
            for row in rates:
                (model,) = ledger.models_behind(Behind(by=by, key=row.key))
                assert model.cost_usd == row.cost_usd
        assert {row.cost_usd for row in ledger.economics_by("version")} == costs
        assert {row.cost_usd for row in ledger.quality(by="version")} == costs
        keys = {row.cost_usd: row.key for row in ledger.rework(by="version").rates}
    told = {pair: keys[Decimal(trace) / 100] for trace, pair in enumerate(pairs, 1)}
    assert told == {pair: version_key(*pair) for pair in pairs}
    assert told["a", "b"] == "a b"
    assert told["a b", ""] == '"a b"'
    assert told["a", ""] == "a"
