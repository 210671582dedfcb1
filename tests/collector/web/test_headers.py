"""Every answer below ``/ui`` is shut, whoever gives it; and pages compute no figure."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import spanledger_collector.web.pages
from spanledger_collector.access import Identity
from spanledger_collector.errors import UnauthenticatedError
from spanledger_collector.query import Reader
from spanledger_collector.serve.api import Api
from spanledger_collector.serve.loopback import LOOPBACK, AllowedHosts, allowed
from spanledger_collector.web import Guarded, Web
from spanledger_collector.web.app import HEADERS

KEY = {"authorization": "Bearer right"}


def _broken(_: Request) -> Response:
    raise RuntimeError("a defect of a handler")


def _reader() -> Reader:
    raise RuntimeError("a defect of the reader")


def _authenticate(key: str | None) -> Identity:
    if key != "right":
        raise UnauthenticatedError("no such key")
    return Identity(key_id="right")


@pytest_asyncio.fixture(name="client")
async def _client() -> AsyncIterator[httpx.AsyncClient]:
    web = Web(reader=_reader)
    api = Api(
        reader=lambda: None, health=dict, registry=CollectorRegistry(),
        pages=[*web.routes, Route("/ui/a/defect", _broken)], authenticate=_authenticate,
    )  # fmt: skip
    transport = httpx.ASGITransport(Guarded(AllowedHosts(api.app)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
    web.close()
    api.close()


@pytest.mark.parametrize(
    ("path", "status", "sent"),
    [
        ("/", 302, KEY),
        ("/ui", 302, KEY),
        ("/ui/budgets", 200, KEY),
        ("/ui/static/ui.css", 200, KEY),
        ("/ui/nothing", 404, KEY),
        ("/ui/no/such/place", 404, KEY),
        ("/ui/static/nothing", 404, KEY),
        ("/ui/overview", 401, {}),
        ("/ui/static/ui.css", 401, {}),
        ("/ui/overview", 403, {**KEY, "host": "evil.example"}),
        ("/ui/overview", 500, KEY),
        ("/ui/a/defect", 500, KEY),
    ],
)
async def test_every_answer_is_shut(
    client: httpx.AsyncClient, path: str, status: int, sent: dict[str, str]
) -> None:
    """Each header once, also on refusals and defects."""
    answer = await client.get(path, headers=sent)
    assert answer.status_code == status
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value], name
    kept = path.startswith("/ui/static/")
    assert answer.headers.get_list("cache-control") == ([] if kept else ["no-store"])


#: This machine's own names, and those it has in its containers.
OWN = {*LOOPBACK, "host.docker.internal", "host.containers.internal"}


@pytest.mark.parametrize(
    ("listens", "told", "names"),
    [
        ("127.0.0.1", "", OWN),
        ("127.0.0.2", "", {*OWN, "127.0.0.2"}),
        ("[::1]", "", OWN),
        ("localhost", "Ledger.example", {*OWN, "ledger.example"}),
        ("192.0.2.1", "", set[str]()),
        ("192.0.2.1", "localhost, 127.0.0.1,::1,collector,", {*LOOPBACK, "collector"}),
    ],
)
def test_the_names_of_a_port(listens: str, told: str, names: set[str]) -> None:
    """The loopback address has its own; another has those that it is told, or any."""
    assert allowed(listens, told) == names


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:4319", 200), ("LOCALHOST", 200), ("127.0.0.1", 200), ("[::1]:4319", 200),
        ("evil.example", 403), ("re_bound.example:4319", 403), ("[::2]", 403), ("localhost.", 403),
        ("evil.example:99999", 403), ("localhost:65535", 200), ("localhost:65536", 403),
        ("evil/localhost", 403), ("evil@localhost", 403),
        ("evil\\@localhost", 403), ("[::1", 403), ("", 403),
    ],
)  # fmt: skip
async def test_what_is_no_name_of_a_port_is_refused(
    client: httpx.AsyncClient, host: str, status: int
) -> None:
    """Also what is no name at all, which the framework takes for the address connected to."""
    answer = await client.get("/v1/queries", headers={**KEY, "host": host})
    assert answer.status_code == status


async def test_the_api_has_its_own(client: httpx.AsyncClient) -> None:
    """They are of pages alone: nothing of the API changes."""
    answer = await client.get("/v1/queries", headers=KEY)
    assert answer.status_code == 200
    assert "content-security-policy" not in answer.headers


async def test_pages_only_read(client: httpx.AsyncClient) -> None:
    """Any other method is refused, shut too."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await client.request(method, "/ui/overview", headers=KEY)
        assert answer.status_code == 405
        assert "content-security-policy" in answer.headers


PAGES = sorted(Path(spanledger_collector.web.pages.__file__).parent.glob("*.py"))
_COMPUTED = (ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Pow)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_page_computes_a_figure(path: Path) -> None:
    """No difference, product, share or sum of what a row has: queries give all that is shown.

    Numbers of rows (offsets of lists) are not figures; they are names, not parts of a row.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (*_COMPUTED, ast.Add)):
            parts = [one for one in (node.left, node.right) if isinstance(one, ast.Attribute)]
            assert not parts, ast.unparse(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("sum", "round", "divmod"), ast.unparse(node)
