# /// script
# dependencies = [
#   "mistralai==3.7.0",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""The mistralai client with its own tracing.

case: mistral_sdk/clients
"""

import os

from mistralai.client import Mistral
from mistralai.extra.observability import set_tracer_provider
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))


client = Mistral(api_key="k", server_url=os.environ["MODEL_SERVER"])
set_tracer_provider(client, provider)
ASK = [{"role": "user", "content": "Weather?"}]
client.chat.complete(model="mistral-large-latest", messages=ASK)
