# /// script
# dependencies = [
#   "logfire==5.4.0",
#   "openai==3.57.0",
#   "anthropic==2.14.0",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""Logfire around the openai and anthropic clients, whole and streamed.

case: logfire/clients
"""

import anthropic
import logfire
import openai
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

logfire.configure(
    send_to_logfire=False,
    console=False,
    additional_span_processors=[SimpleSpanProcessor(OTLPSpanExporter())],
)
logfire.instrument_openai()
logfire.instrument_anthropic()
ASK = [{"role": "user", "content": "Weather?"}]
client = openai.OpenAI()
client.chat.completions.create(model="gpt-4o", messages=ASK)
list(
    client.chat.completions.create(
        model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
)
client.responses.create(model="gpt-4o", input="Weather?")
client.embeddings.create(model="text-embedding-3-small", input="Weather?")
anthropic.Anthropic().messages.create(model="claude-sonnet-4-5", max_tokens=20, messages=ASK)
logfire.force_flush()
