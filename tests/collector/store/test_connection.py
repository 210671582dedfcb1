"""What goes in comes out, the same embedded and over HTTP."""

import threading
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from spanledger_collector.errors import PermanentError, StoreUnavailableError
from spanledger_collector.store import Connection, Store

UTC_TIME = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=timezone.utc)
COLUMNS = ("i", "d", "t", "s", "tags", "maybe")
TABLE = """
CREATE TABLE facts
(
    i UInt64, d Decimal(38, 12), t DateTime64(9, 'UTC'), s String,
    tags Map(String, String), maybe Nullable(Decimal(38, 12))
)
ENGINE = MergeTree ORDER BY i
"""
ROWS: list[tuple[object, ...]] = [
    (
        2**64 - 1,
        Decimal("0.000000000001"),
        UTC_TIME,
        "a'b\\c\n\t\u00e9\U0001f600",
        {"k": "v"},
        None,
    ),
    (2, Decimal("-12345678901234567890.5"), UTC_TIME, "", {}, Decimal(0)),
]


@pytest.fixture
def connection(unmigrated_store: Store) -> Connection:
    """A connection to a database with one table and two rows."""
    opened = unmigrated_store.connect()
    opened.execute(TABLE)
    opened.insert_rows("facts", COLUMNS, ROWS)
    return opened


def test_values_come_back_as_they_went_in(connection: Connection) -> None:
    """Big integers, exact decimals, aware UTC times, text, maps and NULL survive the way."""
    got = connection.rows("SELECT * FROM facts ORDER BY i DESC;\n")
    assert [tuple(row.values()) for row in got] == ROWS
    assert list(got[0]) == list(COLUMNS)


def test_arrow_keeps_exact_decimals(connection: Connection) -> None:
    """Arrow answers carry decimals as decimals and text as text."""
    table = connection.arrow("SELECT s, d, t FROM facts ORDER BY i", settings={"max_threads": 1})
    assert table.column("d").to_pylist() == [ROWS[1][1], ROWS[0][1]]
    assert pa.types.is_decimal(table.schema.field("d").type)
    assert pa.types.is_string(table.schema.field("s").type)
    assert table.column("t").to_pylist()[0] == UTC_TIME


@pytest.mark.parametrize(
    ("type_name", "value", "expected"),
    [
        (
            "String",
            "it's {x:Int8} \\ \n\t\0 -- /* `\u00e9",
            "it's {x:Int8} \\ \n\t\0 -- /* `\u00e9",
        ),
        ("UInt64", 2**64 - 1, 2**64 - 1),
        ("Decimal(38, 12)", Decimal("1.000000000001"), Decimal("1.000000000001")),
        ("DateTime64(6, 'UTC')", UTC_TIME, UTC_TIME),
        (
            "DateTime64(6, 'UTC')",
            UTC_TIME.astimezone(timezone(timedelta(hours=5, minutes=30))),
            UTC_TIME,
        ),
        ("DateTime('UTC')", UTC_TIME.replace(microsecond=0), UTC_TIME.replace(microsecond=0)),
        ("Array(String)", ["a", "b'c", "\\"], ["a", "b'c", "\\"]),
        ("Bool", True, True),
        ("Nullable(String)", None, None),
    ],
)
def test_parameters_are_values_never_sql(
    connection: Connection, type_name: str, value: object, expected: object
) -> None:
    """A parameter is read as its type, whatever it contains."""
    sql = f"SELECT {{value:{type_name}}} AS value"
    assert connection.rows(sql, {"value": value}) == [{"value": expected}]
    assert connection.arrow(sql, {"value": value}).num_rows == 1


def test_a_time_without_zone_is_refused(connection: Connection) -> None:
    """A naive time would be read in somebody's zone."""
    with pytest.raises(PermanentError, match=r"since.*without a time zone"):
        connection.rows("SELECT {since:DateTime}", {"since": UTC_TIME.replace(tzinfo=None)})


def test_raw_answers_in_the_asked_format(connection: Connection) -> None:
    """raw() gives ClickHouse's own bytes, with parameters and settings."""
    got = connection.raw(
        "SELECT i FROM facts WHERE i < {top:UInt64} -- done",
        "JSONEachRow",
        {"top": 10},
        {"output_format_json_quote_64bit_integers": 1},
    )
    assert got == b'{"i":"2"}\n'


def test_settings_hold_for_one_statement(connection: Connection) -> None:
    """A setting given to one call is gone in the next, on every kind of call."""
    ask = "SELECT getSetting('max_threads') AS n"
    limit = {"max_threads": 3}
    assert connection.rows(ask, settings=limit) == [{"n": 3}]
    assert connection.arrow(ask, settings=limit).to_pylist() == [{"n": 3}]
    assert connection.raw(ask, "TSV", settings=limit) == b"3\n"
    connection.execute("CREATE TABLE three ENGINE = Memory AS " + ask, settings=limit)
    assert connection.rows("SELECT toUInt64(n) AS n FROM three") == [{"n": 3}]
    assert connection.rows(ask) != [{"n": 3}]


def test_every_connection_carries_limits(unmigrated_store: Store) -> None:
    """Memory and time are limited without asking, and may be lowered for one connection."""
    ask = (
        "SELECT getSetting('max_memory_usage') AS memory, getSetting('max_execution_time') AS t, "
        "getSetting('async_insert') AS a, timezone() AS z"
    )
    [row] = unmigrated_store.connect().rows(ask)
    assert int(str(row["memory"])) == 2 << 30
    assert float(str(row["t"])) == 120
    assert (row["a"], row["z"]) == (False, "UTC")
    lower = unmigrated_store.connect({"max_memory_usage": 10_000_000})
    assert lower.rows(ask)[0]["memory"] == 10_000_000
    with pytest.raises(StoreUnavailableError, match="memory ran out"):
        lower.rows("SELECT groupArray(number) FROM numbers(10000000)")


def test_bytes_are_inserted_in_their_format(connection: Connection) -> None:
    """insert_bytes hands the engine an input format, with settings."""
    connection.insert_bytes(
        "facts", b"7,1.5,2026-01-01 00:00:00,x,{},\\N\n", "CSV", {"date_time_input_format": "basic"}
    )
    [row] = connection.rows("SELECT * FROM facts WHERE i = 7")
    assert (row["d"], row["maybe"]) == (Decimal("1.5"), None)


def test_a_deduplication_token_makes_a_repeat_nothing(unmigrated_store: Store) -> None:
    """The same bytes sent twice with one token are stored once."""
    connection = unmigrated_store.connect()
    connection.execute(
        "CREATE TABLE once (i UInt8) ENGINE = MergeTree ORDER BY i "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    for token in ("a", "a", "b"):
        connection.insert_bytes("once", b"1\n", "CSV", {"insert_deduplication_token": token})
    assert connection.rows("SELECT count() AS n FROM once") == [{"n": 2}]


def test_threads_with_a_connection_each(any_store: Store) -> None:
    """Connections of one store work at the same time from several threads."""
    got: list[list[dict[str, object]]] = []

    def ask() -> None:
        with any_store.connect() as connection:
            got.extend(
                connection.rows("SELECT sum(number) AS s FROM numbers(1000)") for _ in range(5)
            )

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [[{"s": 499500}]] * 20
