# /// script
# dependencies = [
#   "agentops==0.4.21",
#   "openai==3.57.0",
# ]
# ///
"""AgentOps around the openai client under an agent.

case: agentops/clients
"""

import os

import agentops
from agentops.sdk.decorators import agent, operation

agentops.init(
    api_key="00000000-0000-4000-8000-000000000000",
    endpoint=os.environ["MODEL_SERVER"],
    exporter_endpoint="http://127.0.0.1:9/v1/traces",  # its own exporter needs their service
    auto_start_session=True,
    fail_safe=False,
)
import openai
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))

ASK = [{"role": "user", "content": "Weather?"}]


@agent(name="weather")
class WeatherAgent:
    @operation
    def ask(self) -> None:
        client = openai.OpenAI()
        client.chat.completions.create(model="gpt-4o", messages=ASK)


WeatherAgent().ask()
agentops.end_trace()
