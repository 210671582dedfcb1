# /// script
# dependencies = [
#   "azure-ai-inference==1.0.0b9",
#   "azure-core-tracing-opentelemetry==1.0.0b12",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""The Azure AI Inference client with its own tracing, whole and streamed.

case: azure_ai/inference
"""

import os

from azure.ai.inference import ChatCompletionsClient
from azure.ai.inference.models import UserMessage
from azure.ai.inference.tracing import AIInferenceInstrumentor
from azure.core.credentials import AzureKeyCredential
from azure.core.settings import settings
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
settings.tracing_implementation = "opentelemetry"
AIInferenceInstrumentor().instrument()
client = ChatCompletionsClient(
    endpoint=os.environ["MODEL_SERVER"] + "/v1", credential=AzureKeyCredential("k"), model="gpt-4o"
)
client.complete(messages=[UserMessage("Weather?")])
