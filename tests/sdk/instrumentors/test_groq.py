"""What only the ``groq`` client does: an answer and its request have an id each."""

from __future__ import annotations

import pytest
from tests.sdk.instrumentors.cases_groq import ASKED, CASES
from tests.sdk.instrumentors.conftest import Desk

from spanledger import semconv


@pytest.mark.parametrize("stream", [False, True])
def test_both_ids_of_a_completion_are_told(desk: Desk, *, stream: bool) -> None:
    """So that whoever tells the other one is known to tell the same call."""
    made = desk.make(CASES, "sync").chat.completions.create(**ASKED, stream=stream)
    if stream:
        list(made)
    [span] = desk.spans()
    told = {name: str((span.attributes or {})[name]) for name in _IDS}
    number = told[semconv.RESPONSE_ID].rpartition("-")[2]
    assert told[semconv.RESPONSE_ID].startswith("chatcmpl-")
    assert told[semconv.RESPONSE_REQUEST_ID].startswith("req_")
    assert told[semconv.RESPONSE_REQUEST_ID].endswith(f"_{number}")


_IDS = (semconv.RESPONSE_ID, semconv.RESPONSE_REQUEST_ID)
