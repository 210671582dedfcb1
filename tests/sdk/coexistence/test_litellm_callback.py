"""LiteLLM's own OpenTelemetry callback beside our instrumentation of LiteLLM: counted once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.sdk.coexistence.test_coexistence import UNSETTLED
from tests.support.running import RunningCollector

from spanledger_collector.demo.provider import Answer, Provider

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_CALLS: Final = 4
_ANSWER: Final = Answer(text="the answer", input_tokens=1000, output_tokens=70)


@pytest.fixture(scope="module", name="collector")
def _collector(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningCollector]:
    started = RunningCollector(tmp_path_factory.mktemp("litellm-callback") / "data")
    with started as running:
        running.wait_ready()
        yield running


@pytest.mark.parametrize("order", ["ours first", "theirs first"])
def test_every_call_is_counted_once(collector: RunningCollector, order: str) -> None:
    """Whole and streamed, synchronous and asynchronous; what the callback tells gives way.

    In spans of its own; by default it puts what it tells on the span around the call.
    """
    service = order.replace(" ", "-")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "OTEL_SERVICE_NAME": service,
        "LITELLM_LOCAL_MODEL_COST_MAP": "true",
        "USE_OTEL_LITELLM_REQUEST_SPAN": "true",
    }
    with Provider(default=lambda _: _ANSWER) as provider:
        done = subprocess.run(
            [
                sys.executable, "-W", "ignore", "-m", "tests.sdk.coexistence.litellm_callback",
                order, f"http://127.0.0.1:{collector.http_port}", provider.openai_url,
            ],
            cwd=Path(__file__).parents[3],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert "WARNING:spanledger" not in done.stderr, done.stderr[-4000:]
    of_it = f"service_name = '{service}'"
    collector.wait_for(
        f"SELECT count() FROM spans FINAL WHERE {of_it} AND name = 'litellm_request'",
        _CALLS,
    )
    collector.wait_until(lambda: collector.reader.health()["journal"]["records"] == 0)
    collector.wait_until(lambda: collector.count(UNSETTLED) == 0)
    traces = f"trace_id IN (SELECT trace_id FROM spans FINAL WHERE {of_it})"

    def rows() -> list[dict[str, Any]]:
        return collector.rows(
            "SELECT counted, agent_name, input_uncached_tokens AS input, output_tokens AS output, "
            f"excluded_reason FROM attempts FINAL WHERE {traces}"
        )

    counted = [row for row in rows() if row["counted"]]
    assert len(counted) == _CALLS, rows()
    assert {row["agent_name"] for row in counted} == {"planner"}, rows()
    numbers = {(row["input"], row["output"]) for row in counted}
    assert numbers == {(_ANSWER.input_tokens, _ANSWER.output_tokens)}
    assert len(rows()) >= 2 * _CALLS, "the callback told next to nothing"
