# /// script
# dependencies = [
#   "anthropic==2.14.0",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""The anthropic client's own tracing, whole and streamed.

case: anthropic_sdk/messages
"""

import anthropic
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
ASK = [{"role": "user", "content": "Weather?"}]
claude = anthropic.Anthropic()
claude.messages.create(model="claude-sonnet-4-5", max_tokens=20, messages=ASK)
with claude.messages.stream(model="claude-sonnet-4-5", max_tokens=20, messages=ASK) as stream:
    stream.until_done()
