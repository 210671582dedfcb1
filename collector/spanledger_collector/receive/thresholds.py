"""From which score on an evaluation calls an answer wrong: what its operator says, by its name.

Scores are in scales of their judges' own, so none means anything until somebody says so
(``SPANLEDGER_EVALUATIONS_FILE``)::

    evaluations:
      - name: relevance            # gen_ai.evaluation.name, in any case
        wrong_below: 0.5
      - name: hallucination
        wrong_from: 0.7            # this score and any above it
        verdict: hallucinated      # left out: wrong
      - name: "*"                  # every other name
        wrong_below: 0.2

An evaluation with such a rule and a score gets its verdict when it is received, however it comes:
as a record, an event of a span or a log record. One that states a verdict itself keeps it; the rule
goes before what its label would say.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spanledger import semconv
from spanledger_collector.document import read_document
from spanledger_collector.errors import ConfigurationError

_ANY: Final = "*"
_ACCEPTABLE: Final = "acceptable"
#: A body without these bytes holds no score, under its name or its older one.
SCORE_BYTES: Final = b"gen_ai.evaluation.score"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Strict):
    """What a score of one evaluation means; outside of both it is acceptable.

    Attributes:
        name: of the evaluation, in any case; ``*`` = every other.
        wrong_below: scores below this.
        wrong_from: this score and any above it.
        verdict: what such an answer is.
    """

    name: str = Field(min_length=1)
    wrong_below: float | None = Field(default=None, allow_inf_nan=False)
    wrong_from: float | None = Field(default=None, allow_inf_nan=False)
    verdict: Literal["wrong", "hallucinated"] = "wrong"

    @model_validator(mode="after")
    def _says_something(self) -> "Threshold":
        if self.wrong_below is None and self.wrong_from is None:
            raise ValueError("give wrong_below or wrong_from")
        return self

    def of(self, score: float) -> str:
        """The verdict on a score."""
        below = self.wrong_below is not None and score < self.wrong_below
        above = self.wrong_from is not None and score >= self.wrong_from
        return self.verdict if below or above else _ACCEPTABLE


class _Document(_Strict):
    evaluations: list[Threshold]


class Thresholds:
    """The rules of a collector.

    Args:
        rules: one a name.
    """

    def __init__(self, rules: Sequence[Threshold]) -> None:
        self._rules: Mapping[str, Threshold] = {rule.name.casefold(): rule for rule in rules}

    def judge(self, spans: Iterable[Span]) -> None:
        """Give those that tell a score, and no verdict, the verdict of their rule."""
        for span in spans:
            verdict = self._verdict(span)
            if verdict:
                value = AnyValue(string_value=verdict)
                span.attributes.append(KeyValue(key=semconv.EVALUATION_VERDICT, value=value))

    def judge_all(self, resources: Iterable[ResourceSpans]) -> None:
        """The same for all spans of a request."""
        for resource in resources:
            for scope in resource.scope_spans:
                self.judge(scope.spans)

    def _verdict(self, span: Span) -> str:
        """Empty where there is nothing to say."""
        name, score = "", math.nan
        for pair in span.attributes:
            if pair.key == semconv.EVALUATION_VERDICT:
                return ""
            if pair.key == semconv.EVALUATION_NAME:
                name = pair.value.string_value
            elif pair.key == semconv.EVALUATION_SCORE_VALUE:
                score = _number(pair.value)
        rule = self._rules.get(name.casefold()) or self._rules.get(_ANY)
        return "" if rule is None or math.isnan(score) else rule.of(score)


def read_thresholds(path: Path) -> Thresholds:
    """The rules of a file.

    Raises:
        ConfigurationError: it cannot be read, a rule is not one, or two are for one name.
    """
    rules = read_document(path, _Document, "evaluations", entry="rule").evaluations
    names = [rule.name.casefold() for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"evaluations of {path}: two rules for {', '.join(twice)}")
    return Thresholds(rules)


def _number(value: AnyValue) -> float:
    kind = value.WhichOneof("value")
    return float(getattr(value, kind)) if kind in ("double_value", "int_value") else math.nan
