"""F23: rows that an operator deletes are noticed: by hand, by the log and by a metric."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
from tests.collector.settle import scene
from tests.support import filled_ledger
from tests.support.served_ledger import Served, served

from spanledger_collector.cli.app import execute
from spanledger_collector.pipeline import verifier
from spanledger_collector.pipeline.verifier import Verifier
from spanledger_collector.query import DirectReader, Ledger
from spanledger_collector.query.completeness import CompletenessRow, completeness
from spanledger_collector.settle import cursor
from spanledger_collector.store import Store

_DAY_SECONDS = 86_400
_WHOLE, _CUT, _GONE, _UNSETTLED = 1, 2, 3, 4


@pytest.fixture(scope="module", name="kept")
def _kept(module_store: Store) -> Store:
    """Traces of two days, one of them told twice, and one that nobody settled."""
    with module_store.connect() as connection:
        for trace, day in ((_WHOLE, 0), (_CUT, 0), (_GONE, 1), (_UNSETTLED, 1)):
            spans = [
                scene.call(number, 0, (1, 1), trace=trace, at=day * _DAY_SECONDS)
                for number in range(1, 6)
            ]
            scene.load(connection, spans)
            if trace == _WHOLE:
                scene.load(connection, spans)
    scene.settle(module_store, (_WHOLE, _CUT, _GONE))
    return module_store


def _figures(store: Store) -> list[tuple[int, int, int, int]]:
    ledger = Ledger(DirectReader(store))
    return [
        (row.loaded_spans, row.settled_spans, row.stored_spans, row.missing_spans)
        for row in completeness(ledger.query)
    ]


def _delete(store: Store, where: str) -> None:
    with store.connect() as connection:
        connection.execute(f"ALTER TABLE spans DELETE WHERE {where}", None, {"mutations_sync": 1})


def test_f23_deleted_rows_are_noticed(
    kept: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(verifier, "_DOUBT_SECONDS", 0.0)
    looking = Verifier(kept, 0.0)
    with served(kept) as api:
        assert _figures(kept) == [(15, 10, 10, 0), (10, 5, 10, 0)]
        assert looking.look(_now()) == {}
        assert execute(["verify", "--url", api.address]) == 0
        capsys.readouterr()

        trace = "trace_id = '{}'".format
        some = f"{trace(scene.hex32(_CUT))} AND span_id <= '{scene.hex16(2)}'"
        all_of = [trace(scene.hex32(number)) for number in (_GONE, _UNSETTLED)]
        _delete(kept, " OR ".join([f"({some})", *all_of]))
        assert _figures(kept) == [(15, 10, 8, 2), (10, 5, 0, 10)]
        _verified(api, capsys)
    assert looking.missing_spans == 0
    missing = looking.look(_now())
    assert list(missing.values()) == [2, 10]
    assert looking.missing_spans == 12
    told = [one.getMessage() for one in caplog.records if "not in the ledger" in one.getMessage()]
    assert len(told) == 2
    looking.look(_now())
    assert len([one for one in caplog.records if "not in the ledger" in one.getMessage()]) == 2


def _verified(api: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["verify", "--url", api.address, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [day["missing_spans"] for day in told] == [2, 10]
    assert execute(["verify", "--url", api.address]) == 1
    assert "12 spans missing" in capsys.readouterr().err
    assert execute(["verify", "--url", api.address, "--workspace", "other"]) == 0


def _now() -> datetime:
    return scene.START + timedelta(days=2)


@pytest.mark.slow
def test_settled_traces_without_runs_or_attempts_are_noticed(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the day they begin on, once they are settled for a minute; `settle` writes them again.

    Whole ledgers lack nothing: with runs of every kind, and beside a trace that is not settled.
    """
    past = SimpleNamespace(time_ns=lambda: time.time_ns() - 120 * 10**9)
    monkeypatch.setattr(cursor, "time", past)
    with store.connect() as connection, served(store) as api:
        filled_ledger.fill(store)
        whole, cut, gone, unsettled = range(101, 105)
        for trace, day in ((whole, 0), (cut, 0), (gone, 1), (unsettled, 1)):
            at = day * _DAY_SECONDS
            calls = [scene.call(n, 0, (1, 1), trace=trace, at=at) for n in range(1, 4)]
            scene.load(connection, calls)
        scene.settle(store, (whole, cut, gone))
        assert not connection.rows("SELECT * FROM lost_results")
        assert execute(["verify", "--url", api.address]) == 0
        for table, trace, more in (
            ("attempts", cut, f" AND span_id = '{scene.hex16(2)}'"),
            ("runs", gone, ""),
        ):
            where = f"trace_id = '{scene.hex32(trace)}'{more}"
            delete = f"ALTER TABLE {table} DELETE WHERE {where}"
            connection.execute(delete, None, {"mutations_sync": 1})
        asked = "SELECT traces, runs, calls FROM lost_results ORDER BY day"
        assert [tuple(row.values()) for row in connection.rows(asked)] == [(1, 0, 1), (1, 1, 0)]
        capsys.readouterr()
        assert execute(["verify", "--url", api.address]) == 1
        said = " ".join(capsys.readouterr().err.split())
        assert "2 settled traces without runs or attempts" in said
        assert f"`spanledger settle --since {scene.START:%Y-%m-%d}` writes them again" in said
        assert execute(["verify", "--url", api.address, "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        assert [day["lost_traces"] for day in told if day["lost_traces"]] == [1, 1]
        since = ["--since", f"{scene.START:%Y-%m-%d}"]
        assert execute(["settle", *since, "--url", api.address, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["traces"] >= 4
        one = scene.settler(store)
        while one.settle_requested():
            pass
        one.stop(drain=False)
        assert execute(["verify", "--url", api.address]) == 0
        _says_what_it_cannot_settle(api, capsys)


def _says_what_it_cannot_settle(api: Served, capsys: pytest.CaptureFixture[str]) -> None:
    for asked, code, words in (
        ([], 2, "say what to settle again"),
        (["--all", "--trace", "a"], 2, "--all is every trace"),
        (["--trace", "f" * 32], 1, "no such trace"),
        (["--until", "2020-01-01"], 1, "no traces in this period"),
    ):
        assert execute(["settle", *asked, "--url", api.address]) == code
        assert words in capsys.readouterr().err
    assert execute(["settle", "--all", "--url", api.address]) == 0
    assert "are due: a running collector settles them" in capsys.readouterr().out


def test_what_arrives_while_it_is_asked_is_not_missing() -> None:
    """Tables are read one after the other: what the second look does not find missing is there."""
    seen = [CompletenessRow(date(2026, 11, 1), 9, 9, stored, 9 - stored) for stored in (7, 9)]
    answers = iter([*([asdict(one)] for one in seen), []])
    assert completeness(lambda *_: next(answers)) == [seen[1]]


def test_an_unexpected_error_does_not_end_the_looking(
    kept: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told, and the next look is taken."""
    again = threading.Event()
    looks: list[date] = []

    def asked(since: date) -> dict[tuple[str, date], int]:
        looks.append(since)
        if len(looks) == 1:
            raise ValueError("no such luck")
        again.set()
        return {}

    looking = Verifier(kept, 0.01)
    monkeypatch.setattr(looking, "_asked", asked)
    looking.start()
    assert again.wait(60)
    assert looking.stop(60)
    assert "no such luck" in caplog.text
