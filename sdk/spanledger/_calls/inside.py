"""Whether a call inside another is a part of it: made by the library, not by code it calls back.

LiteLLM answers a call by calls of other clients, which are this call's own. While it does, it also
calls what the application registered with it: a guardrail asks a model of its own, and that is
another call. What tells them apart is the code between the two. The frames from the inner call to
the outer one are looked at: where one is neither of the library, nor of a client, nor of Python's
own, nor ours, somebody else asks. Somebody else's wrapper over a client stands there too, and asks
what the outer call asks; so who asks the same model the same question is taken for that.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, Final

from spanledger._calls.answer import text
from spanledger._calls.fingerprint import fingerprint

#: Packages of what stands between a routed call and the client that makes it.
_THEIRS: Final = frozenset(
    {
        *("spanledger", "wrapt", "httpx", "httpx2", "aiohttp", "anyio", "tenacity", "uvloop"),
        *("litellm", "litellm_proxy_extras", "openai", "anthropic", "cohere", "groq", "mistralai"),
        *("google", "ollama", "together", "huggingface_hub", "boto3", "botocore", "transformers"),
        *("torch", "accelerate", "pydantic", "backoff"),
        *("opentelemetry", "openinference", "openlit", "traceloop", "logfire", "langfuse"),
        *("ddtrace", "sentry_sdk", "newrelic"),
    }
)
_OF_PYTHON: Final = sys.stdlib_module_names
_COROUTINE: Final = 0x80 | 0x100 | 0x200  # CO_COROUTINE, of an awaited generator, asynchronous one
#: Frames that are looked at before the outer call has to be found.
_MOST: Final = 400


def belongs(outer: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether the call that begins here is made for the outer one.

    Args:
        outer: the running call that covers those of others.
        kwargs: the parameters of the one that begins.
    """
    return not _called_back(outer) or _asks_the_same(outer, kwargs)


def _called_back(outer: Any) -> bool:
    frame: FrameType | None = inspect.currentframe()
    awaited = False
    for _ in range(_MOST):
        frame = None if frame is None else frame.f_back
        if frame is None:
            return False
        waiting = bool(frame.f_code.co_flags & _COROUTINE)
        if awaited and not waiting:
            return False  # what drives a task is no caller of it
        awaited = waiting
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package == "spanledger" and frame.f_locals.get("call") is outer:
            return False
        if package not in _THEIRS and package not in _OF_PYTHON:
            return True
    return False


def _asks_the_same(outer: Any, kwargs: Mapping[str, Any]) -> bool:
    asked, names = outer.parameters, outer.api.prompt
    if not text(kwargs.get("model")).endswith(text(asked.get("model"))):
        return False
    question = fingerprint("", names, kwargs)
    return question is not None and question == fingerprint("", names, asked)
