# /// script
# dependencies = [
#   "bedrock-agentcore==1.25.0",
#   "strands-agents[otel]==1.62.0",
#   "aws-opentelemetry-distro==0.21.0",
#   "uvicorn==0.38.0",
#   "httpx==0.28.1",
# ]
# ///
"""A Strands agent on Bedrock in an AgentCore runtime, started as AWS starts it.

AWS's distribution instruments botocore and the server beside Strands' own spans, so that every call
is told twice. One invocation comes through a gateway's routing experiment, whose names are baggage.

case: strands/agentcore
"""

import os
import sys
import threading
import time
from pathlib import Path

import httpx

_SETTINGS = {
    "AGENT_OBSERVABILITY_ENABLED": "true",
    "OTEL_PYTHON_DISTRO": "aws_distro",
    "OTEL_PYTHON_CONFIGURATOR": "aws_configurator",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_AWS_APPLICATION_SIGNALS_ENABLED": "false",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": os.environ["MODEL_SERVER"] + "/v1/traces",
}
if "OTEL_PYTHON_DISTRO" not in os.environ:
    launcher = Path(sys.executable).with_name("opentelemetry-instrument")
    command = [str(launcher), sys.executable, __file__]
    os.execve(launcher, command, {**os.environ, **_SETTINGS})  # noqa: S606 -- its own launcher

import uvicorn
from bedrock_agentcore import BedrockAgentCoreApp
from opentelemetry import trace
from strands import Agent, tool
from strands.models import BedrockModel

app = BedrockAgentCoreApp()


@tool
def get_weather(city: str) -> str:
    """Tells the weather."""
    return f"sunny in {city}"


agent = Agent(
    model=BedrockModel(model_id="us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    tools=[get_weather],
    name="weather",
    callback_handler=None,
)


@app.entrypoint
def invoke(payload: dict[str, str]) -> dict[str, str]:
    return {"result": str(agent(payload["prompt"]))}


server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=18_098, log_level="warning"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.05)
SESSION = {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": "session-1"}
EXPERIMENT = "aws.agentcore.gateway.routing_experiment"
BAGGAGE = f"{EXPERIMENT}_arn=arn%3Aaws%3Aexperiment%2F1,{EXPERIMENT}_variant_name=B"
for headers in (SESSION, {**SESSION, "baggage": BAGGAGE}):
    answer = httpx.post(
        "http://127.0.0.1:18098/invocations",
        json={"prompt": "Weather in Paris?"},
        headers=headers,
        timeout=60,
    )
    answer.raise_for_status()
trace.get_tracer_provider().force_flush()
server.should_exit = True
