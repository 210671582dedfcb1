"""Results of batches of Google's client: inside the job that is polled, or in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from spanledger import semconv
from spanledger._calls.answer import Answer, Usage, text, whole
from spanledger._calls.fetch import Fetch, Fetched, Found
from spanledger._formats.batch_lines import lines_in

_NOTHING: Final = Found((), 0)


class _Inlined(NamedTuple):
    """A response in a job, and an id for it where it has none of its own.

    ``embedded_by`` is the model of the job where these are embeddings, which name none.
    """

    response: Any
    id: str
    embedded_by: str = ""


def _find_inlined(job: Any) -> Found:
    """The responses in a job; none before it has ended."""
    dest, name = getattr(job, "dest", None), text(job.name)
    inlined = getattr(dest, "inlined_responses", None) or ()
    if inlined:
        return Found(_with_ids(name, inlined), len(inlined))
    embedded = getattr(dest, "inlined_embed_content_responses", None) or ()
    model = text(job.model).removeprefix("models/")
    return Found(_with_ids(name, embedded, model), len(embedded)) if embedded else _NOTHING


def _with_ids(job: str, inlined: Any, model: str = "") -> Iterator[_Inlined]:
    for number, one in enumerate(inlined):
        if one.response is not None:  # it failed and was not billed
            yield _Inlined(one.response, f"{job}#{number}", model)


def _find_lines(content: Any) -> Found:
    """The lines of a downloaded file, if it has the results of a batch."""
    return lines_in(content, b'"key"', b'"response"') if isinstance(content, bytes) else _NOTHING


def _parsed(line: bytes) -> _Inlined | None:
    from google.genai import types  # the client is there: it gave us the line

    told = json.loads(line)
    response = told.get("response")
    if not isinstance(response, dict):
        return None
    return _Inlined(types.GenerateContentResponse.model_validate(response), "")


def _embedded(found: _Inlined) -> Fetched:
    tokens = whole(getattr(found.response, "token_count", None))
    usage = Usage(tokens, 0 if tokens is not None else None)
    answer = Answer(response_id=found.id, model=found.embedded_by, usage=usage)
    answer.service_tier = semconv.TIER_BATCH
    return Fetched(semconv.OPERATION_EMBEDDINGS, answer)


def fetches(read: Callable[[Any], Answer | None]) -> tuple[Fetch, Fetch]:
    """How a job's answers are read: those inside it, and those in its file.

    Args:
        read: makes an answer of one response.
    """

    def told(found: _Inlined | None) -> Fetched | None:
        if found is not None and found.embedded_by:
            return _embedded(found)
        answer = None if found is None else read(found.response)
        if found is None or answer is None:
            return None
        answer.service_tier = semconv.TIER_BATCH
        answer.response_id = answer.response_id or found.id
        return Fetched(semconv.OPERATION_GENERATE_CONTENT, answer)

    def told_line(line: bytes) -> Fetched | None:
        return told(_parsed(line))

    return Fetch(read=told, find=_find_inlined), Fetch(read=told_line, find=_find_lines)
