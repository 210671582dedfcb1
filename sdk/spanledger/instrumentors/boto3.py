"""The ``boto3`` client of Bedrock's runtime: Converse and InvokeModel, whole and streamed.

``botocore`` makes the class of a client when the client is made, so what is patched is
``Session.create_client``, the public function behind ``boto3.client``; the methods are wrapped on
each client's own class. Clients that a module made before are among the subclasses of
``BaseClient``, which each client's class is one of. HTTP attempts are told by two of botocore's
public events, which the client emits before and after each.

The body of InvokeModel stays what it was: read by the application, when and as it likes, once. Its
bytes are kept as they pass and read in the background. The span ends when the answer is there, not
when its body is read; a body that is never read is told by the headers of the answer.

Model ids, ARNs and inference profiles stand on the span as they were given.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Final, cast

from spanledger import semconv
from spanledger._calls import attempts
from spanledger._calls.answer import Answer, JsonText, Usage, text
from spanledger._calls.api import Api
from spanledger._calls.call import Call
from spanledger._calls.facts import Attributes
from spanledger._calls.hosts import endpoint
from spanledger._formats import converse
from spanledger._formats.bedrock_bodies import read_body, read_events
from spanledger._formats.converse import Body, ConverseReading, part, request_id
from spanledger._guard import guarded
from spanledger._patches.factories import Factory
from spanledger._patches.gaps import COUNTS, NOT_YET, SESSIONS, STORED
from spanledger._patches.instrumentor import Instrumentor, sampling_attributes
from spanledger._patches.patching import Kind, Target
from spanledger._streams.body import BodyReader
from spanledger._streams.bytes_stream import BytesStream
from spanledger._streams.holder import StreamHolder
from spanledger._streams.stream import SyncStream

#: Oldest version tried: with the contract suite, but for counts that ``botocore`` drops because it
#: does not know them yet. Converse came with this version, its cached tokens by 1.37.24.
MINIMUM_VERSION: Final = "1.34.116"
_SERVICE: Final = "bedrock-runtime"
#: Documents that are ordered for the price of one query.
_DOCUMENTS_PER_UNIT: Final = 100
_Adapted = tuple[Api, Mapping[str, Any]]


# --- Converse -------------------------------------------------------------------------------------
def _converse_request(kwargs: Mapping[str, Any]) -> Attributes:
    given = part(kwargs, "inferenceConfig")
    renamed = {"temperature": given.get("temperature"), "top_p": given.get("topP")}
    attributes = sampling_attributes(
        {**renamed, "max_tokens": given.get("maxTokens")}, "max_tokens"
    )
    tier = text(part(kwargs, "serviceTier").get("type"))
    return attributes | ({semconv.OPENAI_REQUEST_SERVICE_TIER: tier} if tier else {})


def _watch_stream(call: Call, result: Any, _kwargs: Mapping[str, Any]) -> Any:
    if isinstance(result, dict):
        call.watch(ConverseReading(request_id(cast("Body", result))))
        result["stream"] = SyncStream(result["stream"], call)
        return None
    # Somebody else's object in its place (OpenLIT's): read as a mapping, or as the stream itself.
    call.watch(ConverseReading(request_id({"ResponseMetadata": result["ResponseMetadata"]})))
    return StreamHolder(result, "stream", call)


def _converse_api(watch: Callable[[Any, Any, Mapping[str, Any]], Any] | None = None) -> Api:
    api = Api(
        operation=semconv.OPERATION_CHAT,
        request=_converse_request,
        answer=converse.answer_of,
        reading=_no_reading,
        prompt=("messages", "system", "tools"),
        streams=watch is not None,
        watch=watch,
    )

    def adapt(kwargs: Mapping[str, Any]) -> _Adapted:
        tools = part(kwargs, "toolConfig").get("tools")
        return api, {**kwargs, "model": kwargs.get("modelId"), "tools": tools}

    return _adapting(api, adapt)


# --- InvokeModel ----------------------------------------------------------------------------------
def _watch_body(call: Call, result: dict[str, Any], kwargs: Mapping[str, Any]) -> None:
    generates = call.api.operation == semconv.OPERATION_CHAT
    read = functools.partial(read_body, _head(result), generates=generates)
    if call.api.operation == semconv.OPERATION_RERANK:
        read = functools.partial(_read_ranking, read, kwargs["body"])
    call.keep_prompt()
    call.answered()
    result["body"] = BytesStream(result["body"], BodyReader(call, read, streamed=False))


def _read_ranking(
    read: Callable[[list[bytes]], Answer], asked: JsonText, pieces: list[bytes]
) -> Answer:
    """Bedrock does not tell the units it bills; a query is one for each 100 documents."""
    answer = read(pieces)
    body: Any = asked.parsed()
    units = -(-len(body["documents"]) // _DOCUMENTS_PER_UNIT)
    answer.usage, answer.derived = Usage(units={semconv.UNIT_SEARCH_UNITS: units}), True
    return answer


def _watch_events(call: Call, result: dict[str, Any], _kwargs: Mapping[str, Any]) -> None:
    call.keep_prompt()
    reader = BodyReader(call, functools.partial(read_events, _head(result)))
    result["body"] = SyncStream(result["body"], reader)


def _head(result: Body) -> Body:
    return {name: value for name, value in result.items() if name != "body"}


def _invoked(operation: str, watch: Callable[[Any, Any, Mapping[str, Any]], None]) -> Api:
    return Api(
        operation=operation,
        request=lambda _kwargs: {},  # inside the body, which is not read on the user's thread
        answer=converse.answer_of,  # never whole: the answer is in the body
        reading=_no_reading,
        prompt=("body",),
        streams=watch is _watch_events,
        watch=watch,
    )


def _no_reading(_kwargs: Mapping[str, Any]) -> ConverseReading:
    return ConverseReading()


_BY_WORD: Final = (
    ("embed", _invoked(semconv.OPERATION_EMBEDDINGS, _watch_body)),
    ("rerank", _invoked(semconv.OPERATION_RERANK, _watch_body)),
    ("", _invoked(semconv.OPERATION_CHAT, _watch_body)),
)
_STREAMED: Final = _invoked(semconv.OPERATION_CHAT, _watch_events)


def _adapt_body(kwargs: Mapping[str, Any], apis: tuple[tuple[str, Api], ...]) -> _Adapted:
    """The way to read a body: its kind is not told but by the model's name."""
    model, body = text(kwargs.get("modelId")), kwargs.get("body")
    readable = isinstance(body, str | bytes | bytearray)
    given = {**kwargs, "model": model, "body": JsonText(body) if readable else body}
    return next(api for word, api in apis if word in model), given


