"""Calls that ask what was asked before: retries and regenerations made by the application.

Within one run, a call with the fingerprint of an earlier one that has ended repeats it. If the
earlier one failed (an error, a time-out, a cancellation, a broken stream) this is a retry of it; if
it was answered, also in part, its answer is being made again: rework, and what the first one cost
was wasted. So the later span names the earlier one, and no text is kept anywhere.

Calls that run side by side are samples, votes or hedges, not repetitions: while another call with
the same question is running, nothing is linked. A call of ours inside another (one client that
calls through another) asks the same question on its behalf, and is a part of it. Rework is told of
answers that are generated; the same embedding or order of documents comes out the same when asked
again, so only its retries are told. So it is with what another model was asked after a good answer
(a second opinion), and with a conversation that its service keeps, where the same words come after
another answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.trace import Span

from spanledger import semconv
from spanledger._calls.api import Api
from spanledger._calls.attempts import failure_of
from spanledger._calls.facts import Attributes
from spanledger._calls.fingerprint import fingerprint, moves_on
from spanledger._calls.questions import RUNS, Question, Telling
from spanledger._guard import guarded

_GENERATING: Final = frozenset(
    {
        semconv.OPERATION_CHAT,
        semconv.OPERATION_GENERATE_CONTENT,
        semconv.OPERATION_TEXT_COMPLETION,
    }
)


class Repeat:
    """A call's place among those that ask the same question."""

    __slots__ = ("_earlier", "_generating", "_inner", "_telling", "question")

    def __init__(
        self, question: Question, telling: Telling, outer: Repeat | None, *, generating: bool
    ) -> None:
        self.question = question
        self._telling = telling
        self._generating = generating
        self._inner = outer is not None and outer.question is question
        alone = len(question.running) <= self._inner
        earlier = question.last if alone else None
        same_trace = earlier is not None and earlier.trace_id == telling.trace_id
        self._earlier = earlier if same_trace else None
        if earlier is not None and earlier.model != telling.model:
            self._generating = False
        if not self._inner:
            question.running.append(telling)

    @guarded(None)
    def ended(self, error: BaseException | None) -> None:
        """From now on this call can be repeated. Takes no lock: a finaliser may call it."""
        if error is not None:
            self._telling.failure = failure_of(error)
        self.question.last = self._telling
        if not self._inner:
            self.question.running.pop()  # how many there are matters, not which

    def attributes(self, error_code: str) -> Attributes:
        """What the span says of the call it repeats; nothing when it repeats none.

        Args:
            error_code: what the answer itself says went wrong, if it does.
        """
        self._telling.failure = self._telling.failure or error_code
        earlier = self._earlier
        if earlier is None:
            return {}
        span_id = f"{earlier.span_id:016x}"
        if earlier.failure:
            return {semconv.RETRY_OF: span_id, semconv.RETRY_CAUSE: earlier.failure}
        if not self._generating:
            return {}
        return {semconv.REWORK_OF: span_id, semconv.REWORK_REASON: semconv.REWORK_REGENERATED}


@guarded(None)
def recognise(
    api: Api,
    kwargs: Mapping[str, Any],
    span: Span,
    outer: Repeat | None,
    run_id: str,
    *,
    model: str,
) -> Repeat | None:
    """Find the call that this one repeats, and remember this one.

    Args:
        api: Kind of call.
        kwargs: Its parameters.
        span: Its span.
        outer: The call of ours that this one is made inside of.
        run_id: The run it is made in.
        model: The model that is asked.

    Returns:
        None where the question cannot be read.
    """
    asked = fingerprint(api.operation, api.prompt, kwargs)
    if asked is None:
        return None
    context = span.get_span_context()
    telling = Telling(context.span_id, context.trace_id, model)
    generating = api.operation in _GENERATING and not moves_on(kwargs)
    return Repeat(RUNS.question(run_id, asked), telling, outer, generating=generating)
