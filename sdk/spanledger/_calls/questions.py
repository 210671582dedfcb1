"""The questions that the runs of this process have asked: what a repetition is told by.

A run is known by its id and remembered until its agent ends, at most :data:`MAX_QUESTIONS`
questions of all runs together; those of the run that was used least recently go first. A run that
another service has begun never ends here, and goes that way. Nothing of a question is kept but its
fingerprint.
"""

from __future__ import annotations

import os
import threading
from typing import Final

#: Questions remembered at most (about 400 bytes each), and those of one run.
MAX_QUESTIONS: Final = 32_768
MAX_QUESTIONS_OF_A_RUN: Final = 2048


class Telling:
    """One call, as later ones name it. ``failure`` is empty for a call that was answered."""

    __slots__ = ("failure", "model", "span_id", "trace_id")

    def __init__(self, span_id: int, trace_id: int, model: str = "") -> None:
        self.span_id = span_id
        self.trace_id = trace_id
        self.model = model
        self.failure = ""


class Question:
    """Who asked it: the calls that are running, outermost only, and the last one that ended."""

    __slots__ = ("last", "running")

    def __init__(self) -> None:
        self.running: list[Telling] = []
        self.last: Telling | None = None


class _Runs:
    """The questions of the runs of this process, least recently used run first."""

    def __init__(self) -> None:
        self.start_afresh()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.start_afresh)

    def start_afresh(self) -> None:
        """Remember nothing; after a fork the calls that run are the parent's."""
        # Reentrant: a finaliser that runs while it is held may make a model call.
        self._lock = threading.RLock()
        self._runs: dict[str, dict[bytes, Question]] = {}
        self._size = 0

    def question(self, run_id: str, asked: bytes) -> Question:
        """The question of this run, whether or not it was asked before."""
        with self._lock:
            questions = self._runs.pop(run_id, None)
            if questions is None:
                questions = {}
            self._runs[run_id] = questions
            question = questions.get(asked)
            if question is None:
                question = questions[asked] = Question()
                self._size += 1
                self._make_room(questions)
            return question

    def _make_room(self, questions: dict[bytes, Question]) -> None:
        if len(questions) > MAX_QUESTIONS_OF_A_RUN:
            del questions[next(iter(questions))]
            self._size -= 1
        while self._size > MAX_QUESTIONS:
            self.forget(next(iter(self._runs)))

    def forget(self, run_id: str) -> None:
        """The run has ended."""
        with self._lock:
            questions = self._runs.pop(run_id, None)
            if questions is not None:
                self._size -= len(questions)

    def __len__(self) -> int:
        return self._size


RUNS: Final = _Runs()
