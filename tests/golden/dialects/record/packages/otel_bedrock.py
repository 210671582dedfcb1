# /// script
# dependencies = [
#   "opentelemetry-instrumentation-botocore==0.66b2",
#   "boto3==1.44.8",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""OpenTelemetry's instrumentation of botocore around Bedrock's Converse, whole and streamed.

case: otel_bedrock/botocore
"""

import boto3
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
BotocoreInstrumentor().instrument()
ASK = [{"role": "user", "content": [{"text": "Weather?"}]}]
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
client = boto3.client("bedrock-runtime")
client.converse(modelId=MODEL, messages=ASK)
list(client.converse_stream(modelId=MODEL, messages=ASK)["stream"])
