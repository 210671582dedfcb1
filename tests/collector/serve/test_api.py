"""The JSON/Arrow API over real HTTP: every route, every refusal."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pyarrow as pa
import pytest
from tests.support.filled_ledger import FIRST_CALL_USD, HOSTILE, HOSTILE_TRACE, TRACE
from tests.support.served_ledger import HeldReader, Served, served

from spanledger_collector.query import query_names
from spanledger_collector.query.named import read_names
from spanledger_collector.serve.api import ARROW
from spanledger_collector.store import Store


@pytest.fixture
def client(api: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=120) as client:
        yield client


def test_queries_are_listed_with_their_parameters(client: httpx.Client) -> None:
    """Enough to call each of them."""
    listed = client.get("/v1/queries").json()
    assert set(listed) == set(read_names()) > set(query_names())
    assert listed["trace_summary"] == {"workspace": "String", "trace_id": "String"}


def test_rows_are_json_with_exact_money(client: httpx.Client) -> None:
    """Money is a string with every digit, unknown money null, times ISO 8601 with an offset."""
    answer = client.get("/v1/queries/trace_attempts", params={"trace_id": TRACE})
    assert answer.headers["content-type"] == "application/json"
    rows = {(row["span_id"][-1], row["attempt_number"]): row for row in answer.json()["rows"]}
    assert Decimal(rows["2", 1]["cost_usd"]) == FIRST_CALL_USD
    assert isinstance(rows["2", 1]["cost_usd"], str)
    assert rows["8", 1]["cost_usd"] is None
    assert rows["2", 1]["started_at"] == "2026-11-02T10:00:02+00:00"


def test_arrow_is_given_to_who_accepts_it(client: httpx.Client) -> None:
    """The same rows with their types, as one Arrow stream."""
    answer = client.get("/v1/queries/runs", params={"limit": 3}, headers={"Accept": ARROW})
    assert answer.headers["content-type"] == ARROW
    with pa.ipc.open_stream(answer.content) as stream:
        table = stream.read_all()
    assert table.num_rows == 3
    assert table.schema.field("cost_usd").type == pa.decimal128(38, 12)
    assert table.schema.field("started_at").type == pa.timestamp("ns", tz="UTC")


def test_a_trace_whole(client: httpx.Client) -> None:
    """Summary, runs, attempts and spans in one answer, whatever the case of the id."""
    answer = client.get(f"/v1/traces/{TRACE.upper()}").json()
    assert answer["summary"]["trace_id"] == TRACE
    assert {run["agent_name"] for run in answer["runs"]} == {"planner", "researcher"}
    assert len(answer["attempts"]) == 8
    assert len(answer["spans"]) == 9
    other = client.get(f"/v1/traces/{TRACE}", params={"workspace": "other"})
    assert other.status_code == 404


def test_hostile_names_survive_json(client: httpx.Client) -> None:
    """Control characters and the like arrive as they were sent."""
    assert client.get(f"/v1/traces/{HOSTILE_TRACE}").json()["summary"]["name"] == HOSTILE


@pytest.mark.parametrize(
    "value",
    ["' OR '1'='1", "x' UNION ALL SELECT * FROM attempts --", "{agent_name:String}", "\\", "\t"],
)
def test_parameters_are_values(client: httpx.Client, value: str) -> None:
    """SQL in a parameter is a name that nobody has."""
    for parameter in ("agent_name", "workspace"):
        answer = client.get("/v1/queries/runs", params={parameter: value})
        assert answer.json() == {"rows": []}


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/v1/queries/nope", 404, "no query named 'nope'; there are: agent_"),
        ("GET", "/v1/queries/..%2Fviews%2Fcoverage", 404, ""),
        ("GET", "/v1/traces/ff", 404, "no trace 'ff'"),
        ("GET", "/nope", 404, "Not Found"),
        ("POST", "/v1/queries", 405, "Method Not Allowed"),
        ("GET", "/v1/sql", 405, "Method Not Allowed"),
        ("GET", "/v1/queries/runs?limit=x", 400, "give a whole number"),
        ("GET", "/v1/queries/runs?limit=-1", 400, "between 0 and"),
        ("GET", "/v1/queries/runs?since=soon", 400, "give a time such as"),
        ("GET", "/v1/queries/runs?nope=1", 400, "has no parameter nope"),
        ("GET", "/v1/queries/runs?agent_name=a%00b", 400, "zero byte"),
        ("GET", "/v1/queries/trace_runs", 400, "needs the parameter trace_id"),
        ("GET", f"/v1/traces/{TRACE}%00", 400, "zero byte"),
    ],
)
def test_refusals_are_json(
    client: httpx.Client, method: str, path: str, status: int, told: str
) -> None:
    """The right status, and a message that says what is wrong."""
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert told in answer.json()["error"]


def test_sql_is_guarded(client: httpx.Client) -> None:
    """One SELECT is answered, in JSON or Arrow; anything else is 403 with the reason."""
    statement = (
        "SELECT agent_name, sum(cost_usd) AS usd FROM runs WHERE agent_name = 'planner' GROUP BY 1"
    )
    answer = client.post("/v1/sql", content=statement)
    assert answer.json() == {"rows": [{"agent_name": "planner", "usd": "0.004980000150"}]}
    arrow = client.post("/v1/sql", content=statement, headers={"Accept": ARROW})
    with pa.ipc.open_stream(arrow.content) as stream:
        assert stream.read_all().to_pylist()[0]["usd"] == Decimal("0.004980000150")
    view = "SELECT sum(cost_usd) = sum(billed_usd) AS same FROM cost_as_known_now"
    assert client.post("/v1/sql", content=view).json() == {"rows": [{"same": 1}]}
    attacks = ("DROP TABLE runs", "SELECT * FROM file('/etc/passwd')", "SELECT 1; SELECT 2", "")
    for refused in attacks:
        answer = client.post("/v1/sql", content=refused)
        assert answer.status_code == 403, refused
        assert answer.json()["error"]
    assert client.post("/v1/sql", content="SELECT nope FROM runs").status_code == 400
    assert client.post("/v1/sql", content=b"SELECT '\xff'").status_code in (200, 403)


def test_sql_answers_hold_every_type(client: httpx.Client) -> None:
    """Nanoseconds, maps, arrays and cut characters do not break JSON."""
    statement = (
        "SELECT started_at, tags, [started_at] AS times, substring('é', 1, 1) AS cut, "
        "toDecimal128(1.5, 3) AS money, NULL AS nothing FROM runs ORDER BY started_at LIMIT 1"
    )
    answer = client.post("/v1/sql", content=statement)
    assert answer.status_code == 200, answer.text
    [row] = answer.json()["rows"]
    assert row["started_at"] == "2026-11-02T10:00:01+00:00"
    assert row["tags"] == {}
    assert row["times"] == ["2026-11-02T10:00:01+00:00"]
    assert row["money"] == "1.500"
    assert row["nothing"] is None


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"{}", "text/plain", "send it as application/json"),  # a page of another origin could
        (b"{", "application/json", "the body is no JSON"),
        (b"[]", "application/json", "no JSON object"),
        (
            b'{"first_day": "2026-11-03", "last_day": "2026-11-01"}',
            "application/json",
            "the period ends before it starts",
        ),
        (b'{"since": "2026-11-01"}', "application/json", "since is none of workspace, trace_id"),
        (b'{"trace_id": 7}', "application/json", "each is a text"),
        (b'{"first_day": "soon"}', "application/json", "first_day: 'soon' is no day"),
        (b'{"last_day": "2999-01-01"}', "application/json", "no day that the ledger can have"),
    ],
)
def test_what_cannot_be_settled_again_is_told(
    client: httpx.Client, body: bytes, kind: str, reason: str
) -> None:
    answer = client.post("/v1/settlements", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_a_trace_that_is_not_there_is_not_settled_again(client: httpx.Client) -> None:
    answer = client.post("/v1/settlements", json={"trace_id": "f" * 32, "workspace": "default"})
    assert answer.json() == {"traces": 0}


def test_a_statement_may_not_be_huge(client: httpx.Client) -> None:
    """413, before all of it was read."""
    answer = client.post("/v1/sql", content=b"x" * 70_000)
    assert answer.status_code == 413
    assert "65536 bytes" in answer.json()["error"]


def test_sql_is_off_until_asked_for(filled: Store) -> None:
    """403 tells how to turn it on."""
    with served(filled, sql=False) as running:
        answer = httpx.post(f"{running.url}/v1/sql", content="SELECT 1")
    assert answer.status_code == 403
    assert "spanledger up --sql" in answer.json()["error"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4319", "127.0.0.1.evil.example"])
def test_sql_is_not_answered_by_another_name(client: httpx.Client, host: str) -> None:
    """A web page that points its own name at this machine learns nothing."""
    answer = client.post("/v1/sql", content="SELECT 1", headers={"Host": host})
    assert answer.status_code == 403
    assert "localhost" in answer.json()["error"]


def test_while_the_ledger_opens(client: httpx.Client, api: Served) -> None:
    """Queries answer 503 with Retry-After; the health pages answer."""
    api.reader, api.health = None, {"ready": False, "journal": {"records": 7}}
    for answer in (
        client.get("/v1/queries/runs"),
        client.get(f"/v1/traces/{TRACE}"),
        client.post("/v1/sql", content="SELECT 1"),
    ):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert "still being opened" in answer.json()["error"]
    assert client.get("/healthz").json() == {"ready": False, "journal": {"records": 7}}
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert client.get("/v1/queries").status_code == 200
    api.health = {"ready": True}
    assert client.get("/readyz").status_code == 200


def test_metrics_are_prometheus_text(client: httpx.Client) -> None:
    """What a scraper expects."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "spanledger_example_total 1.0" in answer.text


def test_a_slow_query_holds_up_nobody(client: httpx.Client, api: Served) -> None:
    """While one waits for the engine, other requests are answered."""
    assert api.reader is not None
    api.reader = held = HeldReader(api.reader)
    with httpx.Client(base_url=api.url, timeout=120) as slow, ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(slow.get, "/v1/queries/agents")
        assert held.asked.wait(120)
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 200
        assert not waiting.done()
        held.release.set()
        assert waiting.result(120).json()["rows"]


def test_a_defect_is_an_answer_too(
    client: httpx.Client, api: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """An error nobody foresaw is 500 as JSON without its text, and stands in the log."""

    class Broken(HeldReader):
        def rows(self, name: str, parameters: object) -> list[dict[str, object]]:
            raise ZeroDivisionError(f"secret detail of {name} {parameters}")

    assert api.reader is not None
    api.reader = Broken(api.reader)
    answer = client.get("/v1/queries/runs")
    assert answer.status_code == 500
    assert "log tells why" in answer.json()["error"]
    assert "secret" not in answer.text
    assert "GET /v1/queries/runs failed" in caplog.text
