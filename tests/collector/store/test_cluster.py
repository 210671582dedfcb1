"""The schema of a cluster is derived from the one set of schema files."""

import re

import pytest

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.store import Store, schema_ddl
from spanledger_collector.store.migrations import schema_files, view_files

SHARDED = (
    "spans",
    "arrivals",
    "attempts",
    "runs",
    "span_runs",
    "run_paths",
    "call_verdicts",
    "answer_verdicts",
    "settling",
    "settling_spans",
    "records",
    "run_keys",
    "run_records",
    "deferred_answers",
    "root_calls",
    "asset_entries",
    "amortization_charges",
    "gpu_shares",
    "parked_traces",
    "asset_waits",
    "record_tellings",
    "told_twice",
)
EVERYWHERE = (
    "fx",
    "value_rules",
    "gpu_windows",
    "gpu_pools",
    "gpu_samples",
    "engine_samples",
    "gpu_energy",
    "prices",
    "model_aliases",
    "settlements",
    "schema_migrations",
    "asset_balances",
    "asset_takings",
    "asset_rests",
    "posting_turns",
    "stray_records",
    "record_searches",
    "sought_records",
    "settle_requests",
)


def _statements(text: str) -> list[str]:
    """Statements of a script; no string of the schema ends a line with a semicolon."""
    return [part for part in re.split(r";\n", text) if part.strip()]


@pytest.mark.parametrize("cluster", [None, "main", "{cluster}"])
def test_the_engine_can_parse_every_statement(store: Store, cluster: str | None) -> None:
    """ClickHouse's own parser accepts each statement, with and without a cluster."""
    with store.connect() as connection:
        for statement in _statements(schema_ddl(cluster)):
            [row] = connection.rows(
                "SELECT formatQuery({text:String}) AS text", {"text": statement}
            )
            assert str(row["text"]).startswith(
                (
                    "CREATE ",
                    "ALTER TABLE ",
                    "DROP VIEW ",
                    "INSERT INTO record_tellings",
                    "INSERT INTO settle_",
                )
            )


def test_one_server_gets_the_files_as_they_are(unmigrated_store: Store) -> None:
    """Without a cluster the text is the files', and running it makes the ledger."""
    text = schema_ddl()
    statements = _statements(text)
    assert len(statements) == len(schema_files()) + len(view_files())
    with unmigrated_store.connect() as connection:
        for statement in statements:
            connection.execute(statement)
        assert connection.rows("SELECT * FROM run_economics") == []


def test_everything_is_made_on_the_cluster() -> None:
    """No statement of a cluster's schema is left on one node only; rows are taken over once."""
    for statement in _statements(schema_ddl("main")):
        copies = re.search(
            r"^INSERT INTO (record_tellings|settle_requests) \(", statement, re.MULTILINE
        )
        assert statement.count("ON CLUSTER 'main'") == (0 if copies else 1)
        assert not copies or re.search(r"^FROM (records|arrivals)\n", statement, re.MULTILINE)


@pytest.mark.parametrize("table", SHARDED)
def test_traces_are_sharded(table: str) -> None:
    """A table by trace is a replicated local table and a Distributed one over it."""
    text = schema_ddl("main")
    assert f"'/clickhouse/tables/{{shard}}/{{database}}/{table}', '{{replica}}'" in text
    assert (
        f"CREATE TABLE IF NOT EXISTS {table} ON CLUSTER 'main' AS {table}_local\n"
        f"ENGINE = Distributed('main', currentDatabase(), {table}_local, cityHash64(trace_id))"
    ) in text


@pytest.mark.parametrize("table", EVERYWHERE)
def test_small_tables_are_on_every_node(table: str) -> None:
    """A table without traces has one path for all shards."""
    text = schema_ddl("main")
    assert f"'/clickhouse/tables/all/{{database}}/{table}', '{{shard}}-{{replica}}'" in text
    assert f"{table}_local" not in text


def test_every_table_is_of_a_known_kind() -> None:
    """A new table falls into one of the lists above, or is a Null table."""
    made = {
        name
        for file in schema_files()
        for name in re.findall(r"^CREATE TABLE IF NOT EXISTS (\w+)", file.text, re.MULTILINE)
    }
    assert made == {*SHARDED, *EVERYWHERE, "otlp_in_v1", "asset_postings", "metric_samples_in"}


def test_engine_arguments_and_settings_are_kept() -> None:
    """Versions stay arguments; the deduplication window takes its replicated name."""
    text = schema_ddl("main")
    assert re.search(
        r"ReplicatedReplacingMergeTree\('[^']+/runs', '\{replica\}', version, is_del", text
    )
    assert "non_replicated_deduplication_window" not in text
    assert text.count("replicated_deduplication_window = ") == sum(
        file.text.count("deduplication_window = ") for file in schema_files()
    )


def test_spans_are_sent_to_their_shard() -> None:
    """From the node's Null table to the Distributed spans, from local spans to local arrivals."""
    text = schema_ddl("main")
    assert "VIEW IF NOT EXISTS otlp_in_v1_to_spans ON CLUSTER 'main' TO spans AS" in text
    arrivals = text[text.index("VIEW IF NOT EXISTS spans_to_arrivals") :]
    assert arrivals.startswith(
        "VIEW IF NOT EXISTS spans_to_arrivals ON CLUSTER 'main' TO arrivals_local AS"
    )
    assert "FROM spans_local" in arrivals[:600]


def test_a_change_of_a_table_reaches_its_copies() -> None:
    """The local tables first, and then what stands for all of them."""
    change = "MODIFY COLUMN flops_total Decimal(38, 0);"
    assert (
        f"ALTER TABLE runs_local ON CLUSTER 'main' {change}\n\n"
        f"ALTER TABLE runs ON CLUSTER 'main' {change}"
    ) in schema_ddl("main")


@pytest.mark.parametrize("name", ["", "a b", "x'; DROP TABLE runs; --", "1"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    """What is put into statements is checked first."""
    with pytest.raises(ConfigurationError, match="cannot be the name of a cluster"):
        schema_ddl(name)


def test_a_change_of_what_is_stored_is_one_of_the_local_table() -> None:
    """A Distributed table has neither projections nor the settings of a stored one."""
    text = schema_ddl("main")
    for change in ("MODIFY SETTING", "ADD PROJECTION", "MATERIALIZE PROJECTION"):
        assert f"ALTER TABLE amortization_charges_local ON CLUSTER 'main' {change} " in text
        assert f"ALTER TABLE amortization_charges ON CLUSTER 'main' {change} " not in text
    assert "DROP VIEW IF EXISTS charges_to_asset_balances ON CLUSTER 'main'" in text
