"""LiteLLM in Google's words, end to end: it needs packages of its proxy, which ours has not."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.support.environments import ENVIRONMENTS
from tests.support.wires import google_wire

from spanledger import semconv
from spanledger_collector.demo.provider import Answer, Provider

_ANSWER = Answer(text="one two", input_tokens=1000, output_tokens=70, cache_read_tokens=400)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_contents_are_told_once_whoever_asks_and_however() -> None:
    """Asynchronous and not, whole and streamed, of Google itself."""
    with Provider(default=lambda _: _ANSWER, routes=google_wire.ROUTES) as provider:
        python = ENVIRONMENTS.python("litellm-contents")
        program = ["-W", "ignore", "-m", "tests.sdk.instrumentors.contents_program", provider.url]
        done = subprocess.run(
            [str(python), *program],
            cwd=Path(__file__).parents[3],
            env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "true"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-4000:]
    assert len(provider.requests) == 4
    spans: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    assert [span.get(semconv.REQUEST_STREAM, False) for span in spans].count(True) == 2
    assert len({span[semconv.RESPONSE_ID] for span in spans}) == len(spans) == 4
    for told in spans:
        assert told[semconv.OPERATION_NAME] == "generate_content"
        assert told[semconv.PROVIDER_NAME] == "gcp.gemini"
        assert told[semconv.REQUEST_MODEL] == told[semconv.RESPONSE_MODEL] == "gemini-2.5-flash"
        assert told[semconv.USAGE_SOURCE] == "provider"
        assert told[semconv.USAGE_INPUT_TOKENS] == 1000
        assert told[semconv.USAGE_CACHE_READ_TOKENS] == 400
        assert told[semconv.USAGE_OUTPUT_TOKENS] == 70
        assert semconv.USAGE_PARTIAL not in told
