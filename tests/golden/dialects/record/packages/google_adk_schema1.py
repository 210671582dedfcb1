# /// script
# dependencies = [
#   "google-adk==2.13.0",
#   "opentelemetry-exporter-otlp-proto-http==1.44.0",
# ]
# ///
"""An agent of Google's ADK with a tool, schema 1 of its telemetry.

case: google_adk/schema1
"""

import asyncio
import os

os.environ["ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN"] = "1"

from google.adk.agents import Agent
from google.adk.runners import InMemoryRunner
from google.genai import types
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)


def get_weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


async def main() -> None:
    agent = Agent(name="weather", model="gemini-2.5-flash", tools=[get_weather])
    runner = InMemoryRunner(agent=agent, app_name="golden")
    session = await runner.session_service.create_session(app_name="golden", user_id="user-1")
    question = types.Content(role="user", parts=[types.Part(text="Weather in Paris?")])
    async for _ in runner.run_async(user_id="user-1", session_id=session.id, new_message=question):
        pass


asyncio.run(main())
