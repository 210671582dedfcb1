"""Results of a batch in OpenAI's format: a file with one JSON object a line, which others share.

A line has the ``custom_id`` of its request and the ``response`` to it: the body that the request
alone would have got. A request that failed or was never made is not billed and not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import Answer, parse_json, text
from spanledger._calls.fetch import Fetch, Fetched, Found, Telling
from spanledger._formats import chat_completions, embeddings, responses, text_completions
from spanledger._formats.batch_body import watch_body

_OK: Final = 200

#: What the body of an answer calls itself -> the operation, and who reads it.
#: A reader gives None for a body that is something else.
Kinds = Mapping[str, tuple[str, Callable[[Any], Answer | None]]]
KINDS: Final[Kinds] = {
    "chat.completion": (semconv.OPERATION_CHAT, chat_completions.answer_of),
    "response": (semconv.OPERATION_CHAT, responses.answer_of),
    "list": (semconv.OPERATION_EMBEDDINGS, embeddings.answer_of),
    "text_completion": (semconv.OPERATION_TEXT_COMPLETION, text_completions.answer_of),
}


def read_result(result: Any, kinds: Kinds = KINDS) -> Fetched | None:
    """The answer in the object of a line; None for one without an answer that we can read."""
    response = result.response
    if response is None or response.status_code != _OK or response.body is None:
        return None
    body = response.body
    operation, read = kinds.get(text(body.object), ("", None))
    answer = None if read is None else read(body)
    if answer is None:
        return None
    answer.service_tier = semconv.TIER_BATCH
    answer.response_id = answer.response_id or text(result.id)
    return Fetched(operation, answer)


#: In the first line of a result file.
_WORDS: Final = (b'"custom_id"', b'"response"')
_NOTHING: Final = Found((), 0)


def find_lines(result: Any, words: tuple[bytes, ...] = _WORDS) -> Found:
    """The lines of a downloaded file, if it has the results of a batch."""
    response = _response_of(result)
    if response is None or not _is_read(response):
        return _NOTHING
    content: bytes = response.content
    return lines_in(content, *words)


def lines_in(content: bytes, *words: bytes) -> Found:
    """The lines of a file of JSON objects, if the first one has all these words; else none."""
    if content[:1] != b"{":
        return _NOTHING
    first = content[: content.find(b"\n") + 1 or None]
    if any(word not in first for word in words):
        return _NOTHING
    return Found(_lines(content), content.count(b"\n") + 1)


def _response_of(result: Any) -> Any:
    """The HTTP library's response: in what the client gives, or that itself."""
    held = getattr(result, "response", None) or getattr(result, "http_response", None)
    return held or (result if hasattr(result, "is_stream_consumed") else None)


def _is_read(response: Any) -> bool:
    return response.is_closed or response.is_stream_consumed


def _watch(result: Any, telling: Telling, *, asynchronous: bool) -> bool:
    """Tell the lines as the application reads them, where it reads piece by piece."""
    response = _response_of(result)
    if response is None or _is_read(response):
        return False
    watch_body(response, telling, _WORDS, asynchronous=asynchronous)
    return True


def _lines(content: bytes) -> Iterator[bytes]:
    """Line by line: a second copy of the whole file is not made."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        line = content[start:end].strip()
        if line:
            yield line
        start = end + 1


def batch_file(kinds: Kinds = KINDS) -> Fetch:
    """How a result file is told.

    Args:
        kinds: what its answers may be, and who reads them.
    """

    def read(line: bytes) -> Fetched | None:
        return read_result(parse_json(line), kinds)

    return Fetch(read=read, find=find_lines, watch=_watch)


BATCH_FILE: Final = batch_file()
