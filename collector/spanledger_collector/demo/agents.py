"""The program of the demonstration: three agents handle customer tickets with two real clients.

It is an ordinary application: the ``openai`` and ``anthropic`` clients find their server in
``OPENAI_BASE_URL`` and ``ANTHROPIC_BASE_URL``, spanledger finds its collector in
``OTEL_EXPORTER_OTLP_ENDPOINT``.

::

    workflow handle_ticket
      agent triage          gpt-4.1-mini: tool call (429 first on odd tickets), streamed summary
        tool lookup_order
        agent researcher    claude-sonnet-4-5, streamed, cache read and write, web search
          tool search_documents   text-embedding-3-small
        revenue 0.08        what the desk is paid for a ticket that is sorted
      agent writer          one refused call (HTTP 400), claude-haiku-4-5, a private model
        revenue 0.25        for a letter that answers; every other ticket is answered by a person

Run it by hand: ``python -m spanledger_collector.demo.agents --tickets 3``.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from anthropic import Anthropic
from openai import BadRequestError, OpenAI
from opentelemetry import trace

import spanledger
from spanledger import agent, tool, workflow

from .scenario import (
    EMBEDDING_MODEL,
    PRIVATE_MODEL,
    RESEARCH_MODEL,
    TICKET,
    TRIAGE_MODEL,
    WITHDRAWN_MODEL,
    WRITER_MODEL,
)


@dataclass(frozen=True)
class Clients:
    """The two client libraries, as an application would make them."""

    openai: OpenAI = field(default_factory=OpenAI)
    anthropic: Anthropic = field(default_factory=Anthropic)


@tool
def lookup_order(order: str) -> str:
    """Plain code: no model is asked."""
    return f"order {order}: shipped, not delivered"


@tool
def search_documents(clients: Clients, query: str) -> int:
    """Embed a query; returns the size of the vector."""
    answer = clients.openai.embeddings.create(model=EMBEDDING_MODEL, input=query)
    return len(answer.data[0].embedding)


@agent(name="researcher", version="1.0")
def research(clients: Clients, question: str) -> str:
    """A sub-agent: streams from Anthropic."""
    search_documents(clients, question)
    with clients.anthropic.messages.stream(
        model=RESEARCH_MODEL,
        max_tokens=1_000,
        messages=[{"role": "user", "content": question}],
    ) as stream:
        return "".join(stream.text_stream)


@agent(name="triage", version="1.2", tenant="acme")
def triage(clients: Clients, ticket: str) -> str:
    """Ask, use a tool, delegate, summarise."""
    first = clients.openai.chat.completions.create(
        model=TRIAGE_MODEL, user=ticket, messages=[{"role": "user", "content": ticket}]
    )
    calls = first.choices[0].message.tool_calls or []
    facts = [lookup_order("A-17") for _ in calls]
    facts.append(research(clients, "Why is the order late?"))
    summary = clients.openai.chat.completions.create(
        model=TRIAGE_MODEL,
        messages=[{"role": "user", "content": "\n".join(facts)}],
        stream=True,
        stream_options={"include_usage": True},
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in summary if chunk.choices)
    spanledger.record_revenue("0.08")
    return text


@agent(name="writer", version="0.9", tenant="acme")
def write_letter(clients: Clients, summary: str, *, answers: bool) -> str:
    """Fall back after a refusal, then have the tone checked by a private model."""
    with suppress(BadRequestError):
        clients.openai.chat.completions.create(
            model=WITHDRAWN_MODEL, messages=[{"role": "user", "content": summary}]
        )
    answer = clients.anthropic.messages.create(
        model=WRITER_MODEL,
        max_tokens=1_000,
        messages=[{"role": "user", "content": summary}],
    )
    letter = "".join(block.text for block in answer.content if block.type == "text")
    clients.openai.chat.completions.create(
        model=PRIVATE_MODEL, messages=[{"role": "user", "content": letter}]
    )
    if answers:
        spanledger.record_revenue("0.25")
    spanledger.record_outcome("success" if answers else "failure")
    return letter


@workflow(name=TICKET)
def handle_ticket(clients: Clients, ticket: str) -> str:
    """One customer ticket; returns the id of its trace."""
    write_letter(clients, triage(clients, ticket), answers=ticket.endswith("odd"))
    return f"{trace.get_current_span().get_span_context().trace_id:032x}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Handle some tickets and print the trace ids as one JSON list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=3, help="how many tickets to handle")
    options = parser.parse_args(arguments)
    spanledger.init(service_name="ticket-desk")
    clients = Clients()
    traces = [
        handle_ticket(clients, f"ticket {number} {'odd' if number % 2 else 'even'}")
        for number in range(1, options.tickets + 1)
    ]
    spanledger.shutdown()
    json.dump(traces, sys.stdout)


if __name__ == "__main__":
    main()
