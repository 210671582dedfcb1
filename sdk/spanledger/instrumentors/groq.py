"""The ``groq`` client: chat completions and embeddings, in OpenAI's wire format.

The last chunk of a stream carries the usage in Groq's own field, ``x_groq``, whether it was asked
for or not; so a stream of this client is never estimated when it is read to its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spanledger import _embeddings, semconv
from spanledger._answer import Answer, text
from spanledger._api import Api
from spanledger._batch_lines import BATCH_FILE
from spanledger._chat_completions import ChatReading, answer_of, request
from spanledger._gaps import BY_PATH, FETCHED, MEDIA, NO_REQUEST, STORED, under
from spanledger._instrumentor import Instrumentor, both

#: Oldest version tried: with the contract suite.
MINIMUM_VERSION: Final = "0.13.0"


class GroqReading(ChatReading):
    """A chat completion read chunk by chunk, with what Groq adds to the last one."""

    __slots__ = ("_error",)

    def __init__(self, kwargs: Mapping[str, Any]) -> None:
        super().__init__(kwargs)
        self._error = ""

    def chunk(self, chunk: Any, /) -> None:
        """Keep the usage and the error of ``x_groq`` too."""
        super().chunk(chunk)
        added = chunk.x_groq
        if added is not None:
            self._usage = getattr(added, "usage", None) or self._usage
            self._error = text(getattr(added, "error", None))

    def answer(self) -> Answer:
        """The completion; an error that stopped it early is the call's error."""
        answer = super().answer()
        if self._error:
            answer.error_code, answer.complete = "stream_error", False
        return answer


CHAT: Final = Api(
    operation=semconv.OPERATION_CHAT,
    request=request,
    answer=answer_of,
    reading=GroqReading,
    prompt=("messages", "tools", "functions"),
)
EMBEDDINGS: Final = Api(
    operation=semconv.OPERATION_EMBEDDINGS,
    request=_embeddings.request,
    answer=_embeddings.answer_of,
    reading=ChatReading,  # this API does not stream
    prompt=("input",),
)

INSTRUMENTOR: Final = Instrumentor(
    client="groq",
    provider="groq",
    minimum=MINIMUM_VERSION,
    methods=(
        *both("groq.resources.chat.completions", "Completions.create", CHAT),
        *both("groq.resources.embeddings", "Embeddings.create", EMBEDDINGS),
        *both("groq.resources.files", "Files.content", BATCH_FILE, optional=True),
    ),
    helpers=(),
    not_metered={
        **under("groq", NO_REQUEST, "Groq.*"),
        **under("groq", BY_PATH, "_base_client.*"),
        **under("groq.resources", MEDIA, "audio.*"),
        **under("groq.resources", FETCHED, "batches.*"),
        **under("groq.resources", STORED, "models.*"),
        **under("groq.resources.files.Files", STORED, "create", "delete", "info", "list"),
    },
    notes=("Tools that Groq's compound systems run themselves are not metered; their tokens are.",),
)
