# /// script
# dependencies = [
#   "openinference-instrumentation-langchain==0.1.80",
#   "langchain==1.5.2",
#   "langchain-openai==1.7.4",
#   "langchain-anthropic==1.7.10",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""OpenInference around a LangChain agent with a tool, and a chat model alone.

case: openinference/langchain
"""

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
LangChainInstrumentor().instrument()


@tool
def get_weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


agent = create_agent(ChatOpenAI(model="gpt-4o"), [get_weather], name="weather")
agent.invoke({"messages": [{"role": "user", "content": "Weather in Paris?"}]})
ChatAnthropic(model="claude-sonnet-4-5", max_tokens=20).invoke("Weather?")
