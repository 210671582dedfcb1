"""What the simulated provider answers in the demonstration: fixed token counts, one 429, one 400.

Every number is literal, so that the cost of each attempt can be worked out on paper; the end-to-end
test does so.
"""

from typing import Final

from .answers import Answer, Request, ToolCall

#: The workflow, which is the root of each trace.
TICKET: Final = "handle_ticket"
#: Models the program asks for. The last is served by nobody's price list: its cost is unknown.
TRIAGE_MODEL: Final = "gpt-4.1-mini"
RESEARCH_MODEL: Final = "claude-sonnet-4-5-20250929"
WRITER_MODEL: Final = "claude-haiku-4-5-20251001"
EMBEDDING_MODEL: Final = "text-embedding-3-small"
PRIVATE_MODEL: Final = "llama-3.1-8b-instruct"
#: Asked for once a ticket by mistake: the provider refuses it (HTTP 400).
WITHDRAWN_MODEL: Final = "gpt-4.1-mini-withdrawn"

_RETRY_AFTER_SECONDS: Final = 0.05


class Scenario:
    """Answers by model; the first triage request of every second ticket is told to come back."""

    def __init__(self) -> None:
        self._triage_requests = 0
        self._refused: set[str] = set()

    def __call__(self, request: Request) -> Answer:
        """The answer to one HTTP request."""
        if request.model == TRIAGE_MODEL:
            return self._triage(request)
        if request.model == WITHDRAWN_MODEL:
            return Answer(status=400, error_message="simulated: this model was withdrawn")
        return _BY_MODEL.get(request.model, Answer())

    def _triage(self, request: Request) -> Answer:
        """Ticket: 429, then a tool call; then, streamed, the summary with most input cached."""
        if request.streaming:
            return Answer(
                text="Simulated summary: the order is delayed, a refund is due.",
                input_tokens=2_400,
                cache_read_tokens=1_920,
                output_tokens=180,
            )
        ticket = str(request.body.get("user", ""))
        if ticket.endswith("odd") and ticket not in self._refused:
            self._refused.add(ticket)
            return Answer(status=429, retry_after_seconds=_RETRY_AFTER_SECONDS)
        return Answer(
            tool_calls=(ToolCall("lookup_order", {"order": "A-17"}),),
            input_tokens=1_850,
            output_tokens=42,
        )


_BY_MODEL: Final = {
    RESEARCH_MODEL: Answer(
        text="Simulated research: carriers report a strike.",
        input_tokens=12_000,
        cache_read_tokens=9_000,
        cache_write_5m_tokens=2_000,
        output_tokens=650,
        web_search_requests=2,
    ),
    WRITER_MODEL: Answer(
        text="Simulated letter: we are sorry for the delay.",
        input_tokens=3_100,
        output_tokens=420,
    ),
    EMBEDDING_MODEL: Answer(input_tokens=512),
    PRIVATE_MODEL: Answer(
        text="Simulated check: the tone is friendly.", input_tokens=900, output_tokens=12
    ),
}
