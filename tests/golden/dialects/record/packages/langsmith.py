# /// script
# dependencies = [
#   "langsmith[otel]==0.15.0",
#   "openai==3.57.0",
# ]
# ///
"""LangSmith's wrapped openai client under a traced function, exported over OTLP.

case: langsmith/clients
"""

import os

os.environ["LANGSMITH_TRACING"] = "true"
os.environ["LANGSMITH_OTEL_ENABLED"] = os.environ["LANGSMITH_OTEL_ONLY"] = "true"
os.environ["LANGSMITH_API_KEY"] = "k"
os.environ["LANGSMITH_ENDPOINT"] = os.environ["MODEL_SERVER"]

import openai
from langsmith import Client, traceable
from langsmith.wrappers import wrap_openai

ASK = [{"role": "user", "content": "Weather?"}]
langsmith = Client()


@traceable(run_type="chain", client=langsmith, metadata={"thread_id": "thread-1"})
def weather() -> None:
    client = wrap_openai(openai.OpenAI(), tracing_extra={"client": langsmith})
    client.chat.completions.create(model="gpt-4o", messages=ASK)
    list(
        client.chat.completions.create(
            model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
    )
    client.responses.create(model="gpt-4o", input="Weather?")


weather()
langsmith.flush()
