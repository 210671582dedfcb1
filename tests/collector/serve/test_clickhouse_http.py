"""Drivers, dashboards and curl can read the ledger over ClickHouse's HTTP protocol."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from tests.support import clickhouse_http_shim as shim

from spanledger_collector.errors import RefusedQueryError, StoreUnavailableError
from spanledger_collector.serve.adhoc import AdHoc
from spanledger_collector.serve.clickhouse_http import FORMATS, ClickHouseHttp
from spanledger_collector.store import Store

RUNS = [
    ("t1", "r1", "triage", Decimal("0.000000000001")),
    ("t2", "r2", "it's \\ \u00e9", None),
]


@dataclass
class Endpoint:
    """A running endpoint and what it is asked with."""

    port: int
    http: httpx.Client


@pytest.fixture(scope="module")
def endpoint(module_store: Store) -> Iterator[Endpoint]:
    """The endpoint over a ledger with two runs, on a port of its own."""
    with module_store.connect() as connection:
        connection.insert_rows("runs", ["trace_id", "run_id", "agent_name", "cost_usd"], RUNS)
    adhoc = AdHoc(module_store, max_seconds=5, max_memory_bytes=200_000_000)
    served = ClickHouseHttp(adhoc.guard, adhoc.run)
    with (
        shim.serve(served.app) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as http,
    ):
        yield Endpoint(port, http)
    served.close()
    adhoc.close()


def test_clickhouse_connect_reads(endpoint: Endpoint) -> None:
    """The driver connects, asks in Native and Arrow, with parameters, and gets exact values."""
    client = clickhouse_connect.get_client(host="127.0.0.1", port=endpoint.port)
    try:
        answer = client.query("SELECT agent_name, cost_usd FROM runs ORDER BY run_id")
        assert answer.result_rows == [(name, cost) for _, _, name, cost in RUNS]
        table = client.query_arrow("SELECT run_id, cost_usd FROM runs ORDER BY run_id")
        assert table.column("cost_usd").to_pylist() == [RUNS[0][3], None]
        for _, run_id, name, _ in RUNS:
            found = client.query(
                "SELECT run_id FROM runs "
                "WHERE agent_name = {name:String} AND has({all:Array(String)}, agent_name)",
                parameters={"name": name, "all": [name, "x'y\\"]},
            )
            assert found.result_rows == [(run_id,)]
        assert client.command("SELECT count() FROM runs") == 2
    finally:
        client.close()


def test_clickhouse_connect_is_refused_like_by_a_server(endpoint: Endpoint) -> None:
    """A refused statement is error 497 for the driver, an unknown column the engine's own."""
    client = clickhouse_connect.get_client(host="127.0.0.1", port=endpoint.port)
    try:
        with pytest.raises(DatabaseError, match="own database") as refused:
            client.query("SELECT * FROM system.tables")
        assert refused.value.code == 497
        with pytest.raises(DatabaseError, match="nope") as unknown:
            client.query("SELECT nope FROM runs")
        assert unknown.value.code == 47
        with pytest.raises(DatabaseError, match="INSERT"):
            client.command("INSERT INTO runs (run_id) VALUES ('x')")
    finally:
        client.close()


@pytest.mark.parametrize("way", ["get", "post", "both", "default_format"])
def test_curl(endpoint: Endpoint, way: str) -> None:
    """The statement may come in the URL, the body, or half in each; the format likewise."""
    sql = "SELECT count() AS n FROM runs"
    ask = {
        "get": lambda: endpoint.http.get("/", params={"query": f"{sql} FORMAT JSONEachRow"}),
        "post": lambda: endpoint.http.post("/", content=f"{sql} format JSONEachRow;\n"),
        "both": lambda: endpoint.http.post(
            "/", params={"query": "SELECT count() AS n"}, content="FROM runs FORMAT JSONEachRow"
        ),
        "default_format": lambda: endpoint.http.post(
            "/", params={"default_format": "JSONEachRow", "database": "x"}, content=sql
        ),
    }[way]
    response = ask()
    assert (response.status_code, response.text) == (200, '{"n":2}\n')
    assert response.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert response.headers["content-type"].startswith("application/x-ndjson")


@pytest.mark.parametrize("fmt", sorted(FORMATS))
def test_every_listed_format_is_spoken(endpoint: Endpoint, fmt: str) -> None:
    """A listed format gives an answer of its media type."""
    response = endpoint.http.post("/", content=f"SELECT agent_name FROM runs\nFORMAT {fmt}")
    assert response.status_code == 200
    assert response.content
    assert response.headers["content-type"] == FORMATS[fmt]


