"""Results of a batch in OpenAI's format: a file with one JSON object a line, which others share.

A line has the ``custom_id`` of its request and the ``response`` to it: the body that the request
alone would have got. A request that failed or was never made is not billed and not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from spanledger import _chat_completions, _embeddings, _responses, semconv
from spanledger._answer import Answer, parse_json, text
from spanledger._fetch import Fetch, Fetched, Found

_OK: Final = 200


#: What the body of an answer calls itself -> the operation, and who reads it.
_KINDS: Final[Mapping[str, tuple[str, Callable[[Any], Answer]]]] = {
    "chat.completion": (semconv.OPERATION_CHAT, _chat_completions.answer_of),
    "response": (semconv.OPERATION_CHAT, _responses.answer_of),
    "list": (semconv.OPERATION_EMBEDDINGS, _embeddings.answer_of),
}


def read_line(line: bytes) -> Fetched | None:
    """The answer in a line of a result file; None for a line without one."""
    result = parse_json(line)
    response = result.response
    if response is None or response.status_code != _OK:
        return None
    body = response.body
    operation, read = _KINDS[body.object]
    answer = read(body)
    answer.service_tier = semconv.TIER_BATCH
    answer.response_id = answer.response_id or text(result.id)
    return Fetched(operation, answer)


def find_lines(result: Any) -> Found:
    """The lines of a downloaded file, if it has the results of a batch."""
    response = getattr(result, "response", None) or result.http_response
    if not (response.is_closed or response.is_stream_consumed):
        return _NOTHING  # the application reads it piece by piece
    content: bytes = response.content
    return lines_in(content, b'"custom_id"', b'"response"')


def lines_in(content: bytes, *words: bytes) -> Found:
    """The lines of a file of JSON objects, if the first one has all these words; else none."""
    if content[:1] != b"{":
        return _NOTHING
    first = content[: content.find(b"\n") + 1 or None]
    if any(word not in first for word in words):
        return _NOTHING
    return Found(_lines(content), content.count(b"\n") + 1)


_NOTHING: Final = Found((), 0)


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


BATCH_FILE: Final = Fetch(read=read_line, find=find_lines)
