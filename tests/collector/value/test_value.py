"""Value rules: read whole or refused, appended with history, and what runs are worth by them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collector.settle import scene

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.store import Connection, Store
from spanledger_collector.value import ValueRule, publish, read_rules


def _rules(tmp_path: Path, text: str) -> list[ValueRule]:
    path = tmp_path / "value.yaml"
    path.write_text("value_rules:\n" + text)
    return read_rules(path)


def _rule(per: str, amount: str, **given: object) -> ValueRule:
    return ValueRule.model_validate(
        {"per": per, "amount": amount, "valid_from": "2026-01-01", **given}
    )


def _values(connection: Connection) -> dict[str, tuple[Any, str]]:
    rows = connection.rows("SELECT run_id, value_usd, value_source FROM run_economics")
    return {str(row["run_id"]): (row["value_usd"], str(row["value_source"])) for row in rows}


def _run(number: int, *, agent: str = "a", lasts: float = 10, **told: Any) -> scene.Row:
    attributes = {"spanledger." + name.replace("__", "."): text for name, text in told.items()}
    return scene.span(
        1, 0, "agent", trace=number, run_id=f"r{number}", agent_name=agent, lasts=lasts,
        attributes=attributes, at=0,
    )  # fmt: skip


def test_a_run_without_a_recorded_amount_is_worth_what_the_rules_say(any_store: Store) -> None:
    with any_store.connect() as connection:
        publish(
            connection,
            [
                _rule("success", "4.50", agent="a"),
                _rule("minutes_saved", "0.80", agent="a"),
                _rule("run", "0.01"),
                _rule("success", "9", agent="a", version="2"),
            ],
        )
        minutes: dict[str, Any] = {
            "outcome": "success",
            "outcome__quantity": "2.5",
            "outcome__unit": "minutes_saved",
        }
        scene.load(
            connection,
            [
                _run(1, **minutes),
                _run(2, outcome="failure"),
                _run(3, outcome="success", value__amount="7"),
                _run(4, revenue__amount="3"),
                _run(5, agent="b"),
                _run(6) | {"agent_version": "2"},
            ],
        )
        scene.settle(any_store, range(1, 7))
        values = _values(connection)
        (day,) = connection.rows(
            "SELECT value_usd, valued_runs, margin_usd FROM agent_unit_economics "
            "WHERE agent_name = 'a' AND agent_version = ''"
        )
    assert values == {
        "r1": (Decimal("6.51"), "rule"),  # 4.50 + 2.5 x 0.80 + 0.01
        "r2": (Decimal("0.01"), "rule"),
        "r3": (Decimal(7), "recorded"),
        "r4": (Decimal(3), "recorded"),
        "r5": (Decimal("0.01"), "rule"),
        "r6": (Decimal("9.01"), "rule"),
    }
    assert day == {
        "value_usd": Decimal("16.52"),
        "valued_runs": 4,
        "margin_usd": Decimal("16.52"),
    }


def test_a_rule_of_no_agent_is_for_what_was_asked_and_never_replaces_what_was_recorded(
    store: Store,
) -> None:
    """A sub-agent's run and a call outside agents get nothing by it; XTS has no rate."""
    with store.connect() as connection:
        publish(connection, [_rule("success", "2")])
        scene.load(
            connection,
            [
                _run(1),
                scene.span(2, 1, "agent", agent_name="sub", run_id="sub"),
                scene.call(3, 0, (1, 0), trace=2),
                _run(3, revenue__amount="1000", revenue__currency="XTS"),
            ],
        )
        scene.settle(store, (1, 2, 3))
        values = _values(connection)
    assert values == {
        "r1": (Decimal(2), "rule"),
        "sub": (None, ""),
        scene.hex32(2): (None, ""),
        "r3": (None, ""),
    }


