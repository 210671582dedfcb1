"""Raw responses of the ``cohere`` client: what every method of it makes its request through.

``with_raw_response`` gives them to the application. So they are told by themselves, and as a part
of the method around them where there is one that is told. A client that was made before its methods
were patched kept the method ``chat`` of then; its requests are told here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from spanledger._calls.answer import Answer
from spanledger._calls.api import Api
from spanledger._calls.call import Call
from spanledger._streams.stream import Answered, AsyncStream, SyncStream


def raw(api: Api) -> Api:
    """The same call, whose answer is the ``data`` of what it gives."""
    return replace(api, answer=functools.partial(_inside, api.answer))


def raw_stream(api: Api, *, asynchronous: bool) -> Api:
    """The same stream, which is the ``data`` of what a manager gives."""
    watch = _watch_async if asynchronous else _watch
    return replace(api, lazy=False, watch=watch)


def _inside(read: Callable[[Any], Answer], response: Any) -> Answer:
    return read(response.data)


def _watch(call: Call, response: Any, _kwargs: Mapping[str, Any]) -> Any:
    call.watch()
    return Answered(response, SyncStream(response.data, call))


def _watch_async(call: Call, response: Any, _kwargs: Mapping[str, Any]) -> Any:
    call.watch()
    return Answered(response, AsyncStream(response.data, call))
