# /// script
# dependencies = [
#   "pydantic-ai-slim[openai,anthropic]==2.68.0",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""Agents of pydantic-ai with a tool, on openai and on anthropic.

case: pydantic_ai/agents
"""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic_ai import Agent, InstrumentationSettings

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))


def get_weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


for name, model in (
    ("on_openai", "openai-chat:gpt-4o"),
    ("on_claude", "anthropic:claude-sonnet-4-5"),
):
    Agent(model, name=name, tools=[get_weather]).run_sync("Weather in Paris?")
