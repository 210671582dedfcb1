# /// script
# dependencies = [
#   "strands-agents[openai,anthropic,otel]==1.62.0",
# ]
# ///
"""A Strands agent asked twice (its second usage holds the first), and one on anthropic.

case: strands/agents
"""

import os

from strands import Agent, tool
from strands.models.anthropic import AnthropicModel
from strands.models.openai import OpenAIModel
from strands.telemetry import StrandsTelemetry

telemetry = StrandsTelemetry().setup_otlp_exporter()


@tool
def get_weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


agent = Agent(
    model=OpenAIModel(model_id="gpt-4o"),
    tools=[get_weather],
    name="weather",
    callback_handler=None,
    trace_attributes={"session.id": "session-1"},
)
agent("Weather in Paris?")
agent("And now?")
Agent(
    model=AnthropicModel(
        client_args={"api_key": "k", "base_url": os.environ["MODEL_SERVER"]},
        model_id="claude-sonnet-4-5",
        max_tokens=20,
    ),
    name="claude",
    callback_handler=None,
)("Weather?")
telemetry.tracer_provider.force_flush()
