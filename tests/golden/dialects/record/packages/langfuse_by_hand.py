# /// script
# dependencies = [
#   "langfuse==5.0.4",
#   "httpx==0.28.1",
# ]
# ///
"""A generation written by hand around an HTTP call of Anthropic, in Langfuse's own buckets.

case: langfuse/by_hand
"""

import os

os.environ["LANGFUSE_PUBLIC_KEY"] = os.environ["LANGFUSE_SECRET_KEY"] = "k"
os.environ["LANGFUSE_BASE_URL"] = os.environ["LANGFUSE_HOST"] = os.environ["MODEL_SERVER"]

import httpx
from langfuse import get_client

langfuse = get_client()
BODY = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Weather?"}]}
with langfuse.start_as_current_observation(
    as_type="generation", name="answer", model="claude-sonnet-4-5"
) as generation:
    usage = httpx.post(f"{os.environ['MODEL_SERVER']}/v1/messages", json=BODY).json()["usage"]
    generation.update(
        output="Sunny.",
        usage_details={
            "input": usage["input_tokens"],
            "input_cached_tokens": usage["cache_read_input_tokens"],
            "input_cache_creation_1h": usage["cache_creation_input_tokens"],
            "output": usage["output_tokens"],
        },
        cost_details={"input": 0.00228, "output": 0.003, "total": 0.00528},
    )
langfuse.flush()
