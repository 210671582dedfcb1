"""Writes the second half of a golden pair: the rows that the collector makes of its spans."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.loaded_rows import load, rows, telling
from tests.support.otlp_requests import read_spans, record

from spanledger_collector.store import Store, migrate


def expect(cases: Sequence[Path]) -> None:
    """Writes ``<case>.expected.json`` beside each case, in the order of its spans."""
    # The engine may still be writing in there when it is closed.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        store = Store.open(f"chdb://{folder}/ledger", database="expected")
        with store.connect() as connection:
            migrate(connection)
        spans = {str(case): read_spans(case) for case in cases}
        load(
            store,
            [record(spans[name], number, workspace=name) for number, name in enumerate(spans, 1)],
        )
        for case in cases:
            found = {row["span_id"]: telling(row) for row in rows(store, str(case))}
            told = [found[span.span_id] for span in spans[str(case)]]
            text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
            case.with_suffix(".expected.json").write_text(text, encoding="utf-8")
        store.close()
