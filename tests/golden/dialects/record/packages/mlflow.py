# /// script
# dependencies = [
#   "mlflow-skinny==3.17.2",
#   "numpy==2.2.6",
#   "pandas==2.3.3",
#   "openai==3.57.0",
#   "anthropic==2.14.0",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""MLflow's autologging around the openai and anthropic clients under a traced agent.

case: mlflow/clients
"""

import os

os.environ["MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT"] = "false"
os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = os.environ["MODEL_SERVER"] + "/v1/traces"

import anthropic
import mlflow
import openai

mlflow.openai.autolog()
mlflow.anthropic.autolog()
ASK = [{"role": "user", "content": "Weather?"}]


@mlflow.trace(span_type="AGENT")
def weather_agent() -> None:
    client = openai.OpenAI()
    client.chat.completions.create(model="gpt-4o", messages=ASK)
    client.responses.create(model="gpt-4o", input="Weather?")
    anthropic.Anthropic().messages.create(model="claude-sonnet-4-5", max_tokens=20, messages=ASK)


weather_agent()
mlflow.flush_trace_async_logging(terminate=True)
