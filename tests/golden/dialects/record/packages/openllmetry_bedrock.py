# /// script
# dependencies = [
#   "opentelemetry-instrumentation-bedrock==0.62.4",
#   "boto3==1.44.8",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""OpenLLMetry's instrumentation of Bedrock's Converse, whole and streamed.

case: openllmetry_bedrock/clients
"""

import boto3
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.bedrock import BedrockInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
BedrockInstrumentor().instrument()
ASK = [{"role": "user", "content": [{"text": "Weather?"}]}]
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
client = boto3.client("bedrock-runtime")
client.converse(modelId=MODEL, messages=ASK)
list(client.converse_stream(modelId=MODEL, messages=ASK)["stream"])
