# /// script
# dependencies = [
#   "openinference-instrumentation-openai==0.1.66",
#   "openinference-instrumentation-anthropic==3.1.0",
#   "openai==2.54.0",
#   "anthropic==2.14.0",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""OpenInference around the openai and anthropic clients, whole and streamed; one stream untold.

case: openinference/clients
"""

import anthropic
import openai
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
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
