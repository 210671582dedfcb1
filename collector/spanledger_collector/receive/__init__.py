"""OTLP in: gRPC, HTTP/protobuf and HTTP/JSON, one decode path, one map from errors to answers.

A request is answered with success only after ``accept`` (the journal's append) has returned.
"""

from spanledger_collector.receive.admission import Accept
from spanledger_collector.receive.receiver import Ports, Receiver

__all__ = ["Accept", "Ports", "Receiver"]
