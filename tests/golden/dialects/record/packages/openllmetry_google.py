# /// script
# dependencies = [
#   "opentelemetry-instrumentation-google-generativeai==0.62.4",
#   "google-genai==2.33.0",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""OpenLLMetry's instrumentation of the google-genai client, whole and streamed.

case: openllmetry_google/clients
"""

from google import genai
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.google_generativeai import GoogleGenerativeAiInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
GoogleGenerativeAiInstrumentor().instrument()
client = genai.Client()
client.models.generate_content(model="gemini-2.5-flash", contents="Weather?")
list(client.models.generate_content_stream(model="gemini-2.5-flash", contents="Weather?"))
