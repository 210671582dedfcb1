# /// script
# dependencies = [
#   "crewai==1.15.30",
#   "openai==2.54.0",
#   "opentelemetry-exporter-otlp-proto-http==1.45.2",
# ]
# ///
"""A crew of one agent and one task with CrewAI's own spans, in a session with our exporter.

case: crewai/crew
"""

from crewai import LLM, Agent, Crew, Task
from crewai.telemetry.tracing import session
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

agent = Agent(role="forecaster", goal="g", backstory="b", llm=LLM(model="gpt-4o"))
task = Task(description="Weather?", expected_output="one word", agent=agent)
with session.telemetry_session("kickoff-1", "golden", exporters=[OTLPSpanExporter()]):
    Crew(agents=[agent], tasks=[task]).kickoff()
