"""HTTP clients that reach the simulated provider by anybody's address, for what reads the host."""

from __future__ import annotations

from typing import Any

import httpx2


class _Routed(httpx2.HTTPTransport):
    def __init__(self, target: httpx2.URL) -> None:
        super().__init__()
        self._target = target

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        _turn(request, self._target)
        return super().handle_request(request)


class _AsyncRouted(httpx2.AsyncHTTPTransport):
    def __init__(self, target: httpx2.URL) -> None:
        super().__init__()
        self._target = target

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        _turn(request, self._target)
        return await super().handle_async_request(request)


def _turn(request: httpx2.Request, target: httpx2.URL) -> None:
    place = {"scheme": target.scheme, "host": target.host, "port": target.port}
    if target.path != "/":
        place["path"] = target.path
    request.url = request.url.copy_with(**place)


def routed(mode: str, target: str, path: str = "") -> Any:
    """A client for one mode, every request of which goes to ``target``, or to one path there."""
    url = httpx2.URL(target + path)
    if mode == "sync":
        return httpx2.Client(transport=_Routed(url))
    return httpx2.AsyncClient(transport=_AsyncRouted(url))
