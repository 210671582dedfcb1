"""The ``anthropic`` client: messages, also in its beta namespace, and results of batches.

Its classes for Bedrock, Vertex AI and Foundry are told apart by their host, else by their name.

From 1.14 the client traces itself (scope ``com.anthropic.sdk.python``). It decides once for each
client object, from its own option and environment, and offers no public way to leave out a single
call; so its span is left alone, nested under ours, and the collector counts the call once by its
response id. ``ANTHROPIC_OPEN_TELEMETRY=false`` switches the client's own spans off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer
from spanledger._calls.api import Api
from spanledger._calls.facts import Attributes
from spanledger._calls.fetch import Fetch, Fetched
from spanledger._calls.maker import opened_later
from spanledger._formats.messages import MessageReading, answer_of, content_texts
from spanledger._patches.gaps import (
    BY_PATH,
    COUNTS,
    FETCHED,
    INSIDE,
    MACHINES,
    MODEL_CALLS,
    NO_REQUEST,
    STORED,
    under,
)
from spanledger._patches.instrumentor import (
    Instrumentor,
    Method,
    both,
    by_class,
    sampling_attributes,
)
from spanledger._patches.patching import Kind, Target

#: Oldest version tried: with the contract suite.
MINIMUM_VERSION: Final = "0.45.0"


def _request(kwargs: Mapping[str, Any]) -> Attributes:
    return sampling_attributes(kwargs, "max_tokens")


def _snapshot(stream: Any) -> Answer:
    """The answer of a stream helper, from the message it has put together so far."""
    message = stream.current_message_snapshot
    answer = answer_of(message)
    if message.stop_reason is None:
        answer.complete = False
        answer.usage.output_tokens = None
        answer.texts = content_texts(message)
    return answer


MESSAGES: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=_request,
    answer=answer_of,
    reading=MessageReading,
    prompt=("messages", "system", "tools"),
    tier_attribute=semconv.ANTHROPIC_RESPONSE_SERVICE_TIER,
    generates="_block_delta",
)
HELPER: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=_request,
    answer=answer_of,
    reading=MessageReading,
    prompt=("messages", "system", "tools"),
    tier_attribute=semconv.ANTHROPIC_RESPONSE_SERVICE_TIER,
    snapshot=_snapshot,
)


def _result(line: Any) -> Fetched | None:
    """The message in a line of a batch's results; requests that gave none are not billed."""
    if line.result.type != "succeeded":
        return None
    answer = answer_of(line.result.message)
    answer.service_tier = semconv.TIER_BATCH
    return Fetched(semconv.OPERATION_CHAT, answer)


RESULTS: Final = Fetch(read=_result, tier_attribute=semconv.ANTHROPIC_RESPONSE_SERVICE_TIER)


_MODULE: Final = "anthropic.resources.messages"
_BETA_MODULE: Final = "anthropic.resources.beta.messages"


#: Classes of their own, which keep the methods as they were when the client was imported.
_RESOLD_MODULES: Final = tuple(
    f"anthropic.lib.{seller}._beta_messages" for seller in ("bedrock", "vertex")
)
#: Classes of clients for other sellers, where the address does not tell.
_SELLERS: Final = {
    "AnthropicBedrock": "aws.bedrock",
    "AnthropicBedrockMantle": "aws.bedrock",
    "AnthropicVertex": "gcp.vertex_ai",
    "AnthropicFoundry": "azure.ai.inference",
}


def _methods(module: str, *, optional: bool = False) -> tuple[Method, ...]:
    return (
        Method(Target(module, "Messages.create", Kind.SYNC, optional), MESSAGES),
        Method(Target(module, "AsyncMessages.create", Kind.ASYNC, optional), MESSAGES),
        Method(Target(module, "Messages.parse", Kind.SYNC, optional=True), MESSAGES),
        Method(Target(module, "AsyncMessages.parse", Kind.ASYNC, optional=True), MESSAGES),
        Method(Target(module, "Messages.stream", Kind.MANAGER, optional), HELPER),
        Method(Target(module, "AsyncMessages.stream", Kind.ASYNC_MANAGER, optional), HELPER),
    )


_PACKAGE: Final = "anthropic.resources"
NOT_METERED: Final = {
    **under("anthropic", NO_REQUEST, "Anthropic.*"),
    **under("anthropic", BY_PATH, "_base_client.*"),
    **under(
        _PACKAGE,
        STORED,
        *("files.*", "models.*", "organization.*", "skills.*", "user_profiles.*"),
        *("beta.agents.*", "beta.deployment_runs.*", "beta.files.*", "beta.memory_stores.*"),
        *("beta.models.*", "beta.organization.*", "beta.skills.*", "beta.tunnels.*"),
        *("beta.user_profiles.*", "beta.vaults.*", "beta.webhooks.*"),
    ),
    **under(_PACKAGE, MODEL_CALLS, "beta.deployments.*", "beta.dreams.*", "beta.sessions.*"),
    **under(_PACKAGE, MACHINES, "beta.environments.*"),
    **{
        gap: reason
        for module in (_MODULE, _BETA_MODULE)
        for gap, reason in under(
            f"{module}.batches.Batches", FETCHED, "cancel", "create", "delete", "list", "retrieve"
        ).items()
    },
    **{
        f"{module}.Messages.count_tokens": COUNTS
        for module in (_MODULE, _BETA_MODULE, _RESOLD_MODULES[-1])
    },
    **{
        f"{module}.Messages.{name}": INSIDE
        for module in (_BETA_MODULE, *_RESOLD_MODULES)
        for name in ("thread", "tool_runner")
    },
}

INSTRUMENTOR: Final = Instrumentor(
    client="anthropic",
    provider="anthropic",
    minimum=MINIMUM_VERSION,
    methods=(
        *_methods(_MODULE),
        *_methods(_BETA_MODULE),
        *(method for module in _RESOLD_MODULES for method in _methods(module, optional=True)),
        *both(f"{_MODULE}.batches", "Batches.results", RESULTS, optional=True),
        *both(f"{_BETA_MODULE}.batches", "Batches.results", RESULTS, optional=True),
    ),
    helpers=(),
    deferring=opened_later("anthropic"),
    flavour=by_class(_SELLERS),
    not_metered=NOT_METERED,
    notes=(
        "Not metered: completions (legacy, of old versions).",
        "Not metered: what an advisor, another model, was asked inside of a message.",
        "From 1.14 the client makes spans of its own below ours; the ledger counts the call once.",
        "ANTHROPIC_OPEN_TELEMETRY=false switches the client's own spans off.",
    ),
)