def _said(number: int, run: int, minute: int, **told: Any) -> scene.Row:
    """An outcome of a run, told from elsewhere at this minute."""
    told = {"subject__run_id": f"r{run}", "record__id": f"o{run}", **told}
    attributes = {"spanledger." + name.replace("__", "."): str(of) for name, of in told.items()}
    return scene.span(
        number, 0, "record", trace=1000 + number, at=minute * 60, lasts=0, attributes=attributes
    )


@pytest.mark.slow
def test_an_outcome_that_is_amended_takes_its_value_with_it(store: Store) -> None:
    """Success, failure, success again: each telling settles the run again; all are kept."""
    minutes = {"outcome__quantity": "10", "outcome__unit": "minutes_saved"}
    tellings = [
        [
            _said(1, 1, 1, outcome="success", **minutes),
            _said(2, 2, 1, outcome="failure"),
            _said(3, 3, 1, outcome="success", value__amount="7"),
        ],
        [
            _said(4, 1, 2, outcome="failure"),
            _said(5, 2, 2, outcome="success", **minutes),
            _said(6, 3, 2, outcome="failure"),
        ],
        [_said(7, 1, 3, outcome="success", **minutes), _said(8, 2, 3, outcome="failure")],
    ]
    with store.connect() as connection:
        publish(connection, [_rule("success", "4"), _rule("minutes_saved", "0.5")])
        scene.load(connection, [_run(1), _run(2), _run(3)])
        settler = scene.settler(store)
        found: list[dict[str, tuple[Any, str]]] = []
        for told in tellings:
            scene.load(connection, told)
            settler.settle_due(everything=True)
            found.append(_values(connection))
        settler.stop(drain=False)
        amended = connection.rows("SELECT run_id, tellings FROM run_records FINAL ORDER BY run_id")
        kept = connection.rows(
            "SELECT verdict FROM records WHERE record_id = 'o1' ORDER BY span_id"
        )
    whole, nothing = (Decimal(9), "rule"), (Decimal(0), "rule")
    assert found == [
        {"r1": whole, "r2": nothing, "r3": (Decimal(7), "recorded")},
        {"r1": nothing, "r2": whole, "r3": nothing},
        {"r1": whole, "r2": nothing, "r3": nothing},
    ]
    assert [tuple(row.values()) for row in amended] == [("r1", 3), ("r2", 3), ("r3", 2)]
    assert [row["verdict"] for row in kept] == ["success", "failure", "success"]


def test_value_shrinks_with_latency(store: Store) -> None:
    decay = {"grace_seconds": 10, "half_life_seconds": 20, "zero_after_seconds": 100}
    with store.connect() as connection:
        publish(connection, [_rule("success", "8", decay=decay)])
        lasting = enumerate((10, 30, 50, 100, 16), 1)
        scene.load(connection, [_run(n, lasts=s) for n, s in lasting])
        scene.settle(store, range(1, 6))
        values = _values(connection)
    part = (8 * Decimal(2) ** Decimal("-0.3")).quantize(Decimal("1e-12"))
    assert [values[f"r{n}"][0] for n in range(1, 6)] == [8, 4, 2, 0, part]


