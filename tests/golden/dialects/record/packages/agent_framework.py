# /// script
# dependencies = [
#   "agent-framework-core==1.23.0",
#   "agent-framework-openai==1.17.0",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""An agent of the Microsoft Agent Framework with a tool.

case: agent_framework/agents
"""

import asyncio

from agent_framework import Agent
from agent_framework.observability import enable_instrumentation
from agent_framework.openai import OpenAIChatClient
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
enable_instrumentation()


def get_weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


async def main() -> None:
    agent = Agent(client=OpenAIChatClient(model="gpt-4o"), name="weather", tools=[get_weather])
    await agent.run("Weather in Paris?")


asyncio.run(main())
