"""Attributes that must not be stored: dropped or hashed by name, before anything is on disk.

Rules are a YAML file; the first that fits a name decides::

    rules:
      - {name: "enduser.*", action: drop}
      - {name: "*.email", action: hash}

They hold for attributes of resources, scopes, spans, events, links and data points. A hash is
HMAC-SHA256 under a key of the operator's, so that equal values stay equal and nobody else can try
values; numbers and booleans cannot be hashed and are dropped by such a rule.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from pathlib import Path
from typing import Any, Literal

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from pydantic import BaseModel, ConfigDict, Field

from spanledger_collector.document import read_document
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.signals import Signal

_HASH_DIGITS = 32
_MOST_NAMES = 10_000
#: Gives a canonical request of a signal without what must not be stored.
Redact = Callable[[bytes, Signal], bytes]
_Action = Literal["drop", "hash"]


class Rule(BaseModel):
    """What is done with attributes of a name.

    Attributes:
        name: of attributes; ``*`` is any text, ``?`` any character.
        action: ``drop`` or ``hash``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=200)
    action: _Action


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: list[Rule]


def read_redaction(path: Path, key: str) -> "Redaction":
    """The rules of a file.

    Args:
        path: of the file.
        key: what hashes are made with.

    Raises:
        ConfigurationError: the file cannot be used, or hashes are wanted without a key.
    """
    rules = read_document(path, _Rules, "redaction rules", entry="rule").rules
    if not key and any(rule.action == "hash" for rule in rules):
        raise ConfigurationError(
            f"{path} has rules that hash: set SPANLEDGER_REDACTION_KEY to a secret of your own"
        )
    return Redaction(rules, key)


class Redaction:
    """Rules, ready to be used; call it with a request.

    Args:
        rules: the first that fits decides.
        key: what hashes are made with.
    """

    def __init__(self, rules: Sequence[Rule], key: str) -> None:
        self._rules: list[tuple[re.Pattern[str], _Action]] = [
            (re.compile(translate(rule.name)), rule.action) for rule in rules
        ]
        self._key = key.encode()
        self._known: dict[str, _Action | None] = {}

    def __call__(self, payload: bytes, signal: Signal = "traces") -> bytes:
        """A canonical export request without what the rules forbid."""
        return self._metrics(payload) if signal == "metrics" else self._traces(payload)

    def _metrics(self, payload: bytes) -> bytes:
        """Of points of numbers: others are not stored."""
        request = ExportMetricsServiceRequest.FromString(payload)
        for resource in request.resource_metrics:
            self._clean(resource.resource.attributes)
            for scope in resource.scope_metrics:
                self._clean(scope.scope.attributes)
                for metric in scope.metrics:
                    for point in (*metric.gauge.data_points, *metric.sum.data_points):
                        self._clean(point.attributes)
        return request.SerializeToString()

    def _traces(self, payload: bytes) -> bytes:
        request = ExportTraceServiceRequest.FromString(payload)
        for resource in request.resource_spans:
            self._clean(resource.resource.attributes)
            for scope in resource.scope_spans:
                self._clean(scope.scope.attributes)
                for span in scope.spans:
                    self._clean(span.attributes)
                    for part in (*span.events, *span.links):
                        self._clean(part.attributes)
        return request.SerializeToString()

    def _clean(self, attributes: Any) -> None:
        actions = [self._action(attribute.key) for attribute in attributes]
        if not any(actions):
            return
        kept: list[KeyValue] = []
        for attribute, action in zip(attributes, actions, strict=True):
            if action is None:
                kept.append(attribute)
            elif action == "hash" and (hashed := self._hashed(attribute.value)):
                value = AnyValue(string_value=hashed)
                kept.append(KeyValue(key=attribute.key, value=value))
        kept = [KeyValue.FromString(one.SerializeToString()) for one in kept]
        del attributes[:]
        attributes.extend(kept)

    def _action(self, name: str) -> _Action | None:
        if name not in self._known:
            # Names are the senders': what is remembered of them is bounded.
            if len(self._known) >= _MOST_NAMES:
                self._known.clear()
            self._known[name] = self._decided(name)
        return self._known[name]

    def _decided(self, name: str) -> _Action | None:
        for pattern, action in self._rules:
            if pattern.match(name):
                return action
        return None

    def _hashed(self, value: AnyValue) -> str:
        kind = value.WhichOneof("value")
        if kind == "string_value":
            content = value.string_value.encode()
        elif kind in ("bytes_value", "array_value", "kvlist_value"):
            content = value.SerializeToString(deterministic=True)
        else:
            return ""
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()[:_HASH_DIGITS]