def test_another_currency_counts_by_the_rate_of_the_day_or_not_at_all(store: Store) -> None:
    with store.connect() as connection:
        rate = {
            "currency": "EUR", "valid_from": "2026-01-01 00:00:00", "usd": "1.25",
            "valid_to": "2299-12-31 00:00:00", "known_from": "2026-01-01 00:00:00",
        }  # fmt: skip
        connection.insert_rows("fx", tuple(rate), [tuple(rate.values())])
        publish(
            connection,
            [
                _rule("success", "2", agent="a", currency="EUR"),
                _rule("success", "2", agent="b", currency="XTS"),
            ],
        )
        told: dict[str, Any] = {"revenue__amount": "3"}
        scene.load(
            connection,
            [
                *(_run(1), _run(2, agent="b"), _run(3, agent="b", outcome="failure")),
                *(_run(4, agent="b", **told), _run(5, agent="b", **told, revenue__currency="XAU")),
                _run(6, agent="c"),
                scene.span(2, 1, "agent", agent_name="b", trace=6, run_id="below"),
            ],
        )
        scene.settle(store, range(1, 7))
        values = _values(connection)
        rows = connection.rows(
            "SELECT run_id, unconverted_records, inclusive_unconverted_records FROM run_economics"
        )
        unknown = {
            str(row["run_id"]): (row["unconverted_records"], row["inclusive_unconverted_records"])
            for row in rows
        }
    assert values == {
        "r1": (Decimal("2.5"), "rule"),
        "r2": (None, ""),
        "r3": (Decimal(0), "rule"),  # nothing is nothing in any currency
        "r4": (Decimal(3), "recorded"),  # no rule is asked
        "r5": (None, ""),
        "r6": (None, ""),
        "below": (None, ""),
    }
    assert unknown == {
        "r1": (0, 0), "r2": (1, 1), "r3": (0, 0), "r4": (0, 0), "r5": (1, 1),
        "r6": (0, 0), "below": (1, 1),  # its rule is of its own books
    }  # fmt: skip


def test_a_changed_rule_holds_for_past_runs_and_leaves_its_history(store: Store) -> None:
    with store.connect() as connection:
        first = _rule("success", "2")
        assert publish(connection, [first]) == 1
        assert publish(connection, [first]) == 0
        scene.load(connection, [_run(1)])
        scene.settle(store)
        assert _values(connection)["r1"][0] == 2
        assert publish(connection, [_rule("success", "3"), _rule("run", "1")]) == 2
        assert _values(connection)["r1"][0] == 4
        later = _rule("success", "5", valid_from="2026-11-01")
        assert publish(connection, [_rule("success", "3"), later]) == 2  # and the end of per run
        assert _values(connection)["r1"][0] == 5
        assert publish(connection, []) == 2
        assert _values(connection)["r1"] == (None, "")
        (kept,) = connection.rows("SELECT count() AS rows FROM value_rules")
    assert kept["rows"] == 7


@given(st.lists(st.sampled_from(["", "a", "b"]), min_size=3, max_size=3))
def test_the_key_of_a_rule_is_its_scope_and_begin(scope: list[str]) -> None:
    agent, version, tenant = scope
    one = _rule("run", "1", agent=agent, version=version, tenant=tenant)
    assert one.key() == _rule("run", "2", agent=agent, version=version, tenant=tenant).key()
    assert one.key() != _rule("success", "1", agent=agent, version=version, tenant=tenant).key()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {per: run, amount: 0.1, valid_from: 2026-01-01}", "rule 1, amount.*in quotes"),
        ("- {per: run, valid_from: 2026-01-01}", "rule 1, amount: Field required"),
        ("- {per: Run!, amount: '1', valid_from: 2026-01-01}", "rule 1, per"),
        ("- {per: run, amount: '1', valid_from: 2026-01-01, currncy: USD}", "rule 1, currncy"),
        (
            "- {per: run, amount: '1', valid_from: 2026-01-01, valid_to: 2025-01-01}",
            "valid_to is not after",
        ),
        (
            """
- {per: run, amount: '1', valid_from: 2026-01-01}
- {per: run, amount: '2', valid_from: 2026-01-01}""",
            "two rules per run of agent 'any'",
        ),
        ("- [", "cannot be read"),
    ],
)
def test_a_file_with_a_wrong_rule_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        _rules(tmp_path, text)


def test_a_file_is_read(tmp_path: Path) -> None:
    (rule,) = _rules(
        tmp_path,
        "- {agent: support, per: success, amount: '4.50', currency: EUR, valid_from: 2026-01-01,"
        " decay: {half_life_seconds: 60}, version: 2}",
    )
    assert (rule.agent, rule.version, rule.amount) == ("support", "2", Decimal("4.50"))
    assert (rule.decay.half_life_seconds, rule.valid_from.isoformat()) == (
        60.0,
        "2026-01-01T00:00:00+00:00",
    )