def _adapting(api: Api, adapt: Callable[[Mapping[str, Any]], _Adapted]) -> Api:
    """What the drivers see before the parameters are adapted."""
    return Api(
        operation=api.operation,
        request=api.request,
        answer=api.answer,
        reading=api.reading,
        prompt=api.prompt,
        streams=api.streams,
        adapt=adapt,
    )


# --- HTTP attempts, by botocore's events ----------------------------------------------------------
_sent: Final[ContextVar[float]] = ContextVar("spanledger_boto3_sent", default=0.0)


@guarded(None)
def _sending(**_event: Any) -> None:
    if attempts.current.get() is not None:
        _sent.set(time.perf_counter())


@guarded(None)
def _received(**event: Any) -> None:
    observer = attempts.current.get()
    if observer is None or not observer.requesting:
        return
    error, response = event.get("exception"), event.get("response_dict")
    status: int = response["status_code"] if response else 0
    failure = str(status) if status >= attempts.HTTP_ERROR else ""
    if error is not None:
        failure = attempts.failure_of(error)
    observer.attempted(attempts.Attempt(_sent.get(), time.perf_counter(), failure))


_EVENTS: Final = (("before-send", _sending), ("response-received", _received))


def _listen(client: Any) -> None:
    for event, handler in _EVENTS:
        client.meta.events.register(f"{event}.{_SERVICE}", handler, unique_id=f"spanledger-{event}")


def _hush(client: Any) -> None:
    for event, _ in _EVENTS:
        client.meta.events.unregister(f"{event}.{_SERVICE}", unique_id=f"spanledger-{event}")


def _makes(client: Any) -> bool:
    return client.meta.service_model.service_name == _SERVICE


def _living() -> Iterable[type[Any]]:
    base: type[Any] | None = getattr(sys.modules.get("botocore.client"), "BaseClient", None)
    made = () if base is None else base.__subclasses__()
    return [kind for kind in made if kind.__name__ == _CLASS]


#: As ``botocore`` names the class of a client of :data:`_SERVICE`.
_CLASS: Final = "BedrockRuntime"
_CLIENT: Final = f"botocore.client.{_CLASS}"

INSTRUMENTOR: Final = Instrumentor(
    client="boto3",
    provider="aws.bedrock",
    minimum=MINIMUM_VERSION,
    methods=(),
    factories=(
        Factory(
            target=Target("botocore.session", "Session.create_client", Kind.SYNC),
            makes=_makes,
            methods={
                "converse": _converse_api(),
                "converse_stream": _converse_api(_watch_stream),
                "invoke_model": _adapting(
                    _BY_WORD[-1][1], lambda kwargs: _adapt_body(kwargs, _BY_WORD)
                ),
                "invoke_model_with_response_stream": _adapting(
                    _STREAMED, lambda kwargs: _adapt_body(kwargs, (("", _STREAMED),))
                ),
            },
            listen=_listen,
            hush=_hush,
            living=_living,
        ),
    ),
    helpers=(),
    not_metered={
        f"{_CLIENT}.apply_guardrail": f"{NOT_YET}: billed by units of text",
        f"{_CLIENT}.invoke_guardrail_checks": f"{NOT_YET}: billed by units of text",
        f"{_CLIENT}.count_tokens": COUNTS,
        f"{_CLIENT}.get_async_invoke": STORED,
        f"{_CLIENT}.list_async_invokes": STORED,
        f"{_CLIENT}.start_async_invoke": (
            f"{NOT_YET}: its answer (video, embeddings) goes to a bucket, never to the client"
        ),
        f"{_CLIENT}.invoke_model_with_bidirectional_stream": SESSIONS,
    },
    address=lambda client: endpoint(client.meta.endpoint_url),
    notes=(
        "Clients are measured whenever they are made, by boto3 or by botocore.",
        "Not metered: aioboto3 and aiobotocore, agents, knowledge bases, guardrails.",
        "InvokeModel: sampling parameters are inside the body, which is not read before the call.",
        "Before 1.37.24 cached tokens of Converse may be missing: the client drops them.",
        "Search units of reranking are counted from the request: one for each 100 documents.",
    ),
)
