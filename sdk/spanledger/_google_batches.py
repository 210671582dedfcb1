"""Results of batches of Google's client: inside the job that is polled, or in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from spanledger import semconv
from spanledger._answer import Answer, text
from spanledger._batch_lines import lines_in
from spanledger._fetch import Fetch, Fetched, Found

_NOTHING: Final = Found((), 0)


class _Inlined(NamedTuple):
    """A response in a job, and an id for it where it has none of its own."""

    response: Any
    id: str


def _find_inlined(job: Any) -> Found:
    """The responses in a job; none before it has ended."""
    inlined = getattr(getattr(job, "dest", None), "inlined_responses", None) or ()
    return Found(_with_ids(text(job.name), inlined), len(inlined)) if inlined else _NOTHING


def _with_ids(job: str, inlined: Any) -> Iterator[_Inlined]:
    for number, one in enumerate(inlined):
        if one.response is not None:  # it failed and was not billed
            yield _Inlined(one.response, f"{job}#{number}")


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


def fetches(read: Callable[[Any], Answer | None]) -> tuple[Fetch, Fetch]:
    """How a job's answers are read: those inside it, and those in its file.

    Args:
        read: makes an answer of one response.
    """

    def told(found: _Inlined | None) -> Fetched | None:
        answer = None if found is None else read(found.response)
        if found is None or answer is None:
            return None
        answer.service_tier = semconv.TIER_BATCH
        answer.response_id = answer.response_id or found.id
        return Fetched(semconv.OPERATION_GENERATE_CONTENT, answer)

    def told_line(line: bytes) -> Fetched | None:
        return told(_parsed(line))

    return Fetch(read=told, find=_find_inlined), Fetch(read=told_line, find=_find_lines)
