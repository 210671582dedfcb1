# /// script
# dependencies = [
#   "opentelemetry-instrumentation-openai==0.62.4",
#   "opentelemetry-instrumentation-anthropic==0.62.4",
#   "openai==2.54.0",
#   "anthropic==0.125.0",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""OpenLLMetry around the openai and anthropic clients, whole and streamed; one stream untold.

case: openllmetry/clients
"""

import anthropic
import openai
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
ASK = [{"role": "user", "content": "Weather?"}]
client = openai.OpenAI()
client.chat.completions.create(model="gpt-4o", messages=ASK)
list(
    client.chat.completions.create(
        model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
)
list(client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True))
client.responses.create(model="gpt-4o", input="Weather?")
client.embeddings.create(model="text-embedding-3-small", input="Weather?")
claude = anthropic.Anthropic()
claude.messages.create(model="claude-sonnet-4-5", max_tokens=20, messages=ASK)
with claude.messages.stream(model="claude-sonnet-4-5", max_tokens=20, messages=ASK) as stream:
    stream.until_done()
