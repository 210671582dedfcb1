"""Results of batches that LiteLLM downloads: OpenAI's lines, which others share, or Anthropic's.

LiteLLM asks some providers through the ``openai`` client, which is patched too and knows the host:
there it is that client's fetch that is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import parse_json
from spanledger._calls.fetch import Fetch, Fetched, Found
from spanledger._formats import messages
from spanledger._formats.batch_lines import BATCH_FILE, find_lines, read_result


def _find(content: Any) -> Found:
    found = find_lines(content)
    return found if found.number else find_lines(content, (b'"custom_id"', b'"result"'))


def _read(line: bytes) -> Fetched | None:
    told = parse_json(line)
    if told.result is None:
        return read_result(told)
    if told.result.type != "succeeded":
        return None
    answer = messages.answer_of(told.result.message)
    answer.service_tier = semconv.TIER_BATCH
    return Fetched(semconv.OPERATION_CHAT, answer)


RESULT_FILE: Final[Fetch] = replace(BATCH_FILE, read=_read, find=_find, routes=True)