def test_a_parameter_is_a_value(endpoint: Endpoint) -> None:
    """What stands in param_x is never read as SQL."""
    response = endpoint.http.get(
        "/", params={"query": "SELECT {x:String}", "param_x": "1' UNION ALL SELECT 'two"}
    )
    assert response.text == "1\\' UNION ALL SELECT \\'two\n"


def test_ping_and_empty_requests(endpoint: Endpoint) -> None:
    """Health checks of load balancers and drivers are answered."""
    assert endpoint.http.get("/ping").text == "Ok.\n"
    assert endpoint.http.get("/").text == "Ok.\n"


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SHOW TABLES", "run_economics"),
        ("show  databases", None),
        ("SHOW DATABASES;", "test_"),
        ("SELECT displayName(), version(), revision(), timezone()", "spanledger"),
        ("SELECT version(), timezone(), file('/etc/passwd')", None),
        ("SELECT name, value, readonly FROM system.settings LIMIT 10001", None),
    ],
)
def test_handshakes_are_answered_word_for_word(
    endpoint: Endpoint, statement: str, shown: str | None
) -> None:
    """Exact statements of drivers have fixed answers; anything near them goes through the guard."""
    response = endpoint.http.post("/", content=statement)
    assert response.status_code == (403 if shown is None else 200)
    assert shown is None or shown in response.text


@pytest.mark.parametrize(
    ("arguments", "status", "code", "told"),
    [
        ({"content": "DROP TABLE runs"}, 403, "497", "only SELECT"),
        ({"content": "SELECT file('/etc/passwd')"}, 403, "497", "function file"),
        ({"content": "SELECT 1 INTO OUTFILE '/tmp/x' FORMAT CSV"}, 403, "497", "one SELECT"),
        ({"content": "SELECT 1 FORMAT CSV FORMAT JSON"}, 403, "497", "FORMAT"),
        ({"content": "SELECT 1 FORMAT Template"}, 400, "73", "'Template' is not spoken"),
        ({"content": "SELECT 1", "params": {"default_format": "Null"}}, 400, "73", "not spoken"),
        ({"content": "SELECT " + "1," * 40_000 + "1"}, 400, "36", "32768 bytes"),
        ({"content": b"x", "headers": {"Content-Encoding": "gzip"}}, 400, "73", "uncompressed"),
        ({"files": {"x": b"y"}}, 400, "73", "as the body"),
        ({"content": "SELECT nope FROM runs"}, 500, "47", "nope"),
        ({"content": "SELECT 1", "headers": {"Host": "evil.example:8123"}}, 403, "497", "answers"),
    ],
)  # fmt: skip
def test_errors_look_like_clickhouse(
    endpoint: Endpoint, arguments: dict[str, object], status: int, code: str, told: str
) -> None:
    """Code in the header, ``Code: n. DB::Exception: text`` in the body."""
    response = endpoint.http.request("POST", "/", **arguments)  # pyright: ignore[reportArgumentType] -- httpx's own keyword arguments
    assert (response.status_code, response.headers["X-ClickHouse-Exception-Code"]) == (status, code)
    assert response.text.startswith(f"Code: {code}. DB::Exception: ")
    assert told in response.text


def test_limits_cannot_be_lifted_by_the_url(endpoint: Endpoint) -> None:
    """Settings in the URL are ignored."""
    response = endpoint.http.get(
        "/", params={"query": "SELECT count() FROM runs", "readonly": "0", "max_memory_usage": "0"}
    )
    assert response.text == "2\n"


def test_statements_run_off_the_event_loop() -> None:
    """Guard and engine are called on threads of the endpoint; a closed ledger is a 503."""
    names: list[str] = []

    def guard(sql: str) -> str:
        names.append(threading.current_thread().name)
        return sql

    def run(sql: str, fmt: str, parameters: object) -> bytes:
        names.append(threading.current_thread().name)
        raise StoreUnavailableError("the ledger is still being opened")

    served = ClickHouseHttp(guard, run, threads=1)
    with shim.serve(served.app) as port:
        response = httpx.get(f"http://localhost:{port}/", params={"query": "SELECT 1"})
    served.close()
    assert response.status_code == 503
    assert names == ["spanledger-sql_0"] * 2
    assert not issubclass(StoreUnavailableError, RefusedQueryError)
