# /// script
# dependencies = [
#   "langfuse==5.0.4",
#   "openai==3.57.0",
# ]
# ///
"""Langfuse's openai client inside an observed agent, and a generation written by hand.

case: langfuse/clients
"""

import os

os.environ["LANGFUSE_PUBLIC_KEY"] = os.environ["LANGFUSE_SECRET_KEY"] = "k"
os.environ["LANGFUSE_BASE_URL"] = os.environ["LANGFUSE_HOST"] = os.environ["MODEL_SERVER"]

from langfuse import get_client, observe
from langfuse.openai import openai

ASK = [{"role": "user", "content": "Weather?"}]


@observe(as_type="agent")
def weather_agent() -> None:
    client = openai.OpenAI()
    client.chat.completions.create(model="gpt-4o", messages=ASK)
    list(
        client.chat.completions.create(
            model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
    )
    client.responses.create(model="gpt-4o", input="Weather?")
    client.embeddings.create(model="text-embedding-3-small", input="Weather?")


weather_agent()
get_client().flush()
