# /// script
# dependencies = [
#   "litellm==1.109.1",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""LiteLLM's own OpenTelemetry callback (v1) over openai and anthropic.

case: litellm/completions
"""

import os
import time

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "true"
os.environ["OTEL_EXPORTER"] = "otlp_http"
os.environ["OTEL_ENDPOINT"] = os.environ["MODEL_SERVER"] + "/v1/traces"

import litellm

litellm.callbacks = ["otel"]
ASK = [{"role": "user", "content": "Weather?"}]
litellm.completion(model="openai/gpt-4o", messages=ASK, user="user-1")
litellm.completion(model="anthropic/claude-sonnet-4-5", messages=ASK, max_tokens=20)
for _ in litellm.completion(
    model="openai/gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}
):
    pass
time.sleep(8)  # its logging runs in threads that nobody can wait for
