"""The ``mcp`` client: a call of a server's tool is a tool that the agent calls.

The context travels in ``_meta`` of the request, as the OpenTelemetry conventions for MCP say, so
the server's work is in the trace, and by it in the run, that asked for it. From version 2 the
library does that itself, but not in every transport; what is in ``_meta`` already stays.

Most servers are somebody else's: run, agent, tenant and tags do not go there unless
``SPANLEDGER_MCP_IDENTITY`` says so. Baggage that the application set itself does, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from spanledger import config, semconv
from spanledger._frameworks.framework import TOOL, TOOL_ERROR, Framework, Step, Work
from spanledger._patches.patching import Kind, Target
from spanledger._work import scope

_CALL_TOOL: Final = "tools/call"


def _tool(session: Any, given: Mapping[str, Any]) -> Work:
    attributes = {semconv.MCP_METHOD_NAME: _CALL_TOOL}
    version = getattr(session, "protocol_version", None)
    if isinstance(version, str):
        attributes[semconv.MCP_PROTOCOL_VERSION] = version
    name = str(given["name"])
    return Work(TOOL, name, attributes=attributes, span_kind=SpanKind.CLIENT, joins=True)


def _failure(result: Any) -> str:
    failed = getattr(result, "is_error", None) or getattr(result, "isError", None)
    return TOOL_ERROR if failed else ""


def _error(raised: BaseException) -> str:
    """The code of the JSON-RPC error that the server answered."""
    code = getattr(getattr(raised, "error", None), "code", None)
    return str(code) if isinstance(code, int) else ""


def _with_context(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    carrier: dict[str, Any] = {}
    propagate.inject(carrier)
    return {**kwargs, "meta": {**carrier, **(kwargs.get("meta") or {})}} if carrier else kwargs


def _for_servers(context: Context) -> Context:
    return context if config.mcp_identity() else scope.without_identity(context)


FRAMEWORK: Final = Framework(
    name="mcp",
    distribution="mcp",
    minimum="1.19.0",  # the first whose call_tool takes _meta
    steps=(
        Step(
            Target("mcp.client.session", "ClientSession.call_tool", Kind.ASYNC),
            _tool,
            positional=("name",),
            failure=_failure,
            error=_error,
            passing=_with_context,
            within=_for_servers,
        ),
    ),
    not_told={
        "mcp.ClientSession.read_resource, get_prompt, complete": "no tools",
        "mcp.ClientSession.experimental.call_tool_as_task": "an experiment of version 1",
    },
    notes=(
        "A tool that an agent framework tells by the same name is told once, by the framework.",
        "Servers are told the trace; run, tenant and tags with SPANLEDGER_MCP_IDENTITY=true alone.",
        "Servers of version 1 do not read the context; their work is in traces of its own.",
    ),
)
